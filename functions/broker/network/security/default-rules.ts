import { addressGroupsGone } from '../../../../db/queries/network/security/address-groups.ts'
import {
  type DefaultRuleRow,
  defaultRuleById,
  defaultRules,
  defaultRulesFull,
  deleteDefaultRule,
  insertDefaultRule,
} from '../../../../db/queries/network/security/default-rules.ts'
import type { Context } from '../../../context.ts'
import { guard } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { commitOr, conflicting, invalidInput, missing } from '../network-refusal.ts'
import { seenAddressGroup } from './address-group.ts'
import { type RuleWish, signatureOf } from './rule.ts'

/* Rules that new security groups begin with (neutron/db/securitygroup_default_rules_db.py). Groups that there are keep theirs. */

/** Every new group has all that are for it. */
const MOST = 50

/** The group that a rule comes into, whichever that will be. */
const PARENT = 'PARENT'

export interface DefaultRuleWish extends RuleWish {
  usedInDefault: boolean
  usedInOthers: boolean
}

/** One of them. Throws `NetworkRefused`. */
export const seenDefaultRule = async (context: Context, id: string): Promise<DefaultRuleRow> => {
  const row = await defaultRuleById(context.db, id)
  if (!row) throw missing('DefaultSecurityGroupRule', id)
  return row
}

/**
 * New groups begin with it from now on. Throws `NetworkRefused`, also where it names a group: that is one project's, and
 * new ones are everybody's.
 */
export const addDefaultRule = async (context: Context, wish: DefaultRuleWish): Promise<DefaultRuleRow> => {
  const { remoteGroupId, remoteAddressGroupId } = wish
  if (remoteGroupId !== null && remoteGroupId !== PARENT)
    throw invalidInput(`remote_group_id of a default rule is '${PARENT}', the group that it comes into, or none`)
  if (remoteAddressGroupId !== null) await seenAddressGroup(context, remoteAddressGroupId)
  const { db } = context
  const row: DefaultRuleRow = {
    ...wish,
    remoteGroupId,
    id: context.newId(),
    signature: signatureOf(wish),
    createdAt: context.now(),
  }
  const writes = [
    guard(context, 'default-rules-full', defaultRulesFull(MOST)),
    ...(remoteAddressGroupId
      ? [guard(context, 'address-group-gone', addressGroupsGone(context.scope, [remoteAddressGroupId]))]
      : []),
    insertDefaultRule(db, row),
  ]
  try {
    await commitOr(context, { action: 'create', kind: 'default_security_group_rule', resourceId: row.id }, writes, {
      'default-rules-full': () => invalidInput(`there are at most ${MOST} default rules of security groups`),
    })
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'taken')) throw error
    const same = (each: DefaultRuleRow) =>
      each.signature === row.signature &&
      ((each.usedInDefault && row.usedInDefault) || (each.usedInOthers && row.usedInOthers))
    const there = (await defaultRules(db)).find(same)
    throw conflicting(
      'DefaultSecurityGroupRuleExists',
      `Default Security group rule already exists. Rule id is ${there?.id}.`,
    )
  }
  return row
}

/** Takes one away. Throws `NetworkRefused`. */
export const removeDefaultRule = async (context: Context, id: string): Promise<void> => {
  await seenDefaultRule(context, id)
  await commitOr(
    context,
    { action: 'delete', kind: 'default_security_group_rule', resourceId: id },
    [deleteDefaultRule(context.db, id)],
    {},
  )
}

/** What a new group of an id begins with. Descriptions tell of the default rules, and stay with them, as in Neutron. */
export const beginningOf = async (
  context: Context,
  group: { id: string; isDefault: 'default' | null },
): Promise<RuleWish[]> =>
  (await defaultRules(context.db))
    .filter(({ usedInDefault, usedInOthers }) => (group.isDefault ? usedInDefault : usedInOthers))
    .map(({ direction, ethertype, protocol, portRangeMin, portRangeMax, remoteIpPrefix, ...rule }) => ({
      ...{ direction, ethertype, protocol, portRangeMin, portRangeMax, remoteIpPrefix },
      remoteGroupId: rule.remoteGroupId && group.id,
      remoteAddressGroupId: rule.remoteAddressGroupId,
      description: '',
    }))
