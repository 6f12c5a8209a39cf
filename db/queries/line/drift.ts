import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { KINDS_BY_RANK } from '../../kinds.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, drift, mappings } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

type DriftRow = typeof drift.$inferSelect
export type Drift = Omit<DriftRow, 'settledAt'>

/** Notes a difference; one that is known keeps the time at which it was first seen. */
export const noteDrift = (db: Database, row: Drift) =>
  db
    .insert(drift)
    .values(row)
    .onConflictDoUpdate({
      target: [drift.kind, drift.resourceId, drift.what, drift.cloudId],
      set: { intent: row.intent, observed: row.observed },
    })

/** It is as it should be again there, or the resource is there no more (`what` absent). A trigger tells of it and takes it away. */
export const settleDrift = (
  db: Database,
  { kind, resourceId, cloudId }: Pick<Drift, 'kind' | 'resourceId' | 'cloudId'>,
  now: number,
  what?: string,
) =>
  db
    .update(drift)
    .set({ settledAt: now })
    .where(
      and(
        eq(drift.kind, kind),
        eq(drift.resourceId, resourceId),
        what ? eq(drift.what, what) : undefined,
        eq(drift.cloudId, cloudId),
      ),
    )

/**
 * Statements: what was always another thing at the cloud than it is now. The first that it was stays what was asked for, and
 * the difference ends when it is that again. `firstSeenAt` is now.
 */
export const noteChange = (db: Database, row: Drift) =>
  [
    db
      .insert(drift)
      .values(row)
      .onConflictDoUpdate({
        target: [drift.kind, drift.resourceId, drift.what, drift.cloudId],
        set: { observed: row.observed },
      }),
    db
      .update(drift)
      .set({ settledAt: row.firstSeenAt })
      .where(
        and(
          eq(drift.kind, row.kind),
          eq(drift.resourceId, row.resourceId),
          eq(drift.what, row.what),
          eq(drift.cloudId, row.cloudId),
          eq(drift.intent, drift.observed),
        ),
      ),
  ] as const

/** Segments of which a network, or a subnet, is what a cloud has. */
const segmentsOf = sql<{ id: string; physical_network: string }[]>`(select json_group_array(json_object('id', g.id,
    'physical_network', c.name || ifnull('.' || g.zone, '') || ifnull('/' || g.wire, '')) order by g.created_at, g.id)
  from segments g join clouds c on c.id = g.cloud_id where g.cloud_id = drift.cloud_id and case drift.kind
    when 'network' then g.network_id = drift.resource_id
    when 'subnet' then g.id = (select s.segment_id from subnets s where s.id = drift.resource_id)
    end)`.mapWith(JSON.parse)

interface Looked {
  scope: Scope
  /** Of one resource alone, whatever it is. */
  resourceId?: string | undefined
  limit: number
}

const seen = prepared((db, { scope, resourceId, limit }: Slots<Looked>) =>
  db
    .select({ ...getTableColumns(drift), cloud: clouds.name, segments: segmentsOf })
    .from(drift)
    .leftJoin(clouds, eq(clouds.id, drift.cloudId))
    .where(
      and(
        within(drift.projectId, scope),
        // The key begins with the kind: each is looked up by itself.
        resourceId && and(anyOf(drift.kind, KINDS_BY_RANK), eq(drift.resourceId, resourceId)),
      ),
    )
    .orderBy(drift.firstSeenAt, drift.resourceId)
    .limit(limit),
)

/** Where clouds are not as the resources of a scope were asked to be, longest known first, with the names of the clouds. */
export const driftOf = (db: Database, looked: Looked) => seen.run(db, looked)

/** What the project wants done about differences on a cloud: `report` or `restore`, from its tenant mapping. */
export const driftPolicy = async (db: Database, projectId: string, cloudId: string): Promise<'report' | 'restore'> => {
  const [row] = await db
    .select({ policy: sql<string | null>`${mappings.mapping}->>'drift'` })
    .from(mappings)
    .where(and(eq(mappings.projectId, projectId), eq(mappings.cloudId, cloudId)))
  return row?.policy === 'restore' ? 'restore' : 'report'
}
