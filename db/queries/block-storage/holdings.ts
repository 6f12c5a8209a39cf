import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** What one project has in one zone of a cloud: how many, and GiB. */
export interface Holding {
  projectId: string
  volumes: number
  volumeGib: number
  snapshots: number
  snapshotGib: number
}

/** Volumes and their snapshots in a zone of a cloud, a row a project, in the order of their ids. */
export const holdingsIn = (db: Database, cloudId: string, zone: string) =>
  db.all<Holding>(sql`
    select v.project_id as projectId, count(*) as volumes, sum(v.size_gib) as volumeGib,
      sum((select count(*) from snapshots s where s.volume_id = v.id and s.deleted_at is null)) as snapshots,
      sum((select coalesce(sum(s.size_gib), 0) from snapshots s where s.volume_id = v.id and s.deleted_at is null)) as snapshotGib
    from volumes v where v.cloud_id = ${cloudId} and v.zone = ${zone} and v.deleted_at is null
    group by v.project_id order by v.project_id`)
