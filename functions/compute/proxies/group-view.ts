import type { RuleRow, SecurityGroupView } from '../../../db/queries/network/security/security-groups.ts'

/** Names of groups by their ids: of those that rules name. */
export type Names = ReadonlyMap<string, string>

const ALL_PORTS = { from_port: 1, to_port: 65535 }
const ANY = { from_port: -1, to_port: -1 }

/** To Nova a rule of TCP or UDP has ports; of other protocols -1 is any (nova/network/security_group_api.py). */
const portsOf = ({ protocol, portRangeMin, portRangeMax }: RuleRow) => {
  if (portRangeMin === null && portRangeMax === null)
    return ['tcp', 'udp'].includes(protocol?.toLowerCase() ?? '') ? ALL_PORTS : ANY
  return { from_port: portRangeMin ?? -1, to_port: portRangeMax ?? -1 }
}

const sourceOf = ({ remoteGroupId, remoteIpPrefix, ethertype, projectId }: RuleRow, names: Names) =>
  remoteGroupId === null
    ? { group: {}, ip_range: { cidr: remoteIpPrefix ?? (ethertype === 'IPv6' ? '::/0' : '0.0.0.0/0') } }
    : { group: { name: names.get(remoteGroupId) ?? '', tenant_id: projectId }, ip_range: {} }

/** A rule as Nova shows it: what it names is the group that it is in, or a block of addresses. */
export const ruleView = (rule: RuleRow, names: Names) => ({
  id: rule.id,
  parent_group_id: rule.securityGroupId,
  ip_protocol: rule.protocol,
  ...portsOf(rule),
  ...sourceOf(rule, names),
})

/** A group as Nova shows it: it knows rules for what comes in. */
export const groupView = (group: SecurityGroupView, names: Names) => ({
  id: group.id,
  name: group.name,
  description: group.description,
  tenant_id: group.projectId,
  rules: group.rules.filter(({ direction }) => direction === 'ingress').map((rule) => ruleView(rule, names)),
})

/** What the rules of some groups name besides these groups themselves. */
export const namedBeside = (groups: readonly SecurityGroupView[]): string[] => {
  const own = new Set(groups.map(({ id }) => id))
  const named = groups.flatMap(({ rules }) => rules.map(({ remoteGroupId }) => remoteGroupId))
  return [...new Set(named)].filter((id): id is string => id !== null && !own.has(id))
}
