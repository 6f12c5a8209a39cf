import { and, asc, eq } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, mappings, zones } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'

export type ZoneRow = Awaited<ReturnType<typeof zonesFor>>[number]

/** What is told of a zone and its cloud. */
export const zoneColumns = {
  cloudId: clouds.id,
  cloud: clouds.name,
  type: clouds.type,
  enabled: clouds.enabled,
  breakerOpenUntil: clouds.breakerOpenUntil,
  seenAt: clouds.seenAt,
  name: zones.name,
  available: zones.available,
  freeVcpus: zones.freeVcpus,
  freeRamMib: zones.freeRamMib,
}
/** The broker's order of preference. */
export const zoneOrder = [asc(clouds.position), asc(clouds.name), asc(zones.position), asc(zones.name)]

const reading = prepared((db, { scope }: Slots<{ scope: Scope }>) => {
  const query = db.select(zoneColumns).from(zones).innerJoin(clouds, eq(clouds.id, zones.cloudId)).$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query.orderBy(...zoneOrder)
})

/** Zones of the clouds that the scope's project is mapped to, in the broker's order of preference. */
export const zonesFor = (db: Database, scope: Scope) => reading.run(db, { scope })
