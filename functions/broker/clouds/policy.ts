import type { Json } from '../../../adapters/contract.ts'
import { NO_POLICY } from '../../../db/policy.ts'
import {
  policyMoved,
  policyOf,
  type Said,
  saidIn,
  setPolicy,
  setPolicyOfAll,
} from '../../../db/queries/clouds/policies.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'

export { NO_POLICY }

/** The name that leaves the choice of a zone to the broker; null: there is none. */
export const freeZone = (policy: Policy | null): string | null => (policy?.zones === 'policy' ? policy.zone_name : null)

/** The place of a cloud among those of a project, from 0; null: nothing goes there unless its zone is named. */
export const inChain = ({ chain }: Policy, cloud: string): number | null => {
  const at = chain === null ? 0 : chain.indexOf(cloud)
  return at < 0 ? null : at
}

/** The project that is acted for: its policy decides which zones are listed. */
export const actedFor = ({ scope, caller }: Pick<Context, 'scope' | 'caller'>): string =>
  'projectId' in scope ? scope.projectId : (caller?.projectId ?? '')

/**
 * Its policy, where it has one zone listed in place of all; null: all are listed. `zones`: all that it could list, which
 * were read with it; where there is none it is read here.
 */
export const oneZone = async (context: Context, zones: { policy: Policy | null }[]): Promise<Policy | null> => {
  const said = zones.length ? zones : await policyOf(context.db, actedFor(context))
  const policy = said[0]?.policy
  return policy?.zones === 'policy' ? policy : null
}

/** Whether something can be started in the one zone: one of those that it stands for is up. */
export const isOpen = (policy: Policy, zones: { cloud: string; available: boolean }[]): boolean =>
  zones.some(({ cloud, available }) => available && inChain(policy, cloud) !== null)

/** Why nothing of a project goes to a cloud by the region of that, a sentence; null: it may. One without a region is somebody's own. */
export const whyOutOfRegion = (
  { regions }: Pick<Policy, 'regions'>,
  { name, region }: { name: string; region: string | null },
): string | null =>
  region === null || !regions.length || regions.includes(region)
    ? null
    : `${name} is in region ${region}, and the project is to stay in ${regions.join(', ')}.`

/** The cloud that is home: the first of the chain. Null: there is no chain, and nowhere is out. */
export const homeIn = ({ chain }: Pick<Policy, 'chain'>): string | null => chain?.[0] ?? null

/** What holds for a project, and of what that was made; of one that is not there nothing is said. */
export const policyFor = async (
  { db }: Pick<Context, 'db'>,
  projectId: string,
): Promise<{ policy: Policy; said: Said }> =>
  (await policyOf(db, projectId))[0] ?? { policy: NO_POLICY, said: saidIn() }

/** The guard of `stillSaid`: something else is said by now, and another look says what holds. */
export const POLICY_MOVED = 'policy-moved'

/** For a batch that was decided by what was said of a project, and of all: it holds as long as nothing else is. */
export const stillSaid = (context: Pick<Context, 'db'>, projectId: string, said: Said): Write =>
  guard(context, POLICY_MOVED, policyMoved(projectId, said))

/** Replaces what was said of a project before. */
export const decree = (context: Context, projectId: string, policy: Partial<Policy>): Promise<void> =>
  commit(context, { action: 'decree', kind: 'project', resourceId: projectId, detail: { policy: policy as Json } }, [
    ...setPolicy(context.db, projectId, policy),
  ])

/** Replaces what was said of all projects before. */
export const decreeForAll = (context: Context, policy: Partial<Policy>): Promise<void> => {
  const { id } = context.deployment
  return commit(context, { action: 'decree', kind: 'deployment', resourceId: id, detail: { policy: policy as Json } }, [
    ...setPolicyOfAll(context.db, policy),
  ])
}

interface Named {
  name: string
}

/** Why a policy cannot be that of a project with these clouds, in sentences; empty if it can. */
export const policyFaults = (policy: Partial<Policy>, mapped: Named[], clouds: Named[]): string[] =>
  faultsIn(policy, mapped, clouds, (name) => `the project is not mapped to a cloud named ${name}`)

/** The same of one for all projects, which may not be mapped to every cloud. */
export const generalFaults = (policy: Partial<Policy>, clouds: Named[]): string[] =>
  faultsIn(policy, clouds, clouds, (name) => `there is no cloud named ${name}`)

const faultsIn = (
  { chain, marks, zone_name }: Partial<Policy>,
  its: Named[],
  clouds: Named[],
  unknown: (name: string) => string,
): string[] => {
  const isUnknown = (name: string) => !its.some((each) => each.name === name)
  const twice = chain?.filter((name, i) => chain.indexOf(name) !== i) ?? []
  return [
    ...(chain ?? []).filter(isUnknown).map((name) => `policy.chain: ${unknown(name)}.`),
    ...[...new Set(twice)].map((name) => `policy.chain: cloud ${name} is named twice.`),
    ...Object.keys(marks ?? {})
      .filter(isUnknown)
      .map((name) => `policy.marks: ${unknown(name)}.`),
    ...(clouds.some(({ name }) => name === zone_name)
      ? [`policy.zone_name: ${zone_name} is the name of a cloud, and means its zones.`]
      : []),
  ]
}

/** Why a policy cannot have its marks, in sentences: a share of what nobody knows is no limit. `sized`: clouds whose room is said. */
export const roomlessFaults = ({ marks }: Partial<Policy>, sized: string[]): string[] =>
  Object.keys(marks ?? {})
    .filter((name) => !sized.includes(name))
    .map(
      (name) =>
        `policy.marks: cloud ${name} does not say how much room it has; option room of the cloud, or of the mapping, says it.`,
    )

/** Why what holds together cannot, in sentences: rules about home where nothing says what home is. */
export const homelessFaults = (policy: Policy): string[] => {
  if (homeIn(policy) !== null) return []
  const { spill, spill_cap, never_spill } = policy
  const said = [
    spill === 'never' && 'spill',
    spill_cap !== null && 'spill_cap',
    (never_spill.tags.length > 0 || Object.keys(never_spill.metadata).length > 0) && 'never_spill',
  ]
  return said
    .filter((name) => name !== false)
    .map((name) => `policy.${name}: home is the first of the chain, and there is no chain.`)
}
