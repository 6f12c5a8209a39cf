/** Address arithmetic of both families: an address is a bigint, a block its first and last one. */

type IpVersion = 4 | 6
export interface Ip {
  version: IpVersion
  value: bigint
}
export interface Block {
  version: IpVersion
  prefix: number
  first: bigint
  last: bigint
}

const BITS = { 4: 32, 6: 128 } as const

const read4 = (text: string): bigint | null => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null
  return BigInt(parts.reduce((sum, part) => sum * 256 + Number(part), 0))
}

const read6 = (text: string): bigint | null => {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const tail4 = dotted ? read4(dotted[2]!) : null
  if (dotted && tail4 === null) return null
  const plain = dotted ? `${dotted[1]}${(tail4! >> 16n).toString(16)}:${(tail4! & 0xffffn).toString(16)}` : text
  const halves = plain.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const gap = 8 - head!.length - (tail?.length ?? 0)
  if (tail ? gap < 1 : gap !== 0) return null
  const words = [...head!, ...Array<string>(tail ? gap : 0).fill('0'), ...(tail ?? [])]
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return null
  return words.reduce((sum, word) => (sum << 16n) + BigInt(`0x${word}`), 0n)
}

/** Null: the text is no address. */
export const readIp = (text: string): Ip | null => {
  const version = text.includes(':') ? 6 : 4
  const value = version === 6 ? read6(text) : read4(text)
  return value === null ? null : { version, value }
}

/** Dotted quad, or RFC 5952. */
export const writeIp = ({ version, value }: Ip): string => {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  if (value >> 32n === 0xffffn) return `::ffff:${writeIp({ version: 4, value: value & 0xffffffffn })}`
  const text = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')
  const [zeros] = [...text.matchAll(/\b0(:0)+\b/g)].sort((a, b) => b[0].length - a[0].length)
  if (!zeros) return text
  const [before, behind] = [text.slice(0, zeros.index), text.slice(zeros.index + zeros[0].length)]
  return `${before.replace(/:$/, '')}::${behind.replace(/^:/, '')}`
}

/** The block around an address; bits below the prefix are cleared. Null: the text is no CIDR. */
export const readCidr = (text: string): Block | null => {
  const [address = '', length = '', ...more] = text.split('/')
  const ip = readIp(address)
  if (!ip || more.length || !/^\d{1,3}$/.test(length) || Number(length) > BITS[ip.version]) return null
  const host = BigInt(BITS[ip.version] - Number(length))
  const first = (ip.value >> host) << host
  return { version: ip.version, prefix: Number(length), first, last: first + (1n << host) - 1n }
}

/** Whether a block is nothing but its ends, which somebody may have then (RFC 3021, RFC 6164). */
export const onlyEnds = ({ version, prefix }: Block): boolean => prefix >= BITS[version] - 1

/** A block as `10.0.0.0/24`, in its canonical spelling. */
export const writeCidr = ({ version, first, prefix }: Block): string =>
  `${writeIp({ version, value: first })}/${prefix}`

/** The netmask of a CIDR, as an address. Throws for one that is malformed. */
export const maskOf = (cidr: string): string => {
  const { version, first, last } = readCidr(cidr)!
  return writeIp({ version, value: ((1n << BigInt(BITS[version])) - 1n) ^ (last - first) })
}

/** Whether an address is within a block; false between versions of IP. */
export const holds = (block: Block, ip: Ip): boolean =>
  block.version === ip.version && block.first <= ip.value && ip.value <= block.last

/** Whether two blocks have an address in common. */
export const overlap = (a: Block, b: Block): boolean =>
  a.version === b.version && a.first <= b.last && b.first <= a.last

/** Whether a CIDR holds an address; false if either is malformed. */
export const cidrHolds = (cidr: string, address: string): boolean => {
  const [block, ip] = [readCidr(cidr), readIp(address)]
  return !!block && !!ip && holds(block, ip)
}

/**
 * Six bytes as `fa:16:3e:00:00:01`, however they were written: with colons, dashes or dots, in any case, or with nothing
 * between them (as netaddr reads them). Null: the text is no MAC address.
 */
export const readMac = (text: string): string | null => {
  const bytes = /^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/i.test(text)
    ? text.split(/[:-]/).map((byte) => byte.padStart(2, '0'))
    : /^([0-9a-f]{12}|[0-9a-f]{6}-[0-9a-f]{6}|[0-9a-f]{4}([.:-][0-9a-f]{4}){2})$/i.test(text)
      ? text.replace(/[.:-]/g, '').match(/../g)!
      : null
  return bytes?.join(':').toLowerCase() ?? null
}

/** The address that a host takes by itself in an IPv6 block of 64 bits (RFC 4291, appendix A). */
export const eui64 = (block: Block, mac: string): string => {
  const bytes = mac.split(':').map((part) => BigInt(`0x${part}`))
  const all = [bytes[0]! ^ 2n, bytes[1]!, bytes[2]!, 0xffn, 0xfen, bytes[3]!, bytes[4]!, bytes[5]!]
  return writeIp({ version: 6, value: block.first + all.reduce((sum, byte) => (sum << 8n) + byte, 0n) })
}
