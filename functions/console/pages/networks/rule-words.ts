import type { Rule } from './shapes.ts'

/** What a rule of a form or of a group lets through. */
export type Said = Pick<
  Rule,
  | 'direction'
  | 'ethertype'
  | 'protocol'
  | 'port_range_min'
  | 'port_range_max'
  | 'remote_ip_prefix'
  | 'remote_group_id'
  | 'remote_address_group_id'
>

/** What people know well by its port. */
const KNOWN: Record<number, string> = {
  22: 'SSH',
  25: 'SMTP',
  53: 'DNS',
  80: 'HTTP',
  123: 'NTP',
  443: 'HTTPS',
  2049: 'NFS',
  3306: 'MySQL',
  3389: 'RDP',
  5432: 'PostgreSQL',
  6379: 'Redis',
  6443: 'Kubernetes',
  8080: 'HTTP',
}
const ICMP: Record<number, string> = {
  0: 'echo reply',
  3: 'unreachable',
  8: 'echo request (ping)',
  11: 'time exceeded',
}

const isIcmp = (protocol: Said['protocol']): boolean =>
  ['icmp', 'ipv6-icmp', 'icmpv6', '1', '58'].includes(String(protocol))

const portWords = ({ protocol, port_range_min: min, port_range_max: max }: Said): string => {
  if (min === null && max === null) return ''
  if (isIcmp(protocol)) {
    const type =
      min === null ? '' : ` of type ${min}${String(protocol) === 'icmp' && ICMP[min] ? `, ${ICMP[min]}` : ''}`
    return max === null ? type : `${type}, code ${max}`
  }
  if (min === max || max === null) return ` to port ${min}${KNOWN[min ?? -1] ? ` (${KNOWN[min ?? -1]})` : ''}`
  if (min !== null && min <= 1 && max === 65_535) return ' to any port'
  return ` to ports ${min} to ${max}`
}

const whatWords = (rule: Said): string => {
  const { protocol, ethertype } = rule
  if (protocol === null || protocol === '' || protocol === 'any') return `everything (${ethertype})`
  const name = isIcmp(protocol)
    ? 'ICMP'
    : /^\d+$/.test(String(protocol))
      ? `IP protocol ${protocol}`
      : String(protocol).toUpperCase()
  const ports = portWords(rule)
  const any = ports || !/^(?:TCP|UDP|SCTP|DCCP|UDPLITE)$/.test(name) ? ports : ' to any port'
  return `${name}${any} (${ethertype})`
}

/** A rule in a sentence: `Lets in TCP to port 22 (SSH) (IPv4) from anywhere.` */
export const ruleWords = (rule: Said, groupOf: (id: string) => string): string => {
  const isIn = rule.direction === 'ingress'
  const side = isIn ? 'from' : 'to'
  const whole = rule.remote_ip_prefix === '0.0.0.0/0' || rule.remote_ip_prefix === '::/0'
  const remote = rule.remote_group_id
    ? `${side} servers in the group ${groupOf(rule.remote_group_id)}`
    : rule.remote_address_group_id
      ? `${side} the address group ${rule.remote_address_group_id.slice(0, 8)}`
      : rule.remote_ip_prefix && !whole
        ? `${side} ${rule.remote_ip_prefix}`
        : `${side} anywhere`
  return `Lets ${isIn ? 'in' : 'out'} ${whatWords(rule)} ${remote}.`
}
