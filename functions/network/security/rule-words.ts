import { readCidr, readIp, writeCidr, writeIp } from '../../broker/network/address.ts'
import { PROTOCOLS } from '../../broker/network/security/protocols.ts'
import type { RuleWish } from '../../broker/network/security/rule.ts'
import { badRequest } from '../../http/fault.ts'
import { python } from '../attributes.ts'

/* What Neutron takes and refuses in a rule, in its words: neutron/extensions/securitygroup.py, db/securitygroups_db.py */

const WITH_PORTS = ['dccp', 'sctp', 'tcp', 'udp', 'udplite'].flatMap((name) => [name, String(PROTOCOLS[name])])
const ICMP = ['icmp', '1', 'icmpv6', 'ipv6-icmp', '58']

/** A name or a number as text; null, `any` and the empty text are any protocol. */
export const protocol = (value: unknown): string | null => {
  if (value === null || value === '' || value === 'any') return null
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).toLowerCase() : ''
  if (/^\d{1,3}$/.test(text) && Number(text) <= 255) return String(Number(text))
  if (typeof value === 'string' && Object.hasOwn(PROTOCOLS, text)) return text
  throw badRequest(
    `Security group rule protocol ${python(value)} not supported. Only protocol values [None, ${Object.keys(PROTOCOLS)
      .map((name) => `'${name}'`)
      .join(', ')}] and integer representations [0 to 255] are supported.`,
    'SecurityGroupRuleInvalidProtocol',
  )
}

/** Numbers may come as text. */
export const port = (value: unknown): number | null => {
  if (value === null || value === '') return null
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 65535)
    throw badRequest(`Invalid value for port ${python(value)}`, 'SecurityGroupInvalidPortValue')
  return number
}

/** A single address is a block of one. Bits beyond the prefix stay; the address is written as netaddr does. */
export const prefix = (value: unknown): string | null => {
  if (value === null || value === '') return null
  const asked = typeof value === 'string' ? value : ''
  const [address = '', length] = asked.split('/')
  const ip = readIp(address)
  const text = `${ip && writeIp(ip)}/${length === undefined ? (ip?.version === 4 ? 32 : 128) : Number(length)}`
  if (!ip || !readCidr(length === undefined ? text : asked))
    throw badRequest(`Invalid CIDR ${python(value)} given as IP prefix.`, 'InvalidCIDR')
  return text
}

/** The block that a prefix means, bits beyond it cleared. */
export const normalized = (text: string | null): string | null => {
  const block = text === null ? null : readCidr(text)
  return block && writeCidr(block)
}

/** What the attributes of a rule have to be to each other. */
export const checkRule = (rule: RuleWish): RuleWish => {
  const { portRangeMin: min, portRangeMax: max, ethertype, remoteIpPrefix, remoteGroupId, remoteAddressGroupId } = rule
  if (remoteAddressGroupId !== null && (remoteIpPrefix !== null || remoteGroupId !== null))
    throw badRequest(
      'Only remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
      'SecurityGroupMultipleRemoteEntites',
    )
  if (remoteIpPrefix !== null && remoteGroupId !== null)
    throw badRequest(
      'Only remote_ip_prefix or remote_group_id may be provided.',
      'SecurityGroupRemoteGroupAndRemoteIpPrefix',
    )
  const block = remoteIpPrefix === null ? null : readCidr(remoteIpPrefix)
  if (block && (block.version === 6) !== (ethertype === 'IPv6'))
    throw badRequest(
      `Conflicting value ethertype ${ethertype} for CIDR ${remoteIpPrefix}`,
      'SecurityGroupRuleParameterConflict',
    )
  checkEthertype(rule)
  if (min === null && max === null) return rule
  if (rule.protocol === null)
    throw badRequest('Must also specify protocol if port range is given.', 'SecurityGroupProtocolRequiredWithPorts')
  if (ICMP.includes(rule.protocol)) checkIcmp(min, max)
  else if (WITH_PORTS.includes(rule.protocol)) checkPorts(min, max)
  else
    throw badRequest(
      `Invalid protocol ${rule.protocol} for port range, only supported for protocols TCP, UDP, UDPLITE, SCTP and DCCP.`,
      'SecurityGroupInvalidProtocolForPort',
    )
  return rule
}

const checkEthertype = ({ protocol: name, ethertype }: RuleWish): void => {
  const six =
    name !== null &&
    (name.startsWith('ipv6-') || name === 'icmpv6' || ['41', '43', '44', '58', '59', '60'].includes(name))
  if (six && ethertype === 'IPv4')
    throw badRequest(
      `Invalid ethertype ${ethertype} for protocol ${name}.`,
      'SecurityGroupEthertypeConflictWithProtocol',
    )
}

const checkPorts = (min: number | null, max: number | null): void => {
  if (min === 0 || max === 0) throw badRequest('Invalid value for port 0', 'SecurityGroupInvalidPortValue')
  if (min === null || max === null || min > max)
    throw badRequest('For TCP/UDP protocols, port_range_min must be <= port_range_max', 'SecurityGroupInvalidPortRange')
}

const checkIcmp = (type: number | null, code: number | null): void => {
  for (const [field, attribute, value] of [
    ['type', 'port_range_min', type],
    ['code', 'port_range_max', code],
  ] as const)
    if (value !== null && value > 255)
      throw badRequest(
        `Invalid value for ICMP ${field} (${attribute}) ${value}. It must be 0 to 255.`,
        'SecurityGroupInvalidIcmpValue',
      )
  if (type === null)
    throw badRequest(
      `ICMP code (port-range-max) ${code} is provided but ICMP type (port-range-min) is missing.`,
      'SecurityGroupMissingIcmpType',
    )
}
