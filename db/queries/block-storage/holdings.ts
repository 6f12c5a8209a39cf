import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, zones } from '../../schema/index.ts'

/** What one project has in one zone of a cloud: how many, and GiB. */
export interface Holding {
  projectId: string
  volumes: number
  volumeGib: number
  snapshots: number
  snapshotGib: number
}

const held =
  sql`(select json_group_array(json_object('projectId', h.project_id, 'volumes', h.volumes, 'volumeGib', h.gib,
    'snapshots', h.snapshots, 'snapshotGib', h.snapshot_gib) order by h.project_id)
  from (select project_id, sum(volume) as volumes, sum(gib) as gib, sum(snapshot) as snapshots, sum(snapshot_gib) as snapshot_gib
    from (select project_id, 1 as volume, size_gib as gib, 0 as snapshot, 0 as snapshot_gib from volumes
        where cloud_id = zones.cloud_id and zone = zones.name and deleted_at is null
      union all
      select v.project_id, 0, 0, 1, s.size_gib from volumes v join snapshots s on s.volume_id = v.id and s.deleted_at is null and s.backup is null
        where v.cloud_id = zones.cloud_id and v.zone = zones.name and v.deleted_at is null)
    group by project_id) h)`.mapWith((text: string): Holding[] => JSON.parse(text))

const inZone = prepared((db, { host }: Slots<{ host: string }>) =>
  db
    .select({ cloud: clouds.name, zone: zones.name, type: clouds.type, holdings: held })
    .from(zones)
    .innerJoin(clouds, and(eq(clouds.id, zones.cloudId), eq(clouds.enabled, sql`true`)))
    .where(sql`${clouds.name} || '@' || ${zones.name} = ${host}`),
)

/**
 * Volumes and their snapshots in a zone of a cloud, called `<cloud>@<zone>`: a holding for each project, in the order of their
 * ids; null: it is no zone of a cloud in use.
 */
export const holdingsIn = async (db: Database, host: string) => (await inZone.run(db, { host }))[0] ?? null
