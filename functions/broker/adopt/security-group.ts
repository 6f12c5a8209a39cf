import type { SecurityGroupSpec, SecurityRule } from '../../../adapters/contract.ts'
import { insertRules } from '../../../db/queries/line/adopt.ts'
import { insertSecurityGroup, type RuleRow } from '../../../db/queries/network/security/security-groups.ts'
import { uuid5 } from '../line/uuid.ts'
import type { RuleWish } from '../network/security/rule.ts'
import { signatureOf } from '../network/security/rule.ts'
import { networkFor } from './network.ts'
import { type Adopter, type Item, NotAdoptable, type Plan } from './plan.ts'

/** A group with its rules, and every group that they name. */
export const takeSecurityGroup: Adopter = async (plan, item, _, read) => {
  const { context } = plan
  const spec = read.spec as SecurityGroupSpec
  item.scope = (await networkFor(plan, spec.network)).resourceId
  const rules = await rulesOf(plan, item, spec.rules)
  const now = context.now()
  await plan.admit(item, { security_group: 1, security_group_rule: rules.length }, () => [
    insertSecurityGroup(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      name: spec.name,
      description: spec.description,
      tags: [],
      revision: 1,
      stateful: true,
      isDefault: null,
      createdAt: now,
      updatedAt: now,
    }),
    insertRules(context.db, rules),
  ])
}

/** The group of a port. It has to be the project's own: who owns a group decides who gets in. */
export const groupFor = async (plan: Plan, nativeId: string): Promise<Item> => {
  const group = await plan.take('security_group', nativeId)
  if (group.projectId !== plan.options.projectId)
    throw new NotAdoptable(`Security group ${nativeId} is project ${group.projectId}'s.`)
  return group
}

const rulesOf = async (plan: Plan, group: Item, specs: SecurityRule[]): Promise<RuleRow[]> => {
  const now = plan.context.now()
  const rows = new Map<string, RuleRow>()
  for (const spec of specs) {
    const wish = await wishFor(plan, group, spec)
    const signature = signatureOf(wish)
    rows.set(signature, {
      ...wish,
      id: uuid5(`adopted/${group.resourceId}/${signature}`),
      projectId: group.projectId,
      securityGroupId: group.resourceId,
      signature,
      revision: 0,
      createdAt: now,
      updatedAt: now,
    })
  }
  return [...rows.values()]
}

const wishFor = async (plan: Plan, group: Item, spec: SecurityRule): Promise<RuleWish> => ({
  direction: spec.direction,
  ethertype: spec.family === 6 ? 'IPv6' : 'IPv4',
  protocol: spec.protocol,
  portRangeMin: spec.min,
  portRangeMax: spec.max,
  remoteIpPrefix: spec.cidr,
  remoteGroupId: spec.group === null ? null : await remoteGroup(plan, group, spec.group),
  remoteAddressGroupId: null,
  description: spec.description ?? '',
})

/** Its id is known before it is taken: two groups may name each other. */
const remoteGroup = async (plan: Plan, group: Item, native: string): Promise<string> => {
  if (native === 'self') return group.resourceId
  const { resourceId } = await plan.identify('security_group', native)
  plan.also(() => groupFor(plan, native))
  return resourceId
}
