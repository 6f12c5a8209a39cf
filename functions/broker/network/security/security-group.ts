import { cloudsFor } from '../../../../db/queries/clouds/clouds.ts'
import { addressGroupsGone } from '../../../../db/queries/network/security/address-groups.ts'
import {
  defaultGroupOf,
  deleteRule,
  deleteSecurityGroup,
  groupInUse,
  groupsGone,
  groupsNaming,
  insertRule,
  insertSecurityGroup,
  type RuleRow,
  ruleById,
  ruleLike,
  type SecurityGroupRow,
  type SecurityGroupView,
  securityGroupById,
  touchGroupsNaming,
  updateSecurityGroup,
} from '../../../../db/queries/network/security/security-groups.ts'
import { everyProject, type Scope } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import { charge, commit, guard, makesDue, type Write, withoutKey } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { changed, unwanted } from '../../line/resources.ts'
import { commitOr, conflicting, missing, owned } from '../network-refusal.ts'
import { seenAddressGroups } from './address-group.ts'
import { beginningOf } from './default-rules.ts'
import { type RuleWish, signatureOf } from './rule.ts'

const ruleRow = (context: Context, group: { id: string; projectId: string }, wish: RuleWish): RuleRow => ({
  ...wish,
  id: context.newId(),
  projectId: group.projectId,
  securityGroupId: group.id,
  signature: signatureOf(wish),
  revision: 0,
  createdAt: context.now(),
  updatedAt: context.now(),
})

const admit = (context: Context, group: SecurityGroupRow, rules: RuleRow[]): Write[] => [
  ...addressed(context, rules),
  charge(group.projectId, 'security_group', 1),
  charge(group.projectId, 'security_group_rule', rules.length),
  insertSecurityGroup(context.db, group),
  ...rules.map((rule) => insertRule(context.db, rule)),
]

/** `scope`: whoever has to see the groups still; every one where nobody named them. */
const addressed = (context: Context, rules: RuleRow[], scope: Scope = everyProject): Write[] => {
  const named = [...new Set(rules.flatMap(({ remoteAddressGroupId }) => remoteAddressGroupId ?? []))]
  return named.length ? [guard(context, 'address-group-gone', addressGroupsGone(scope, named))] : []
}

const newGroup = (
  context: Context,
  projectId: string,
  { name, description, stateful = true }: { name: string; description: string; stateful?: boolean | undefined },
): SecurityGroupRow => ({
  id: context.newId(),
  projectId,
  name,
  description,
  tags: [],
  revision: 1,
  stateful,
  isDefault: null,
  createdAt: context.now(),
  updatedAt: context.now(),
})

/**
 * A stateless group is for clouds that can tell it from another, and a group may be needed on any that its project has.
 * 409 with the reason of the first that cannot.
 */
const refuseStateless = async (context: Context, projectId: string): Promise<void> => {
  for (const { cloud } of await cloudsFor(context.db, { projectId })) {
    const why = (await adapterOf({ clouds: [cloud] }, cloud.id))?.adapter.lacks['security_group.stateless']
    if (why) throw conflicting('SecurityGroupStatelessNotSupported', why)
  }
}

/** A group begins with the rules that the deployment has for new ones: unless an administrator says otherwise it lets everything out. */
export const createSecurityGroup = async (
  context: Context,
  wish: { projectId: string; name: string; description: string; stateful?: boolean | undefined },
): Promise<SecurityGroupView> => {
  if (wish.stateful === false) await refuseStateless(context, wish.projectId)
  const group = newGroup(context, wish.projectId, wish)
  const rules = (await beginningOf(context, group)).map((rule) => ruleRow(context, group, rule))
  await commit(
    context,
    { action: 'create', kind: 'security_group', resourceId: group.id },
    admit(context, group, rules),
  )
  return { ...group, rules }
}

/**
 * The id of a project's `default` group, made when it is first looked for: unless an administrator says otherwise its members reach each other and the world.
 * Two who look at once get the same one, because a unique index lets only one in.
 */
export const ensureDefaultGroup = async (context: Context, projectId: string): Promise<string> => {
  const known = await defaultGroupOf(context.db, projectId)
  return known ? known.id : makeDefaultGroup(withoutKey(context), projectId)
}

const makeDefaultGroup = async (context: Context, projectId: string): Promise<string> => {
  const group: SecurityGroupRow = {
    ...newGroup(context, projectId, { name: 'default', description: 'Default security group' }),
    isDefault: 'default',
  }
  const rules = (await beginningOf(context, group)).map((rule) => ruleRow(context, group, rule))
  try {
    await commit(
      context,
      { action: 'create', kind: 'security_group', resourceId: group.id },
      admit(context, group, rules),
    )
    return group.id
  } catch (error) {
    const byAnother =
      error instanceof Refused && error.refusal.kind === 'taken' && (await defaultGroupOf(context.db, projectId))
    if (!byAnother) throw error
    return byAnother.id
  }
}

/** A group within the scope; `NetworkRefused` (`SecurityGroupNotFound`) if there is none. */
export const seenSecurityGroup = async (context: Context, id: string): Promise<SecurityGroupView> => {
  const group = await securityGroupById(context.db, context.scope, id)
  if (!group) throw missing('SecurityGroup', id)
  return group
}

/**
 * Renames or describes a group. The default group keeps its name, and one with ports in it stays as stateful as it is
 * (neutron/db/securitygroups_db.py).
 */
export const changeSecurityGroup = async (
  context: Context,
  id: string,
  set: { name?: string; description?: string; stateful?: boolean },
): Promise<SecurityGroupView> => {
  const group = owned(context, 'SecurityGroup', id, await seenSecurityGroup(context, id))
  const turned = set.stateful !== undefined && set.stateful !== group.stateful
  if (turned && !set.stateful) await refuseStateless(context, group.projectId)
  if (group.isDefault && set.name !== undefined && set.name !== group.name)
    throw conflicting('SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.')
  const writes = [
    ...(turned ? [guard(context, 'security-group-in-use', groupInUse(id))] : []),
    updateSecurityGroup(context.db, id, { ...set, updatedAt: context.now() }),
    changed(context, 'security_group', id),
  ]
  await commitOr(context, { action: 'update', kind: 'security_group', resourceId: id }, writes, {
    'security-group-in-use': () => inUse(id),
  })
  return seenSecurityGroup(context, id)
}

/** Refused while a port is in it. Only an admin may take the default group away. */
export const removeSecurityGroup = async (context: Context, id: string): Promise<void> => {
  const group = owned(context, 'SecurityGroup', id, await seenSecurityGroup(context, id))
  if (group.isDefault && !('every' in context.scope))
    throw conflicting('SecurityGroupCannotRemoveDefault', 'Insufficient rights for removing default security group.')
  const { db } = context
  const named = await groupsNaming(db, id)
  const writes = [
    guard(context, 'security-group-in-use', groupInUse(id)),
    makesDue(touchGroupsNaming(db, id, context.now()), { kind: 'security_group', ids: named, want: 'present' }),
    unwanted(context, 'security_group', id),
    ...deleteSecurityGroup(db, id),
  ]
  await commitOr(context, { action: 'delete', kind: 'security_group', resourceId: id }, writes, {
    'security-group-in-use': () => inUse(id),
  })
}

const inUse = (id: string) => conflicting('SecurityGroupInUse', `Security Group ${id} in use.`)

/** Rules of any groups, all or none. Each group is changed on every cloud that has it. */
export const addRules = async (
  context: Context,
  wishes: (RuleWish & { securityGroupId: string })[],
): Promise<RuleRow[]> => {
  const { db } = context
  const groups = new Map<string, SecurityGroupView>()
  for (const { securityGroupId, remoteGroupId } of wishes)
    for (const id of [securityGroupId, remoteGroupId])
      if (id !== null && !groups.has(id)) groups.set(id, await seenSecurityGroup(context, id))
  for (const { securityGroupId: id } of wishes) owned(context, 'SecurityGroup', id, groups.get(id)!)
  await seenAddressGroups(
    context,
    wishes.flatMap(({ remoteAddressGroupId }) => remoteAddressGroupId ?? []),
  )
  const rules = wishes.map(({ securityGroupId, ...wish }) => ruleRow(context, groups.get(securityGroupId)!, wish))
  const touched = [...new Set(rules.map((rule) => rule.securityGroupId))]
  try {
    await commit(context, { action: 'create', kind: 'security_group_rule', resourceId: rules[0]!.id }, [
      guard(context, 'security-group-gone', groupsGone(context.scope, [...groups.keys()])),
      ...addressed(context, rules, context.scope),
      ...rules.flatMap((rule) => [charge(rule.projectId, 'security_group_rule', 1), insertRule(db, rule)]),
      ...touched.flatMap((id) => [
        updateSecurityGroup(db, id, { updatedAt: context.now() }),
        changed(context, 'security_group', id),
      ]),
    ])
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'taken')) throw error
    throw await alreadyThere(context, rules)
  }
  return rules
}

const alreadyThere = async (context: Context, rules: RuleRow[]) => {
  for (const rule of rules) {
    const there = await ruleLike(context.db, rule.securityGroupId, rule.signature)
    if (there)
      return conflicting('SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${there.id}.`)
  }
  return conflicting('DuplicateSecurityGroupRuleInPost', 'Duplicate Security Group Rule in POST.')
}

/** Takes a rule out of its group, above the line and wherever the group is realised. */
export const removeRule = async (context: Context, id: string): Promise<void> => {
  const { db } = context
  const rule = await ruleById(db, context.scope, id)
  if (!rule) throw missing('SecurityGroupRule', id)
  await commit(context, { action: 'delete', kind: 'security_group_rule', resourceId: id }, [
    ...deleteRule(db, id),
    updateSecurityGroup(db, rule.securityGroupId, { updatedAt: context.now() }),
    changed(context, 'security_group', rule.securityGroupId),
  ])
}
