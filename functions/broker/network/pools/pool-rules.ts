import type { SubnetPoolRow } from '../../../../db/queries/network/subnet-pools.ts'
import { readCidr } from '../address.ts'
import { conflicting, invalid, invalidInput, NetworkRefused } from '../network-refusal.ts'
import { bitsIn, cidrOf, compacted } from './ranges.ts'

/* What has to hold of a subnet pool, by Neutron's rules (neutron/ipam/subnet_alloc.py, `SubnetPoolReader`). */

/** The shortest prefix of a subnet where nobody says one, and the unit of quotas as the length of its prefix. */
const FAMILY = { 4: { widest: 8, bits: 32, unit: 32 }, 6: { widest: 64, bits: 128, unit: 64 } } as const

export type Lengths = Partial<Pick<SubnetPoolRow, 'minPrefixlen' | 'maxPrefixlen' | 'defaultPrefixlen'>>

/** One family, and the same addresses in the fewest prefixes. Throws `NetworkRefused`. */
export const readPrefixes = (prefixes: string[]): { ipVersion: 4 | 6; prefixes: string[] } => {
  const versions = new Set(prefixes.map((prefix) => readCidr(prefix)!.version))
  const [ipVersion] = versions
  if (ipVersion === undefined) throw invalid('EmptySubnetPoolPrefixList', 'Empty subnet pool prefix list.')
  if (versions.size > 1) throw invalid('PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.')
  const fewest = compacted(prefixes.map(bitsIn))
  refuseManyPrefixes(fewest)
  return { ipVersion, prefixes: fewest.map((bits) => cidrOf(ipVersion, bits)) }
}

/** What is done with the prefixes of a pool takes time for each of them. */
export const MOST_PREFIXES = 256

export const tooManyPrefixes = (count: number): string =>
  `A subnet pool has at most ${MOST_PREFIXES} prefixes, and these are ${count}`

/** Throws `NetworkRefused`. */
export const refuseManyPrefixes = ({ length }: string[]): void => {
  if (length > MOST_PREFIXES) throw invalidInput(tooManyPrefixes(length))
}

/** Lengths of prefixes as they are asked for, and what follows where none are. Throws `NetworkRefused`. */
export const readLengths = (ipVersion: 4 | 6, asked: Lengths): Required<Lengths> => {
  const { widest, bits } = FAMILY[ipVersion]
  const minPrefixlen = asked.minPrefixlen ?? widest
  const maxPrefixlen = asked.maxPrefixlen ?? bits
  const defaultPrefixlen = asked.defaultPrefixlen ?? minPrefixlen
  const ordered = (low: string, lowest: number, high: string, highest: number, told: 'low' | 'high'): void => {
    if (lowest <= highest) return
    const [first, second] = [`${low}=${lowest}`, `${high}=${highest}`]
    const bounds = told === 'low' ? `${first}, ${second}` : `${second}, ${first}`
    throw invalid('IllegalSubnetPoolPrefixBounds', `Illegal prefix bounds: ${bounds}.`)
  }
  ordered('min_prefixlen', minPrefixlen, 'max_prefixlen', maxPrefixlen, 'low')
  ordered('max_prefixlen', maxPrefixlen, 'ip_version_max', bits, 'low')
  ordered('min_prefixlen', minPrefixlen, 'default_prefixlen', defaultPrefixlen, 'high')
  ordered('default_prefixlen', defaultPrefixlen, 'max_prefixlen', maxPrefixlen, 'low')
  return { minPrefixlen, maxPrefixlen, defaultPrefixlen }
}

/** What a subnet counts against the quota of its pool. */
export const unitsOf = (ipVersion: 4 | 6, prefixlen: number): number => 2 ** (FAMILY[ipVersion].unit - prefixlen)

/** The pool lets a project have no more of it. */
export const overPool = () => conflicting('SubnetPoolQuotaExceeded', 'Per-project subnet pool prefix quota exceeded.')

/** Nothing is free for it. Neutron knows no status of this and answers 500. */
export const unallocatable = (reason: string) =>
  new NetworkRefused({
    kind: 'failed',
    type: 'SubnetAllocationError',
    reason: `Failed to allocate subnet: ${reason}.`,
  })

/** A subnet of the pool has a prefix within these lengths. Throws `NetworkRefused`. */
export const checkLength = (pool: SubnetPoolRow, prefixlen: number): void => {
  const refused = (type: string, reason: string) =>
    invalid(type, `Unable to allocate subnet with prefix length ${prefixlen}, ${reason}.`)
  if (prefixlen > pool.maxPrefixlen)
    throw refused('MaxPrefixSubnetAllocationError', `maximum allowed prefix is ${pool.maxPrefixlen}`)
  if (prefixlen < pool.minPrefixlen)
    throw refused('MinPrefixSubnetAllocationError', `minimum allowed prefix is ${pool.minPrefixlen}`)
}
