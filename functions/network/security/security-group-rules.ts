import * as z from 'zod'
import { projectById } from '../../../db/queries/identity/identity.ts'
import type { Listing } from '../../../db/queries/network/network-listing.ts'
import {
  defaultGroupOf,
  listRules,
  type RuleRow,
  ruleAttributes,
  ruleById,
} from '../../../db/queries/network/security/security-groups.ts'
import { missing } from '../../broker/network/network-refusal.ts'
import type { RuleWish } from '../../broker/network/security/rule.ts'
import { addRules, ensureDefaultGroup, removeRule } from '../../broker/network/security/security-group.ts'
import type { Context } from '../../context.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { oneOf, ownership, read, text, textOrNone, textOrNull, uuidOrNull } from '../attributes.ts'
import { oneOrMany, ownerOf } from '../body.ts'
import { reading, standardView } from '../listing.ts'
import { checkRule, normalized, port, prefix, protocol } from './rule-words.ts'

/* Security group rules: https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules */

const ethertype = () =>
  read((value) =>
    typeof value !== 'string' ? value : /^ipv6$/i.test(value) ? 'IPv6' : /^ipv4$/i.test(value) ? 'IPv4' : value,
  ).pipe(oneOf('IPv4', 'IPv6'))

/** What a rule is, whichever group it is in. */
export const ruleParts = {
  direction: oneOf('ingress', 'egress'),
  ethertype: ethertype().optional(),
  protocol: read(protocol).optional(),
  port_range_min: read(port).optional(),
  port_range_max: read(port).optional(),
  remote_ip_prefix: read(prefix).optional(),
  remote_group_id: textOrNull().optional(),
  remote_address_group_id: uuidOrNull().optional(),
  description: textOrNone().optional(),
}
const parts = z.strictObject(ruleParts)
const create = z.strictObject({ ...ownership, ...ruleParts, security_group_id: text() })

/** The rule that is meant, checked. */
export const ruleWishOf = (wish: z.infer<typeof parts>): RuleWish =>
  checkRule({
    direction: wish.direction,
    ethertype: wish.ethertype ?? 'IPv4',
    protocol: wish.protocol ?? null,
    portRangeMin: wish.port_range_min ?? null,
    portRangeMax: wish.port_range_max ?? null,
    remoteIpPrefix: wish.remote_ip_prefix ?? null,
    remoteGroupId: wish.remote_group_id ?? null,
    remoteAddressGroupId: wish.remote_address_group_id ?? null,
    description: wish.description ?? '',
  })

export const ruleView = (rule: RuleRow) => ({
  ...standardView(rule),
  security_group_id: rule.securityGroupId,
  direction: rule.direction,
  ethertype: rule.ethertype,
  protocol: rule.protocol,
  port_range_min: rule.portRangeMin,
  port_range_max: rule.portRangeMax,
  remote_ip_prefix: prefix(rule.remoteIpPrefix),
  normalized_cidr: normalized(rule.remoteIpPrefix),
  remote_group_id: rule.remoteGroupId,
  remote_address_group_id: rule.remoteAddressGroupId,
})

const find = async (context: Context, id: string): Promise<RuleRow> => {
  const rule = await ruleById(context.db, context.scope, id)
  if (!rule) throw missing('SecurityGroupRule', id)
  return rule
}

/**
 * A project has its default group as soon as it looks, or an administrator at what it has. Rows say whether the caller's has;
 * where there are none it is asked (neutron/db/securitygroups_db.py, `get_security_groups`).
 */
export const settleDefaultGroup = async (
  context: Context,
  [row]: { settled?: boolean }[],
  { filters }: Pick<Listing, 'filters'>,
): Promise<boolean> => {
  const own = context.caller?.projectId
  const [named] = filters.find(({ key }) => key === 'project_id' || key === 'tenant_id')?.values ?? []
  const anothers = context.caller?.isAdmin && typeof named === 'string' && named !== own
  const projectId = anothers ? named : own
  if (!projectId || (row && !anothers ? row.settled : await defaultGroupOf(context.db, projectId))) return false
  if (anothers && !(await projectById(context.db, projectId))) return false
  await ensureDefaultGroup(context, projectId)
  return true
}

export const securityGroupRuleOperations: Operation[] = [
  ...reading({
    resource: 'security_group_rule',
    collection: 'security_group_rules',
    path: 'security-group-rules',
    attributes: ruleAttributes,
    tagged: false,
    settle: settleDefaultGroup,
    list: listRules,
    find,
    view: ruleView,
  }),
  operation({
    name: 'security_group_rule.create',
    method: 'POST',
    path: '/v2.0/security-group-rules',
    who: 'member',
    summary: 'Adds a rule to a security group, or several.',
    status: 201,
    body: oneOrMany('security_group_rule', 'security_group_rules', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      const rules = await addRules(
        context,
        wishes.map((wish) => {
          ownerOf(context, wish)
          return { ...ruleWishOf(wish), securityGroupId: wish.security_group_id }
        }),
      )
      return {
        body: bulk ? { security_group_rules: rules.map(ruleView) } : { security_group_rule: ruleView(rules[0]!) },
      }
    },
  }),
  operation({
    name: 'security_group_rule.delete',
    method: 'DELETE',
    path: '/v2.0/security-group-rules/:id',
    who: 'member',
    summary: 'Takes a rule away.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeRule(context, params.id!)
      return {}
    },
  }),
]
