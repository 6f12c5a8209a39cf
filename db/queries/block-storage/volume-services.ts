import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, mappings, volumeServices } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import type { VolumeZone } from './volume-zones.ts'

type VolumeServiceRow = typeof volumeServices.$inferSelect
/** What is said with one word; what is left out stays as it was. */
export type ServiceSaid = Partial<Pick<VolumeServiceRow, 'disabled' | 'disabledReason' | 'frozen'>>

/** Statement: what is said of a zone from now on, beside what was said of it before. */
export const sayVolumeService = (
  db: Database,
  { cloudId, zone, changedAt }: Pick<VolumeServiceRow, 'cloudId' | 'zone' | 'changedAt'>,
  said: ServiceSaid,
) =>
  db
    .insert(volumeServices)
    .values({ cloudId, zone, changedAt, ...said })
    .onConflictDoUpdate({ target: [volumeServices.cloudId, volumeServices.zone], set: { ...said, changedAt } })

const saidOf = prepared((db, { scope }: Slots<{ scope: Scope }>) => {
  const query = db
    .select({
      cloudId: clouds.id,
      cloud: clouds.name,
      type: clouds.type,
      zone: volumeServices.zone,
      seenAt: clouds.seenAt,
      disabled: volumeServices.disabled,
      disabledReason: volumeServices.disabledReason,
      frozen: volumeServices.frozen,
    })
    .from(volumeServices)
    .innerJoin(clouds, eq(clouds.id, volumeServices.cloudId))
    .$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query
    .where(sql`(${volumeServices.disabled} or ${volumeServices.frozen})`)
    .orderBy(clouds.name, volumeServices.zone)
})

/** Zones of the scope's clouds that are disabled or frozen, each as one that is down: whether its cloud is in use, or has it still, is not asked. */
export const zonesClosed = async (db: Database, scope: Scope): Promise<VolumeZone[]> =>
  (await saidOf.run(db, { scope })).map((row) => ({
    ...row,
    ...{ available: false, load: null, volumeTypes: [], enabled: false, readOnly: false },
  }))

type Place = Pick<VolumeServiceRow, 'cloudId' | 'zone'>
const saidOfZone = ({ cloudId, zone }: Place, condition: SQL) =>
  sql`exists (select 1 from volume_services where cloud_id = ${cloudId} and zone = ${zone} and ${condition})`

/** True (as SQL) while no volumes are made in a zone: it is disabled or frozen. */
export const zoneClosed = (place: Place) => saidOfZone(place, sql`(disabled or frozen)`)

/** True (as SQL) when a zone is frozen and was not when it was seen, or the other way round. */
export const frozenNotAsSeen = (place: Place & Pick<VolumeServiceRow, 'frozen'>) => {
  const frozen = saidOfZone(place, sql`frozen`)
  return place.frozen ? sql`not ${frozen}` : frozen
}

const frozen = (condition: SQL) => sql`exists (select 1 from volumes v
  join volume_services service on service.cloud_id = v.cloud_id and service.zone = v.zone where ${condition} and service.frozen)`

/** True (as SQL) while a volume is in a zone that is frozen. */
export const volumeFrozen = (volumeId: string) => frozen(sql`v.id = ${volumeId}`)

/** True (as SQL) while the volume of a snapshot is in a zone that is frozen. */
export const snapshotFrozen = (snapshotId: string) =>
  frozen(sql`v.id = (select volume_id from snapshots where id = ${snapshotId})`)
