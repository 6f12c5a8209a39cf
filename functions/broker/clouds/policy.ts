import { policyOf, setPolicy } from '../../../db/queries/clouds/policies.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { commit } from '../line/commit.ts'

/** What holds for a project of which nobody said anything. */
export const NO_POLICY: Policy = { chain: null, zones: 'all', zone_name: 'burst', min_filters: 'enforced' }

/** The name that leaves the choice of a zone to the broker; null: there is none. */
export const freeZone = (policy: Policy | null): string | null => (policy?.zones === 'policy' ? policy.zone_name : null)

/** The place of a cloud among those of a project, from 0; null: nothing goes there unless its zone is named. */
export const inChain = ({ chain }: Policy, cloud: string): number | null => {
  const at = chain === null ? 0 : chain.indexOf(cloud)
  return at < 0 ? null : at
}

/** The policy of the project that is acted for, where it has one zone listed in place of all; null: all are listed. */
export const oneZone = async ({ db, scope, caller }: Context): Promise<Policy | null> => {
  const projectId = 'projectId' in scope ? scope.projectId : caller?.projectId
  const policy = projectId ? (await policyOf(db, projectId))[0]?.policy : null
  return policy?.zones === 'policy' ? policy : null
}

/** Whether something can be started in the one zone: one of those that it stands for is up. */
export const isOpen = (policy: Policy, zones: { cloud: string; available: boolean }[]): boolean =>
  zones.some(({ cloud, available }) => available && inChain(policy, cloud) !== null)

/** Replaces what was said of a project before. */
export const decree = (context: Context, projectId: string, policy: Policy): Promise<void> =>
  commit(context, { action: 'decree', kind: 'project', resourceId: projectId, detail: { policy: { ...policy } } }, [
    setPolicy(context.db, projectId, policy),
  ])

/** Why a policy cannot be that of a project with these clouds, in sentences; empty if it can. */
export const policyFaults = (
  { chain, zone_name }: Policy,
  mapped: { name: string }[],
  clouds: { name: string }[],
): string[] => {
  const names = mapped.map(({ name }) => name)
  const unknown = chain?.filter((name) => !names.includes(name)) ?? []
  const twice = chain?.filter((name, i) => chain.indexOf(name) !== i) ?? []
  return [
    ...unknown.map((name) => `policy.chain: the project is not mapped to a cloud named ${name}.`),
    ...[...new Set(twice)].map((name) => `policy.chain: cloud ${name} is named twice.`),
    ...(clouds.some(({ name }) => name === zone_name)
      ? [`policy.zone_name: ${zone_name} is the name of a cloud, and means its zones.`]
      : []),
  ]
}
