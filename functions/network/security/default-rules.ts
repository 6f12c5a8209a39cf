import * as z from 'zod'
import {
  type DefaultRuleRow,
  defaultRuleAttributes,
  listDefaultRules,
} from '../../../db/queries/network/security/default-rules.ts'
import { addDefaultRule, removeDefaultRule, seenDefaultRule } from '../../broker/network/security/default-rules.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { flag, ownership } from '../attributes.ts'
import { oneOrMany, ownerOf } from '../body.ts'
import { reading } from '../listing.ts'
import { prefix } from './rule-words.ts'
import { ruleParts, ruleWishOf } from './security-group-rules.ts'

/* https://docs.openstack.org/api-ref/network/v2/#security-group-default-rules; neutron/extensions/security_groups_default_rules.py */

const create = z.strictObject({
  ...ownership,
  ...ruleParts,
  used_in_default_sg: flag(),
  used_in_non_default_sg: flag(),
})

const view = (rule: DefaultRuleRow) => ({
  id: rule.id,
  description: rule.description,
  direction: rule.direction,
  ethertype: rule.ethertype,
  protocol: rule.protocol,
  port_range_min: rule.portRangeMin,
  port_range_max: rule.portRangeMax,
  remote_ip_prefix: prefix(rule.remoteIpPrefix),
  remote_group_id: rule.remoteGroupId,
  remote_address_group_id: rule.remoteAddressGroupId,
  used_in_default_sg: rule.usedInDefault,
  used_in_non_default_sg: rule.usedInOthers,
})

export const defaultRuleOperations: Operation[] = [
  ...reading({
    resource: 'default_security_group_rule',
    collection: 'default_security_group_rules',
    path: 'default-security-group-rules',
    attributes: defaultRuleAttributes,
    tagged: false,
    list: listDefaultRules,
    find: seenDefaultRule,
    view,
  }),
  operation({
    name: 'default_security_group_rule.create',
    method: 'POST',
    path: '/v2.0/default-security-group-rules',
    who: 'admin',
    summary: 'Says a rule that new security groups begin with: the default ones of projects, others, or both.',
    status: 201,
    body: oneOrMany('default_security_group_rule', 'default_security_group_rules', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      if (bulk && wishes.length > 1) throw badRequest('Default rules of security groups are made one at a time')
      const made: DefaultRuleRow[] = []
      for (const wish of wishes) {
        ownerOf(context, wish)
        const used = { usedInDefault: wish.used_in_default_sg, usedInOthers: wish.used_in_non_default_sg }
        made.push(await addDefaultRule(context, { ...ruleWishOf(wish), ...used }))
      }
      const views = made.map(view)
      return { body: bulk ? { default_security_group_rules: views } : { default_security_group_rule: views[0] } }
    },
  }),
  operation({
    name: 'default_security_group_rule.delete',
    method: 'DELETE',
    path: '/v2.0/default-security-group-rules/:id',
    who: 'admin',
    summary: 'Takes away a rule that new security groups begin with; groups that there are keep theirs.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeDefaultRule(context, params.id!)
      return {}
    },
  }),
]
