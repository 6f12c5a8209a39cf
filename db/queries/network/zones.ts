import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** Zones of the clouds that a project is mapped to, whoever asks. */
export const zonesOfProject = (db: Database, projectId: string) =>
  db.all<{ cloudId: string; cloudName: string; type: string; zone: string }>(sql`
    select c.id as cloudId, c.name as cloudName, c.type, z.name as zone
    from mappings m join clouds c on c.id = m.cloud_id and c.enabled join zones z on z.cloud_id = c.id
    where m.project_id = ${projectId} order by c.position, c.name, z.position, z.name`)
