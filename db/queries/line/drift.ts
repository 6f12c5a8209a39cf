import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, drift, mappings } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

export type Drift = typeof drift.$inferSelect

/** Notes a difference; one that is known keeps the time at which it was first seen. */
export const noteDrift = (db: Database, row: Drift) =>
  db
    .insert(drift)
    .values(row)
    .onConflictDoUpdate({
      target: [drift.kind, drift.resourceId, drift.what],
      set: { intent: row.intent, observed: row.observed },
    })

/** It is as it should be again, or the resource is no more (`what` absent). */
export const forgetDrift = (db: Database, kind: Drift['kind'], resourceId: string, what?: string) =>
  db
    .delete(drift)
    .where(and(eq(drift.kind, kind), eq(drift.resourceId, resourceId), what ? eq(drift.what, what) : undefined))

const seen = prepared((db, { scope }: Slots<{ scope: Scope }>) =>
  db
    .select({ ...getTableColumns(drift), cloud: clouds.name })
    .from(drift)
    .leftJoin(clouds, eq(clouds.id, drift.cloudId))
    .where(within(drift.projectId, scope))
    .orderBy(drift.firstSeenAt, drift.resourceId),
)

/** Where clouds are not as the resources of a scope were asked to be, longest known first, with the names of the clouds. */
export const allDrift = (db: Database, scope: Scope) => seen.run(db, { scope })

/** What the project wants done about differences on a cloud: `report` or `restore`, from its tenant mapping. */
export const driftPolicy = async (db: Database, projectId: string, cloudId: string): Promise<'report' | 'restore'> => {
  const [row] = await db
    .select({ policy: sql<string | null>`${mappings.mapping}->>'drift'` })
    .from(mappings)
    .where(and(eq(mappings.projectId, projectId), eq(mappings.cloudId, cloudId)))
  return row?.policy === 'restore' ? 'restore' : 'report'
}
