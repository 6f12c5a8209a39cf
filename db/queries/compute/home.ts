import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** A zone of a cloud, and what of the project is there. */
export interface Home {
  cloudId: string
  zone: string
  of: 'server' | 'volume' | 'network'
}

/**
 * Where the newest server of a project is, or if it has none its newest volume, or else the newest of its subnets that
 * lies in a zone: where the next one goes unless another is named, so that they can be joined. A row or none; three looks at
 * an index, however much there is.
 */
export const homeOf = (db: Database, projectId: string) => {
  const newest = (of: 'server' | 'volume') => sql`select * from (
    select ${of} as of, cloud_id as cloudId, zone from ${sql.raw(`${of}s`)}
    where project_id = ${projectId} and deleted_at is null and cloud_id is not null and zone is not null
    order by created_at desc limit 1)`
  // A server of it is tied to its zone. What a cloud has as a whole ties nobody to one.
  const network = sql`select * from (
    select 'network' as of, network.cloud_id as cloudId, subnet.zone from subnets subnet
    join networks network on network.id = subnet.network_id
    where subnet.project_id = ${projectId} and subnet.zone is not null and network.cloud_id is not null
    order by subnet.created_at desc limit 1)`
  return db.all<Home>(sql`${newest('server')} union all ${newest('volume')} union all ${network} limit 1`)
}
