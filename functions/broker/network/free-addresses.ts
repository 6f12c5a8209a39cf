import { type HeldAddress, heldAmong } from '../../../db/queries/network/port-ground.ts'
import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import { onlyEnds, readCidr, readIp, writeIp } from './address.ts'

/* Free addresses are found by asking of some whether they are held, never by reading all that are: a /8 as fast as a /24. */

/** No cloud keeps more of a subnet than this, so an address that nobody named works on all of them. */
const KEPT = { head: 4, tail: 1 }
/** So many of the lowest are asked for: where little is taken, ports are next to each other. */
const LOWEST = 32
/** And so many by chance: of a subnet nine tenths full all are taken once in 25,000 times. */
const BY_CHANCE = 96
/** A subnet in which these are all taken is nearly full: it is walked through, so many addresses a statement. */
const STRIDE = 4_096
/** Beyond this no position is tried: it is more than anybody holds, and counted exactly. */
const FARTHEST = 2n ** 48n

/** The positions of a subnet that can be given to a port, 0 to `size`: its pools, without what clouds keep. */
interface Positions {
  subnet: SubnetRow
  size: number
  /** Null: the gateway's. */
  addressAt(position: number): string | null
}

const positionsOf = (subnet: SubnetRow): Positions => {
  const block = readCidr(subnet.cidr)!
  const kept = onlyEnds(block) ? { head: 0, tail: 0 } : block.version === 4 ? KEPT : { head: 1, tail: 0 }
  const [lowest, highest] = [block.first + BigInt(kept.head), block.last - BigInt(kept.tail)]
  const ranges = subnet.allocationPools.flatMap((pool) => {
    const [start, end] = [readIp(pool.start)!.value, readIp(pool.end)!.value]
    const first = start < lowest ? lowest : start
    const last = end > highest ? highest : end
    return first <= last ? [{ first, count: last - first + 1n }] : []
  })
  const size = ranges.reduce((sum, { count }) => sum + count, 0n)
  return {
    subnet,
    size: Number(size < FARTHEST ? size : FARTHEST),
    addressAt: (position) => {
      let left = BigInt(position)
      for (const { first, count } of ranges) {
        if (left < count) {
          const address = writeIp({ version: block.version, value: first + left })
          return address === subnet.gatewayIp ? null : address
        }
        left -= count
      }
      return null
    },
  }
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
const chances = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

/** Addresses of a subnet to ask about, those to be preferred first; `all`: there are no others. */
export interface Candidates extends Positions {
  addresses: string[]
  all: boolean
  /** Where a walk through the subnet would begin. */
  start: number
}

/** Which addresses to try for so many ports. `dice` is a UUID whose digits decide. */
export const candidatesIn = (subnet: SubnetRow, ports: number, dice: string): Candidates => {
  const positions = positionsOf(subnet)
  const { size, addressAt } = positions
  const lowest = Math.min(size, LOWEST + ports)
  const chosen = new Set(Array.from({ length: lowest }, (_, i) => i))
  const chance = chances(Number.parseInt(dice.slice(0, 8), 16))
  const start = Math.floor(chance() * size)
  const wanted = lowest + BY_CHANCE + ports
  const all = size <= wanted
  if (all) for (let i = lowest; i < size; i++) chosen.add(i)
  // Two throws may be alike: fewer by chance do no harm.
  else for (let i = lowest; i < wanted; i++) chosen.add(Math.floor(chance() * size))
  return { ...positions, addresses: [...chosen].flatMap((position) => addressAt(position) ?? []), all, start }
}

/** What nobody of `held` has, in the same order. */
export const freeAmong = (
  { subnet, addresses }: Pick<Candidates, 'subnet' | 'addresses'>,
  held: HeldAddress[],
): string[] => {
  const taken = new Set(held.filter(({ subnetId }) => subnetId === subnet.id).map(({ address }) => address))
  return addresses.filter((address) => !taken.has(address))
}

/** Free addresses of a subnet that is nearly full: every position is looked at until so many are found. */
export const walkFor = async (
  context: Context,
  { subnet, size, addressAt, start }: Candidates,
  wanted: number,
): Promise<string[]> => {
  const found: string[] = []
  for (let walked = 0; walked < size && found.length < wanted; walked += STRIDE) {
    const steps = Math.min(STRIDE, size - walked)
    const addresses = Array.from({ length: steps }, (_, i) => addressAt((start + walked + i) % size) ?? []).flat()
    const held = await heldAmong(context.db, { [subnet.id]: addresses })
    found.push(...freeAmong({ subnet, addresses }, held))
  }
  return found
}
