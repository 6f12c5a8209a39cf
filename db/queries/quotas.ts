import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../client.ts'
import { prepared, ready, type Slots } from '../prepared.ts'
import { projects, quotas } from '../schema/index.ts'
import { type Scope, within } from '../scope.ts'

/** What is set, and used, of a resource. */
export type QuotaRow = [resource: string, maximum: number, used: number]

/** As one text: of a dozen small rows that is read in half the time. */
const all = sql`json_group_array(json_array(${quotas.resource}, ${quotas.maximum}, ${quotas.used}))`
const read = (text: string): QuotaRow[] => JSON.parse(text)

const ofProject = prepared((db, { scope, projectId }: Slots<{ scope: Scope; projectId: string }>) =>
  db
    .select({ rows: all.mapWith(read) })
    .from(quotas)
    .where(and(eq(quotas.projectId, projectId), within(quotas.projectId, scope))),
)

/** What is set or used of a project; resources that have no row are at their default and unused. */
export const quotasOf = async (db: Database, scope: Scope, projectId: string): Promise<QuotaRow[]> =>
  (await ofProject.run(db, { scope, projectId }))[0]!.rows

const ofKnown = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ rows: sql`(select ${all} from ${quotas} where ${quotas.projectId} = ${projects.id})`.mapWith(read) })
    .from(projects)
    .where(eq(projects.id, projectId)),
)

/** The same of whatever project, for administrators; null: there is no such project. One query. */
export const quotasOfKnown = async (db: Database, projectId: string): Promise<QuotaRow[] | null> =>
  (await ofKnown.run(db, { projectId }))[0]?.rows ?? null

/** Sets limits and leaves what is used alone. */
export const setMaxima = (db: Database, projectId: string, maxima: Record<string, number>) =>
  db.run(sql`insert into quotas (project_id, resource, maximum, used)
    select ${projectId}, key, value, 0 from json_each(${JSON.stringify(maxima)}) where true
    on conflict (project_id, resource) do update set maximum = excluded.maximum`)

/** Statement: so much more, or less, of a resource is used; the trigger on `quotas` refuses to pass the limit. @param maximum where there is no row yet */
export const chargeQuota = (projectId: string, resource: string, amount: number, maximum: number) =>
  ready(
    `insert into quotas (project_id, resource, maximum, used) values (?1, ?2, ?3, max(0, ?4))
      on conflict (project_id, resource) do update set used = iif(?4 < 0, max(0, used + ?4), used + ?4)`,
    [projectId, resource, maximum, amount],
  )
