import { and, eq, type Placeholder, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, mappings, type Policy, volumeServices, zones } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { policyBeside } from '../clouds/policies.ts'

/** A zone in which the scope's project could have a volume. */
export interface VolumeZone {
  cloudId: string
  cloud: string
  type: string
  zone: string
  available: boolean
  load: number | null
  /** Names of the volume types that the cloud offers there. */
  volumeTypes: string[]
  enabled: boolean
  readOnly: boolean
  /** When the cloud last answered. */
  seenAt: number | null
  /** As an operator said: nothing new is made there, and why; nothing is made or deleted there. */
  disabled: boolean
  disabledReason: string | null
  frozen: boolean
}

/** Statement: zones of the clouds that the scope's project is mapped to, in the operator's order. */
export const volumeZonesQuery = (db: Database, scope: Scope<string | Placeholder>, project?: Placeholder) => {
  const query = db
    .select({
      cloudId: clouds.id,
      // In a batch D1 gives rows by the names of their columns, which have to differ.
      cloud: sql<string>`${clouds.name}`.as('cloud_name'),
      type: clouds.type,
      zone: zones.name,
      available: zones.available,
      load: zones.load,
      volumeTypes: sql<
        string[]
      >`(select json_group_array(t.name) from volume_types t where t.cloud_id = ${zones.cloudId}
        and (t.zones is null or exists (select 1 from json_each(t.zones) where value = ${zones.name})))`.mapWith(
        (names: string) => JSON.parse(names) as string[],
      ),
      enabled: clouds.enabled,
      readOnly: sql<boolean>`${clouds.options} ->> 'read_only' is true`.mapWith(Boolean),
      seenAt: clouds.seenAt,
      disabled: sql<boolean>`coalesce(${volumeServices.disabled}, 0)`.mapWith(Boolean).as('service_disabled'),
      disabledReason: volumeServices.disabledReason,
      frozen: sql<boolean>`coalesce(${volumeServices.frozen}, 0)`.mapWith(Boolean).as('service_frozen'),
      policy: (project ? policyBeside(project) : sql<Policy | null>`null`).as('policy'),
    })
    .from(zones)
    .innerJoin(clouds, eq(clouds.id, zones.cloudId))
    .leftJoin(volumeServices, and(eq(volumeServices.cloudId, zones.cloudId), eq(volumeServices.zone, zones.name)))
    .$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query.orderBy(clouds.position, clouds.name, zones.position, zones.name)
}

const zonesFor = prepared((db, { scope }: Slots<{ scope: Scope }>) => volumeZonesQuery(db, scope))

/** Zones of the clouds that the scope's project is mapped to, in the operator's order. */
export const volumeZones = (db: Database, scope: Scope): Promise<VolumeZone[]> => zonesFor.run(db, { scope })

const zonesSaid = prepared((db, { scope, project }: Slots<{ scope: Scope; project: string }>) =>
  volumeZonesQuery(db, scope, project),
)

/** The same, each with what administrators said of `project`. */
export const volumeZonesSaid = (db: Database, scope: Scope, project: string) => zonesSaid.run(db, { scope, project })
