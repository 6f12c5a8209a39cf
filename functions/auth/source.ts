import { BlockList, isIP } from 'node:net'

/** What the runtime says of the connection that a request came by: the address at its other end. */
export interface Peer {
  peer?: string | undefined
}

/** Where a request came from when nothing says it: all such count as one. */
const UNKNOWN = 'unknown'

/**
 * The address that a request came from, as limits count it: an IPv4 address, or the 64 bits of an IPv6 one that a site
 * has to itself. Forwarding headers are believed of listed proxies alone, from the right: what is left of the first
 * stranger anybody may have written.
 */
export const sourceOf = (headers: Headers, peer: string | undefined, trusted: (address: string) => boolean): string => {
  if (!peer) return UNKNOWN
  const near = nearOf(peer)
  if (!trusted(near.address)) return near.site
  let source = near.address
  for (const hop of forwardedFor(headers).reverse()) {
    if (!isIP(hop)) break
    source = hop
    if (!trusted(hop)) break
  }
  return site(source)
}

/** So many peers are remembered, of which most send many requests. */
const PEERS = 1_000
const peers = new Map<string, { address: string; site: string }>()
const nearOf = (peer: string): { address: string; site: string } => {
  let near = peers.get(peer)
  if (!near) {
    const address = plain(peer)
    near = { address, site: site(address) }
    if (peers.size >= PEERS) peers.clear()
    peers.set(peer, near)
  }
  return near
}

/** Whether an address is of the list, whose entries are addresses and networks. Throws for any other entry, naming it. */
export const listed = (entries: string[]): ((address: string) => boolean) => {
  if (entries.length === 0) return () => false
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...rest] = entry.split('/')
    const family = isIP(address)
    const width = family === 4 ? 32 : 128
    const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (!family || rest.length || !(prefix <= width)) throw new Error(`${entry} is neither an address nor a network`)
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => isIP(address) > 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/** Addresses in the order of the way, client first: RFC 7239 where it is spoken, else the older header. */
const forwardedFor = (headers: Headers): string[] => {
  const standard = headers.get('Forwarded')
  const hops = standard
    ? standard.split(',').map((hop) => /(?:^|;)\s*for="?([^";]+)/i.exec(hop)?.[1] ?? '')
    : (headers.get('X-Forwarded-For') ?? '').split(',')
  return hops.map(plain).filter((hop) => hop !== '')
}

/** Without port, brackets, zone, and the IPv6 dress of an IPv4 address. */
const plain = (text: string): string =>
  text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')

const site = (address: string): string => {
  if (isIP(address) !== 6) return address
  // As URL writes it: one spelling for each address.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const words = [...left, ...Array<string>(tail === undefined ? 0 : 8 - left.length - right.length).fill('0'), ...right]
  return `${words.slice(0, 4).join(':')}::/64`
}
