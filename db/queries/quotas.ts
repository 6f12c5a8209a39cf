import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../client.ts'
import { prepared, type Slots } from '../prepared.ts'
import { projects, quotas } from '../schema/index.ts'
import { type Scope, within } from '../scope.ts'

export type QuotaRow = typeof quotas.$inferSelect

const ofProject = prepared((db, { scope, projectId }: Slots<{ scope: Scope; projectId: string }>) =>
  db
    .select()
    .from(quotas)
    .where(and(eq(quotas.projectId, projectId), within(quotas.projectId, scope))),
)

/** What is set or used of a project; resources that have no row are at their default and unused. */
export const quotasOf = (db: Database, scope: Scope, projectId: string): Promise<QuotaRow[]> =>
  ofProject.run(db, { scope, projectId })

const ofKnown = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ quota: quotas })
    .from(projects)
    .leftJoin(quotas, eq(quotas.projectId, projects.id))
    .where(eq(projects.id, projectId)),
)

/** The same of whatever project, for administrators; null: there is no such project. One query. */
export const quotasOfKnown = async (db: Database, projectId: string): Promise<QuotaRow[] | null> => {
  const rows = await ofKnown.run(db, { projectId })
  return rows.length ? rows.flatMap(({ quota }) => quota ?? []) : null
}

/** Sets limits and leaves what is used alone. */
export const setMaxima = (db: Database, projectId: string, maxima: Record<string, number>) =>
  db.run(sql`insert into quotas (project_id, resource, maximum, used)
    select ${projectId}, key, value, 0 from json_each(${JSON.stringify(maxima)}) where true
    on conflict (project_id, resource) do update set maximum = excluded.maximum`)
