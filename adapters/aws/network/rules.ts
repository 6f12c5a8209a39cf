import type { IpPermission } from '@aws-sdk/client-ec2'
import type { SecurityRule } from '../../contract.ts'
import { formatCidr, parseCidr } from '../../shared/cidr.ts'
import { refuse } from '../../shared/refusals.ts'
import { table } from '../../table.ts'

/**
 * Neutron's security rules as EC2 permissions, without ever admitting more than they do.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
 */

/** EC2 names four protocols; all others are numbers. https://www.iana.org/assignments/protocol-numbers */
const NUMBERS: Record<string, string> = table({
  ah: '51',
  dccp: '33',
  egp: '8',
  esp: '50',
  gre: '47',
  icmp: 'icmp',
  '1': 'icmp',
  icmpv6: 'icmpv6',
  'ipv6-icmp': 'icmpv6',
  '58': 'icmpv6',
  igmp: '2',
  ipip: '4',
  'ipv6-encap': '41',
  'ipv6-frag': '44',
  'ipv6-nonxt': '59',
  'ipv6-opts': '60',
  'ipv6-route': '43',
  ospf: '89',
  pgm: '113',
  rsvp: '46',
  sctp: '132',
  tcp: 'tcp',
  '6': 'tcp',
  udp: 'udp',
  '17': 'udp',
  udplite: '136',
  vrrp: '112',
  any: '-1',
  '0': '-1',
})

const protocolOf = (protocol: string | null): string => {
  if (protocol === null) return '-1'
  const name = protocol.toLowerCase()
  const known = NUMBERS[name]
  if (known) return known
  return /^\d{1,3}$/.test(name) && Number(name) <= 255
    ? name
    : refuse(`This cloud does not know the protocol ${protocol}.`)
}

/** One permission with one peer: the unit in which sets are compared. */
export interface Grant {
  direction: SecurityRule['direction']
  protocol: string
  /** Port or ICMP type; -1: any. Undefined where EC2 has none. */
  from: number | undefined
  /** Port or ICMP code; -1: any. */
  to: number | undefined
  peer: { kind: 'v4' | 'v6' | 'group' | 'list'; value: string }
  description?: string
}

const range = (rule: SecurityRule, protocol: string): Pick<Grant, 'from' | 'to'> => {
  const { min, max } = rule
  switch (protocol) {
    case 'tcp':
    case 'udp':
      if (min === null && max !== null) refuse('A port range needs its lower end.')
      return min === null ? { from: 0, to: 65_535 } : { from: min, to: max ?? min }
    case 'icmp':
    case 'icmpv6':
      if (min === null && max !== null) refuse('An ICMP code needs an ICMP type beside it.')
      return { from: min ?? -1, to: max ?? -1 }
    default:
      // EC2 ignores ports of other protocols, which would admit all of them.
      if (min !== null || max !== null) refuse('This cloud filters ports of TCP and UDP only.')
      return { from: undefined, to: undefined }
  }
}

/** EC2 takes a subset of ASCII in descriptions. */
export const printable = (text: string): string =>
  text.replaceAll(/[^a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]/g, '_').slice(0, 255)

/**
 * @param self the group that the rules belong to
 * @returns the grants; several rules may be one grant, and a rule about IPv6 members of a group is none: no interface
 *   that we make has an IPv6 address, while EC2's group peers would stand for the members' IPv4 addresses too
 * @throws `definitive` for a rule that EC2 could express only by admitting more
 */
export const grantsFor = (rules: SecurityRule[], self: string): Map<string, Grant> => {
  const grants = new Map<string, Grant>()
  for (const rule of rules) {
    const protocol = protocolOf(rule.protocol)
    if (protocol === (rule.family === 4 ? 'icmpv6' : 'icmp')) {
      refuse(`${protocol} does not exist in IPv${rule.family}.`)
    }
    const ports = range(rule, protocol)
    if (rule.group !== null && rule.cidr !== null) refuse('A rule names either an address range or a group.')
    if (rule.group !== null && rule.family === 6) continue
    const grant: Grant = {
      direction: rule.direction,
      protocol,
      ...ports,
      peer: peerOf(rule, self),
      ...(rule.description ? { description: printable(rule.description) } : {}),
    }
    grants.set(keyOf(grant), grant)
  }
  return grants
}

const peerOf = (rule: SecurityRule, self: string): Grant['peer'] => {
  if (rule.group !== null) return { kind: 'group', value: rule.group === 'self' ? self : rule.group }
  const kind = rule.family === 4 ? 'v4' : 'v6'
  if (rule.cidr === null) return { kind, value: rule.family === 4 ? '0.0.0.0/0' : '::/0' }
  const block = parseCidr(rule.cidr.includes('/') ? rule.cidr : `${rule.cidr}/${rule.family === 4 ? 32 : 128}`)
  if (block?.family !== rule.family) return refuse(`${rule.cidr} is no IPv${rule.family} address range.`)
  return { kind, value: formatCidr(block) }
}

/** Two grants with one key admit the same packets. */
export const keyOf = ({ direction, protocol, from, to, peer }: Grant): string => {
  const ports = protocol === '-1' || !/^[a-z]/.test(protocol) ? 'all' : `${from}-${to}`
  return [direction, protocol, ports, peer.kind, peer.value].join(' ')
}

/** What EC2 shows of a group, taken apart into grants. Prefix lists are none of ours but are seen, so they can go. */
export const grantsIn = (
  direction: Grant['direction'],
  permissions: IpPermission[] | undefined,
): Map<string, Grant> => {
  const grants = (permissions ?? []).flatMap((permission) => {
    const base = {
      direction,
      protocol: permission.IpProtocol ?? '-1',
      from: permission.FromPort,
      to: permission.ToPort,
    }
    const peers: [Grant['peer']['kind'], string | undefined][] = [
      ...(permission.IpRanges ?? []).map((peer): [Grant['peer']['kind'], string | undefined] => ['v4', peer.CidrIp]),
      ...(permission.Ipv6Ranges ?? []).map((peer): [Grant['peer']['kind'], string | undefined] => [
        'v6',
        peer.CidrIpv6,
      ]),
      ...(permission.UserIdGroupPairs ?? []).map((peer): [Grant['peer']['kind'], string | undefined] => [
        'group',
        peer.GroupId,
      ]),
      ...(permission.PrefixListIds ?? []).map((peer): [Grant['peer']['kind'], string | undefined] => [
        'list',
        peer.PrefixListId,
      ]),
    ]
    return peers.flatMap(([kind, value]) => (value ? [{ ...base, peer: { kind, value: canonical(kind, value) } }] : []))
  })
  return new Map(grants.map((grant) => [keyOf(grant), grant]))
}

const canonical = (kind: Grant['peer']['kind'], value: string): string => {
  const block = kind === 'v4' || kind === 'v6' ? parseCidr(value) : null
  return block ? formatCidr(block) : value
}

/** A grant in EC2's words, for Authorize and Revoke. */
export const permissionFor = (grant: Grant): IpPermission => {
  const { kind, value } = grant.peer
  const said = grant.description ? { Description: grant.description } : {}
  const peers: Partial<IpPermission> = {
    v4: { IpRanges: [{ CidrIp: value, ...said }] },
    v6: { Ipv6Ranges: [{ CidrIpv6: value, ...said }] },
    group: { UserIdGroupPairs: [{ GroupId: value, ...said }] },
    list: { PrefixListIds: [{ PrefixListId: value, ...said }] },
  }[kind]
  const ports = /^[a-z]/.test(grant.protocol) ? { FromPort: grant.from, ToPort: grant.to } : {}
  return { IpProtocol: grant.protocol, ...ports, ...peers }
}
