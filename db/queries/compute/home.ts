import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** A zone of a cloud, and what of the project is there. */
export interface Home {
  cloudId: string
  zone: string
  of: 'server' | 'volume'
}

/**
 * Where the newest server of a project is, or if it has none its newest volume: the zone that the next one goes to unless
 * another is named, so that the two can be joined. A row or none; two looks at an index, however much there is.
 */
export const homeOf = (db: Database, projectId: string) => {
  const newest = (of: Home['of']) => sql`select * from (
    select ${of} as of, cloud_id as cloudId, zone from ${sql.raw(`${of}s`)}
    where project_id = ${projectId} and deleted_at is null and cloud_id is not null and zone is not null
    order by created_at desc limit 1)`
  return db.all<Home>(sql`${newest('server')} union all ${newest('volume')} limit 1`)
}
