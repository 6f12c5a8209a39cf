import { table } from '../../../../adapters/table.ts'

/** Protocols that have a name in rules, and their numbers (neutron_lib/constants.py, `IP_PROTOCOL_MAP`). */
export const PROTOCOLS: Record<string, number> = table({
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  icmp: 1,
  icmpv6: 58,
  igmp: 2,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
})

/** The number of a protocol, however it was named; what is ICMP in IPv4 is 58 in IPv6. Null: any. */
export const protocolNumber = (name: string | null, ethertype: 'IPv4' | 'IPv6'): number | null => {
  if (name === null) return null
  const number = Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name]! : Number(name)
  return number === 1 && ethertype === 'IPv6' ? 58 : number
}
