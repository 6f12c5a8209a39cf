import { and, asc, eq, type Placeholder, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, mappings, zones } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { zoneMade } from './aggregates.ts'
import { policyBeside } from './policies.ts'

export type ZoneRow = Awaited<ReturnType<typeof zonesFor>>[number]

/** What is told of a zone and its cloud. */
export const zoneColumns = {
  cloudId: clouds.id,
  cloud: clouds.name,
  type: clouds.type,
  enabled: clouds.enabled,
  placing: clouds.placing,
  placingReason: clouds.placingReason,
  breakerOpenUntil: clouds.breakerOpenUntil,
  seenAt: clouds.seenAt,
  name: zones.name,
  available: zones.available,
  freeVcpus: zones.freeVcpus,
  freeRamMib: zones.freeRamMib,
  /** The availability zone that an aggregate puts it in; null: its own. */
  made: sql<string | null>`${sql.raw(zoneMade('clouds.id', 'zones.name'))}`.as('made'),
}
/** The broker's order of preference. */
export const zoneOrder = [asc(clouds.position), asc(clouds.name), asc(zones.position), asc(zones.name)]

const read = (db: Database, scope: Scope<string | Placeholder>, project: Placeholder) => {
  const query = db
    .select({ ...zoneColumns, policy: policyBeside(project) })
    .from(zones)
    .innerJoin(clouds, eq(clouds.id, zones.cloudId))
    .$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query.orderBy(...zoneOrder)
}
const reading = prepared((db, { scope, project }: Slots<{ scope: Scope; project: string }>) => read(db, scope, project))

/**
 * Zones of the clouds that the scope's project is mapped to, in the broker's order of preference, each with what
 * administrators said of `project`. One query.
 */
export const zonesFor = (db: Database, scope: Scope, project: string) => reading.run(db, { scope, project })
