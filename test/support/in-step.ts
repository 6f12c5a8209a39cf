import { getTableName, sql } from 'drizzle-orm'
import { OBJECT_KINDS } from '../../adapters/contract.ts'
import { remembered } from '../../adapters/sandbox/backdoor.ts'
import type { Entity } from '../../adapters/sandbox/records/entities.ts'
import { factsOf, KINDS_BY_RANK } from '../../db/kinds.ts'
import type { Plimsoll } from './harness.ts'

/** What is wrong between rows and cloud; empty: they are in step. Looks at the embedded cloud's own memory. */
export const outOfStep = async (plimsoll: Plimsoll, cloud = 'sandbox'): Promise<string[]> => [
  ...(await leaksAndDuplicates(plimsoll, cloud)),
  ...(await quotaDrift(plimsoll)),
]

const leaksAndDuplicates = async (plimsoll: Plimsoll, cloud: string): Promise<string[]> => {
  const cloudId = plimsoll.cloudId(cloud)
  const now = plimsoll.clock.now
  const bound = new Set(
    (
      await plimsoll.db.all<{ id: string }>(
        sql`select kind || '/' || native_id as id from bindings where cloud_id = ${cloudId} and phase = 'bound' and want = 'present'`,
      )
    ).map(({ id }) => id),
  )
  const faults: string[] = []
  const resources = new Map<string, number>()
  for (const kind of OBJECT_KINDS)
    for (const entity of (await remembered(plimsoll.host.cloudState, cloudId, kind)) as Entity[]) {
      if (!entity.mark || (entity.goneAt !== null && entity.goneAt <= now)) continue
      const key = `${kind} ${entity.mark.resource}`
      if (factsOf(kind).realised !== 'per network') resources.set(key, (resources.get(key) ?? 0) + 1)
      if (!bound.delete(`${kind}/${entity.id}`)) faults.push(`leaked: ${kind} ${entity.id} of ${entity.mark.resource}`)
    }
  for (const [key, count] of resources) if (count > 1) faults.push(`${count} objects for one ${key}`)
  for (const id of bound)
    if (!id.startsWith('image/') && !id.startsWith('attachment/') && !id.startsWith('interface/'))
      faults.push(`lost: ${id} is bound and not there`)
  return faults
}

/** Each counter with the rows that justify it. */
const counted = Map.groupBy(
  KINDS_BY_RANK.flatMap((kind) => {
    const { table, tombstoned, quota } = factsOf(kind)
    const from = `${getTableName(table)} where project_id <> ''${tombstoned ? ' and deleted_at is null' : ''}`
    return Object.entries(quota).map(([word, amount]) => ({
      word,
      rows: `select project_id, ${amount} as n from ${from} group by project_id`,
    }))
  }),
  ({ word }) => word,
)

/** Counters that do not say what the rows say. */
export const quotaDrift = async (plimsoll: Plimsoll): Promise<string[]> => {
  const faults: string[] = []
  for (const [resource, parts] of counted) {
    const query = `select project_id, sum(n) as n from (${parts.map(({ rows }) => rows).join(' union all ')}) group by project_id`
    const rows = await plimsoll.db.all<{ project: string; used: number; n: number }>(
      sql.raw(`select coalesce(q.project_id, c.project_id) as project, coalesce(q.used, 0) as used, coalesce(c.n, 0) as n
        from (select * from quotas where resource = '${resource}') q full join (${query}) c on c.project_id = q.project_id
        where coalesce(q.used, 0) <> coalesce(c.n, 0)`),
    )
    for (const { project, used, n } of rows) faults.push(`quota ${resource} of ${project}: ${used} used, ${n} counted`)
  }
  return faults
}
