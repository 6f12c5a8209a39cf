import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** What is in a server, or stands on it, besides what it is made of. */
export interface MovingParts {
  /** Volumes in it, one that it boots from among them. */
  volumes: number
  /** Ports that were plugged in after it was made. */
  plugged: number
  /** Servers that go on from it. */
  forks: number
  /** It was placed here, and not adopted: all that it was made with is known. */
  placed: boolean
}

/** What of a server would stay behind if it were made anew. One query. */
export const movingParts = async (db: Database, serverId: string): Promise<MovingParts> => {
  const [row] = await db.all<Omit<MovingParts, 'placed'> & { placed: number }>(sql`select
    (select count(*) from attachments where server_id = ${serverId}) as volumes,
    (select count(*) from interfaces where server_id = ${serverId}) as plugged,
    (select count(*) from servers where parent_id = ${serverId} and deleted_at is null) as forks,
    exists (select 1 from server_placements where server_id = ${serverId}) as placed`)
  return { ...row!, placed: row!.placed !== 0 }
}
