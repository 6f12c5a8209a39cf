import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../client.ts'
import { prepared, type Slots } from '../prepared.ts'
import { quotas } from '../schema/index.ts'
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

/** Sets limits and leaves what is used alone. */
export const setMaxima = (db: Database, projectId: string, maxima: Record<string, number>) =>
  db.run(sql`insert into quotas (project_id, resource, maximum, used)
    select ${projectId}, key, value, 0 from json_each(${JSON.stringify(maxima)}) where true
    on conflict (project_id, resource) do update set maximum = excluded.maximum`)
