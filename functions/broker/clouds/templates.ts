import type { Json } from '../../../adapters/contract.ts'
import { allClouds, type CloudRow } from '../../../db/queries/clouds/clouds.ts'
import { cloudsWithRoom } from '../../../db/queries/clouds/marks.ts'
import { policyOfAll } from '../../../db/queries/clouds/policies.ts'
import { forgetTemplate, pricedAmong, putTemplate } from '../../../db/queries/clouds/templates.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { commit } from '../line/commit.ts'
import { defaultMaximum } from '../line/quota.ts'
import { faultsOfMapping } from './mappings.ts'
import { homelessFaults, policyFaults, roomlessFaults } from './policy.ts'

/** What each new project of a domain is to begin with. */
export interface Template {
  mostProjects: number
  /** By the name of a cloud: as what a project uses it. */
  clouds: Map<CloudRow, Record<string, Json>>
  quotas: Record<string, number>
  policy: Partial<Policy>
}

/** What a project would have without end if nobody said how much. */
const TO_BE_SAID = ['instances', 'cores', 'ram', 'volumes', 'gigabytes']

/** Why a domain cannot have a template, in sentences; empty if it can. */
export const templateFaults = async (context: Context, template: Template): Promise<string[]> => {
  const { db } = context
  const { quotas, policy } = template
  const mapped = [...template.clouds].map(([cloud, mapping]) => ({ ...cloud, mapping }))
  const unknown = Object.keys(quotas).filter((name) => !Object.hasOwn(defaultMaximum, name))
  const unsaid = TO_BE_SAID.filter((name) => (quotas[name] ?? -1) < 0)
  const limited = policy.budget ?? policy.max_hourly_cost
  const priced = limited
    ? []
    : await pricedAmong(
        db,
        mapped.map(({ id }) => id),
      )
  const sized = [...(await cloudsWithRoom(db)), ...mapped.flatMap(({ name, mapping }) => (mapping.room ? [name] : []))]
  const faults = await Promise.all(mapped.map((cloud) => faultsOfMapping(cloud, cloud.mapping)))
  return [
    ...faults.flatMap((each, at) => each.map((fault) => `clouds.${mapped[at]!.name}: ${fault}`)),
    ...unknown.map((name) => `quotas.${name}: nothing of that name is counted.`),
    ...unsaid.map((name) => `quotas.${name}: must be said, and have an end.`),
    ...mapped
      .filter(({ id }) => priced.includes(id))
      .map(({ name }) => `policy.budget: cloud ${name} has prices, so a budget or max_hourly_cost must be said.`),
    ...policyFaults(policy, mapped, await allClouds(db)),
    ...homelessFaults({ ...(await policyOfAll(db)), ...policy }),
    ...roomlessFaults(policy, sized),
  ]
}

/** From now on each new project of a domain begins with this; those that are there stay as they are. */
export const setTemplate = (context: Context, domainId: string, template: Template): Promise<void> => {
  const { mostProjects, quotas, policy } = template
  const mapped = [...template.clouds].map(([{ id }, mapping]) => ({ id, mapping }))
  const clouds = [...template.clouds.keys()].map(({ name }) => name)
  const detail = { mostProjects, clouds, quotas, policy: policy as Json }
  return commit(context, { action: 'set_template', kind: 'domain', resourceId: domainId, detail }, [
    ...putTemplate(
      context.db,
      { domainId, mostProjects, quotas, policy, made: 0, month: 0, createdAt: context.now() },
      mapped,
    ),
  ])
}

/** New projects of a domain begin with nothing again. */
export const unsetTemplate = (context: Context, domainId: string): Promise<void> =>
  commit(context, { action: 'unset_template', kind: 'domain', resourceId: domainId, detail: {} }, [
    ...forgetTemplate(context.db, domainId),
  ])
