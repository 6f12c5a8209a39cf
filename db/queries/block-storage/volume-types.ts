import { and, asc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, mappings, volumeTypes, zones } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'

const forScope = prepared((db, { scope }: Slots<{ scope: Scope }>) => {
  const query = db
    .select({ name: volumeTypes.name, cloud: clouds.name, zone: zones.name })
    .from(volumeTypes)
    .innerJoin(clouds, and(eq(clouds.id, volumeTypes.cloudId), eq(clouds.enabled, true)))
    .innerJoin(
      zones,
      and(
        eq(zones.cloudId, clouds.id),
        sql`(${volumeTypes.zones} is null or ${zones.name} in (select value from json_each(${volumeTypes.zones})))`,
      ),
    )
    .$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query.orderBy(asc(volumeTypes.name), asc(clouds.position), asc(clouds.name), asc(zones.position))
})

/** Volume types of the clouds that the scope's project is mapped to: a row a zone that has it, zones in the broker's order. */
export const volumeTypesFor = (db: Database, scope: Scope) => forScope.run(db, { scope })

/** True if the cloud offers a volume type of this name. */
export const offersType = async (db: Database, cloudId: string, name: string): Promise<boolean> => {
  const found = await db
    .select({ name: volumeTypes.name })
    .from(volumeTypes)
    .where(and(eq(volumeTypes.cloudId, cloudId), eq(volumeTypes.name, name)))
  return found.length > 0
}
