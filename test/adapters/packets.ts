import type { SecurityRule } from '../../adapters/contract.ts'
import { contains, parseAddress, parseCidr } from '../../adapters/shared/cidr.ts'

/** A rule that lets all TCP in, but for what is said. */
export const rule = (change: Partial<SecurityRule> = {}): SecurityRule => ({
  direction: 'ingress',
  family: 4,
  protocol: 'tcp',
  min: null,
  max: null,
  cidr: null,
  group: null,
  ...change,
})

/** The first one of a connection. */
export interface Packet {
  direction: 'ingress' | 'egress'
  family: 4 | 6
  protocol: string
  /** Port, or ICMP type. */
  port: number
  code: number
  peer: string
  /** Groups of the peer, if it is an interface of ours. */
  groups: string[]
}

/** Whether an address is in a block. */
export const within = (cidr: string, address: string): boolean => {
  const block = parseCidr(cidr.includes('/') ? cidr : `${cidr}/32`)!
  const parsed = parseAddress(address)!
  return contains(block, { family: parsed.family, first: parsed.value, prefix: parsed.family === 4 ? 32 : 128 })
}

const IANA: Record<string, string> = {
  tcp: '6',
  udp: '17',
  icmp: '1',
  icmpv6: '58',
  sctp: '132',
  gre: '47',
  esp: '50',
  ah: '51',
  any: '',
  '0': '',
}
/** The number of a protocol; empty: any. */
export const number = (protocol: string) => IANA[protocol] ?? protocol

/** What Neutron's rules let through, by its API reference. */
export const neutron = (rules: SecurityRule[], packet: Packet, self: string): boolean =>
  rules.some((each) => {
    const wanted = each.protocol === null ? '' : number(each.protocol)
    if (each.direction !== packet.direction || each.family !== packet.family) return false
    if (wanted !== '' && wanted !== packet.protocol) return false
    if (packet.protocol === '1' || packet.protocol === '58') {
      if (each.min !== null && each.min !== packet.port) return false
      if (each.max !== null && each.max !== packet.code) return false
    } else if (each.min !== null && (packet.port < each.min || packet.port > (each.max ?? each.min))) return false
    if (each.group !== null) return packet.groups.includes(each.group === 'self' ? self : each.group)
    return each.cidr === null || within(each.cidr, packet.peer)
  })

/** The same numbers from 0 to 1 for the same seed. */
export const generator = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 4_294_967_296
}
