import { groupsOfServer, type RuleRow, type SecurityGroupView } from '../../../db/queries/network/security-groups.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { assertServer } from './server.ts'

const ruleView = (rule: RuleRow, names: Map<string, string>) => ({
  id: rule.id,
  parent_group_id: rule.securityGroupId,
  ip_protocol: rule.protocol,
  from_port: rule.portRangeMin ?? -1,
  to_port: rule.portRangeMax ?? -1,
  group: rule.remoteGroupId === null ? {} : { name: names.get(rule.remoteGroupId) ?? '', tenant_id: rule.projectId },
  ip_range:
    rule.remoteGroupId !== null
      ? {}
      : { cidr: rule.remoteIpPrefix ?? (rule.ethertype === 'IPv6' ? '::/0' : '0.0.0.0/0') },
})

/** Nova knows rules for what comes in. */
const groupView = (group: SecurityGroupView, names: Map<string, string>) => ({
  id: group.id,
  name: group.name,
  description: group.description,
  tenant_id: group.projectId,
  rules: group.rules.filter(({ direction }) => direction === 'ingress').map((rule) => ruleView(rule, names)),
})

/** https://docs.openstack.org/api-ref/compute/#list-security-groups-by-server */
export const serverGroupOperations: Operation[] = [
  operation({
    name: 'server-security-group.list',
    method: 'GET',
    path: '/servers/:id/os-security-groups',
    who: 'reader',
    summary: 'Security groups of the ports of a server.',
    status: 200,
    handle: async (input) => {
      const { context, params } = input
      const groups = await groupsOfServer(context.db, context.scope, params.id!)
      if (!groups.length) await assertServer(input)
      const names = new Map(groups.map(({ id, name }) => [id, name]))
      const shown = groups.map((group) => groupView(group, names))
      return { body: { security_groups: shown.sort((a, b) => a.name.localeCompare(b.name)) } }
    },
  }),
]
