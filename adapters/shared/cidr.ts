/** Address arithmetic on both families. An address is a bigint, a block its first address and prefix length. */

export interface Block {
  family: 4 | 6
  first: bigint
  prefix: number
}
export interface Address {
  family: 4 | 6
  value: bigint
}

const BITS = { 4: 32, 6: 128 } as const

const parse4 = (text: string): bigint | null => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

const parse6 = (text: string): bigint | null => {
  let rest = text
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (dotted) {
    const tail = parse4(dotted[2]!)
    if (tail === null) return null
    rest = `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
  }
  const halves = rest.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head!.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const groups = tail === undefined ? head! : [...head!, ...Array<string>(missing).fill('0'), ...tail]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null
  return groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n)
}

/** Null: the text is no address. */
export const parseAddress = (text: string): Address | null => {
  const family = text.includes(':') ? 6 : 4
  const value = family === 6 ? parse6(text) : parse4(text)
  return value === null ? null : { family, value }
}

/** Dotted quad, or RFC 5952 text. */
export const formatAddress = ({ family, value }: Address): string => {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const longest = [...groups.join(':').matchAll(/\b0(:0)+\b/g)].sort((a, b) => b[0].length - a[0].length)[0]
  if (!longest) return groups.join(':')
  const text = groups.join(':')
  const before = text.slice(0, longest.index).replace(/:$/, '')
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '')
  return `${before}::${after}`
}

const masked = (family: 4 | 6, value: bigint, prefix: number): Block => {
  const host = BigInt(BITS[family] - prefix)
  return { family, first: (value >> host) << host, prefix }
}

/** Host bits are cleared, as clouds do. Null: the text is no block. */
export const parseCidr = (text: string): Block | null => {
  const [address, length, more] = text.split('/')
  const parsed = parseAddress(address!)
  if (!parsed || more !== undefined || !/^\d{1,3}$/.test(length ?? '')) return null
  const prefix = Number(length)
  return prefix > BITS[parsed.family] ? null : masked(parsed.family, parsed.value, prefix)
}

/** `192.0.2.0/24`, with the address as `formatAddress` writes it. */
export const formatCidr = (block: Block): string =>
  `${formatAddress({ family: block.family, value: block.first })}/${block.prefix}`

/** Whether every address of `inner` is in `outer`. */
export const contains = (outer: Block, inner: Block): boolean =>
  outer.family === inner.family &&
  outer.prefix <= inner.prefix &&
  masked(outer.family, inner.first, outer.prefix).first === outer.first

/** Whether any address is in both. */
export const overlaps = (a: Block, b: Block): boolean => contains(a, b) || contains(b, a)

/** The block of `prefix` length around `block`, itself if it is wide enough already. */
export const widened = (block: Block, prefix: number): Block =>
  masked(block.family, block.first, Math.min(prefix, block.prefix))

/** The smallest block that contains all of `blocks`, which are of one family and at least one. */
export const cover = (blocks: Block[]): Block => {
  let result = blocks[0]!
  while (!blocks.every((block) => contains(result, block))) result = widened(result, result.prefix - 1)
  return result
}
