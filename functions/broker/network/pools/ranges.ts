import { type Block, readCidr, writeCidr } from '../address.ts'

/*
 * Ranges of addresses as the bits that they begin with, in text: `00001010` is 10.0.0.0/8 (`db/schema/subnet-pools.ts`). One
 * family at a time.
 */

const WIDTH = { 4: 32, 6: 128 } as const

/** The bits of a block, as many as its prefix is long. */
const bitsOf = ({ version, prefix, first }: Block): string =>
  prefix === 0 ? '' : (first >> BigInt(WIDTH[version] - prefix)).toString(2).padStart(prefix, '0')

/** The bits of a CIDR that is well formed. */
export const bitsIn = (cidr: string): string => bitsOf(readCidr(cidr)!)

/** The CIDR of a range, in its canonical spelling. */
export const cidrOf = (version: 4 | 6, bits: string): string => {
  const first = bits === '' ? 0n : BigInt(`0b${bits}`) << BigInt(WIDTH[version] - bits.length)
  return writeCidr({ version, prefix: bits.length, first, last: first })
}

/** Whether two ranges have an address in common: one is in the other. */
export const meet = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a)

/** The same addresses in the fewest ranges, lowest first. */
export const compacted = (ranges: string[]): string[] => {
  const fewest: string[] = []
  for (const range of ranges.toSorted()) {
    const last = fewest.at(-1)
    if (last !== undefined && range.startsWith(last)) continue
    fewest.push(range)
    while (halvesOfOne(fewest.at(-2), fewest.at(-1)!)) {
      const half = fewest.pop()!
      fewest[fewest.length - 1] = half.slice(0, -1)
    }
  }
  return fewest
}

const halvesOfOne = (low: string | undefined, high: string): boolean =>
  low !== undefined && low.length === high.length && high.endsWith('1') && low === `${high.slice(0, -1)}0`

/** What is left of ranges without others, in the fewest ranges. */
export const without = (ranges: string[], others: string[]): string[] => {
  const gone = compacted(others)
  const left = (range: string, among: string[]): string[] => {
    const near = among.filter((other) => meet(range, other))
    if (!near.length) return [range]
    if (near.some((other) => range.startsWith(other))) return []
    return [...left(`${range}0`, near), ...left(`${range}1`, near)]
  }
  return compacted(ranges.flatMap((range) => left(range, gone)))
}

/** Addresses that are in both. */
export const common = (ranges: string[], others: string[]): string[] =>
  compacted(
    ranges.flatMap((range) =>
      others.flatMap((other) => (other.startsWith(range) ? [other] : range.startsWith(other) ? [range] : [])),
    ),
  )
