import { and, asc, eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
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

/** The same as one column of a query. */
export const offeredTo = (scope: Scope<string | Placeholder>): SQL<{ name: string; cloud: string; zone: string }[]> =>
  sql`(select json_group_array(json_array(t.name, c.name, z.name) order by t.name, c.position, c.name, z.position)
    from ${volumeTypes} t join ${clouds} c on c.id = t.cloud_id and c.enabled
    ${'every' in scope ? sql`` : sql`join ${mappings} m on m.cloud_id = c.id and m.project_id = ${scope.projectId}`}
    join ${zones} z on z.cloud_id = c.id and (t.zones is null or z.name in (select value from json_each(t.zones))))`.mapWith(
    (text: string) =>
      (JSON.parse(text) as [string, string, string][]).map(([name, cloud, zone]) => ({ name, cloud, zone })),
  )

const offers = prepared((db, { cloudId, name }: Slots<{ cloudId: string; name: string }>) =>
  db
    .select({ name: volumeTypes.name })
    .from(volumeTypes)
    .where(and(eq(volumeTypes.cloudId, cloudId), eq(volumeTypes.name, name))),
)

/** True if the cloud offers a volume type of this name. */
export const offersType = async (db: Database, cloudId: string, name: string): Promise<boolean> =>
  (await offers.run(db, { cloudId, name })).length > 0
