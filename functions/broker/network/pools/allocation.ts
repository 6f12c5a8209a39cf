import { type Held, heldSince } from '../../../../db/queries/network/held-ranges.ts'
import { overPoolQuota, shareOf, spaceFor, spaceHolding, takeRange } from '../../../../db/queries/network/pool-space.ts'
import { type SubnetPoolRow, subnetPoolMoved, subnetPoolsById } from '../../../../db/queries/network/subnet-pools.ts'
import type { SubnetRow } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { guard, type Write } from '../../line/commit.ts'
import { readCidr, writeCidr } from '../address.ts'
import { badRequestFor, invalid, type NetworkRefused } from '../network-refusal.ts'
import { checkLength, overPool, unallocatable, unitsOf } from './pool-rules.ts'
import { bitsIn, cidrOf, compacted, meet, without } from './ranges.ts'
import { scopesMixed, seenSubnetPool } from './subnet-pool.ts'

/**
 * Subnets from pools (neutron/ipam/subnet_alloc.py). A range is chosen from what is free, and taken by the batch that makes
 * the subnet: `POOL_GUARDS` undo it where somebody else was faster, and another look chooses again.
 */

/** Guards that say that a pool, or what is held of its ranges on a cloud, is not as it was read. */
export const POOL_GUARDS = ['pool-moved', 'pool-space', 'range-held']

/** So many free blocks of a pool are looked at before it counts as full for who has to avoid all of them. */
const MOST_BLOCKS = 2 ** 15

/** What is asked of a pool: a range, or any of a length. */
export interface PoolWish {
  projectId: string
  /** The pool's. */
  id: string
  /** Absent: the pool's. */
  ipVersion?: 4 | 6
  /** Absent: any. */
  cidr?: string | undefined
  /** Absent: what the pool says. */
  prefixlen?: number | undefined
  gatewayIp?: string | null | undefined
  /** CIDRs of which nothing may be in what is chosen; absent: none. */
  avoid?: string[]
}

export interface Allocation {
  pool: SubnetPoolRow
  cidr: string
  bits: string
  units: number
}

/**
 * Chooses ranges for subnets of one batch, one after the other. `before`: how often somebody else was faster; then what is
 * chosen is a matter of chance, among more and more.
 */
export const poolAllocator = (context: Context, before: number) => {
  const chosen: Allocation[] = []
  const shares = new Map<string, number>()
  /** What the batch has taken of a free block, or blocks that are left of it. */
  const freeWithout = (free: string[], poolId: string): string[] =>
    chosen.filter(({ pool }) => pool.id === poolId).reduce((left, { bits }) => split(left, bits), free)

  return async (wish: PoolWish): Promise<Allocation> => {
    const pool = await seenSubnetPool(context, wish.id)
    if (wish.ipVersion !== undefined && pool.ipVersion !== wish.ipVersion)
      throw badRequestFor(
        'subnets',
        `Cannot allocate IPv${wish.ipVersion} subnet from IPv${pool.ipVersion} subnet pool`,
      )
    const specific = wish.cidr ?? aroundGateway(wish, pool)
    const prefixlen = specific === null ? (wish.prefixlen ?? pool.defaultPrefixlen) : readCidr(specific)!.prefix
    checkLength(pool, prefixlen)
    const units = unitsOf(pool.ipVersion, prefixlen)
    if (pool.defaultQuota) {
      const share = `${pool.id}/${wish.projectId}`
      const used = shares.get(share) ?? (await shareOf(context.db, pool.id, wish.projectId))
      if (used + units > pool.defaultQuota) throw overPool()
      shares.set(share, used + units)
    }
    const bits =
      specific === null
        ? await anyOf(pool, prefixlen, within(pool, wish.avoid ?? []))
        : await thatOf(pool, bitsIn(specific))
    const allocation = { pool, cidr: cidrOf(pool.ipVersion, bits), bits, units }
    chosen.push(allocation)
    return allocation
  }

  async function anyOf(pool: SubnetPoolRow, prefixlen: number, avoid: string[]): Promise<string> {
    const spread = Math.min(64, 4 ** before)
    const free = await freeBeside(pool, prefixlen, avoid, chosen.length + avoid.length + spread)
    const dice = before === 0 ? 0 : Number.parseInt(context.newId().slice(0, 8), 16)
    const block = free[dice % Math.min(spread, free.length)]
    if (block === undefined) throw unallocatable(`Insufficient prefix space to allocate subnet size /${prefixlen}`)
    const rest = prefixlen - block.length
    const slot = (dice >>> 8) % Math.min(spread, 2 ** rest)
    return rest === 0 ? block : block + slot.toString(2).padStart(rest, '0')
  }

  /** Of so many blocks that are free or more; one range to be avoided may hold many of them. */
  async function freeBeside(pool: SubnetPoolRow, prefixlen: number, avoid: string[], limit: number): Promise<string[]> {
    const read = await spaceFor(context.db, pool.id, prefixlen, limit)
    const free = without(freeWithout(read, pool.id), avoid).filter((block) => block.length <= prefixlen)
    if (!free.length && read.length === limit && limit < MOST_BLOCKS)
      return freeBeside(pool, prefixlen, avoid, Math.min(8 * limit, MOST_BLOCKS))
    return free.sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
  }

  async function thatOf(pool: SubnetPoolRow, bits: string): Promise<string> {
    const free = await spaceHolding(context.db, pool.id, bits)
    if (free === null || !freeWithout([free], pool.id).some((block) => bits.startsWith(block)))
      throw unallocatable('Cannot allocate requested subnet from the available set of prefixes')
    return bits
  }
}

/** Of ranges that are to be avoided, as bits, what is of a pool, in the fewest. */
const within = ({ ipVersion, prefixes }: SubnetPoolRow, cidrs: string[]): string[] => {
  const own = prefixes.map(bitsIn)
  const same = cidrs.filter((cidr) => readCidr(cidr)?.version === ipVersion).map(bitsIn)
  return compacted(same.filter((bits) => own.some((prefix) => meet(bits, prefix))))
}

/** Free blocks without a range that was taken of one of them. */
const split = (free: string[], taken: string): string[] =>
  free.flatMap((block) => {
    if (!meet(block, taken)) return [block]
    return Array.from({ length: taken.length - block.length }, (_, i) => {
      const bits = taken.slice(0, block.length + i + 1)
      return bits.slice(0, -1) + (bits.endsWith('0') ? '1' : '0')
    })
  })

/** A gateway that is named says where the subnet is. */
const aroundGateway = ({ gatewayIp, prefixlen }: PoolWish, pool: SubnetPoolRow): string | null => {
  if (!gatewayIp) return null
  const block = readCidr(`${gatewayIp}/${prefixlen ?? pool.defaultPrefixlen}`)
  return block && writeCidr(block)
}

/** Writes by which a new subnet has its range: for the batch that makes it. */
export const taking = (context: Context, { pool, bits, units }: Allocation, subnet: SubnetRow): Write[] => [
  guard(context, 'pool-moved', subnetPoolMoved(context.scope, pool.id, pool.revision)),
  guard(context, 'pool-quota', overPoolQuota(pool.id, subnet.projectId, units)),
  takeRange(context.db, { poolId: pool.id, bits, subnetId: subnet.id, projectId: subnet.projectId, units }),
]

/** Guard `range-held`: nobody was seen to hold more on a cloud since it was read what is held there. */
export const stillFree = (context: Context, projectId: string, cloudId: string, { newest }: Held): Write =>
  guard(context, 'range-held', heldSince(projectId, cloudId, newest))

/**
 * Refuses a subnet beside others of its network that are of another pool or scope (neutron/db/ipam_backend_mixin.py,
 * `_validate_network_subnetpools`).
 */
export const refuseUnlike = async (
  { db }: Context,
  ipVersion: 4 | 6,
  pool: SubnetPoolRow | null,
  others: SubnetRow[],
): Promise<void> => {
  const near = others.filter((other) => other.ipVersion === ipVersion)
  const ids = new Set(near.flatMap(({ subnetpoolId }) => subnetpoolId ?? []))
  if (pool === null) {
    if (ids.size) throw poolsMixed()
    return
  }
  const foreign = near.filter(({ subnetpoolId }) => subnetpoolId !== pool.id)
  if (!foreign.length) return
  const scopeId = (await subnetPoolsById(db, [...ids])).find(({ addressScopeId }) => addressScopeId)?.addressScopeId
  if (!scopeId) throw poolsMixed()
  if (pool.addressScopeId !== scopeId) throw scopesMixed()
}

const poolsMixed = (): NetworkRefused =>
  invalid(
    'NetworkSubnetPoolAffinityError',
    'Subnets hosted on the same network must be allocated from the same subnet pool.',
  )
