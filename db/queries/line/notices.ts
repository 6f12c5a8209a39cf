import { and, eq, gt, type SQL, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prepared, ready, type Slots } from '../../prepared.ts'
import { listeners, notices } from '../../schema/index.ts'

export type Notice = typeof notices.$inferSelect

export interface Told {
  projectId: string
  type: string
  kind: string
  resourceId: string
  at: number
  data: Record<string, Json>
}

/** Statement: one notice, if anybody listens. Of servers and differences triggers tell. */
export const insertNotice = ({ projectId, type, kind, resourceId, at, data }: Told) =>
  ready(
    `insert into notices (project_id, seq, id, type, kind, resource_id, at, data)
      select project_id, seq + 1, 'msg_' || lower(hex(randomblob(16))), ?, ?, ?, ?, ? from listeners
      where project_id = ? and (webhooks > 0 or until > ?)`,
    [type, kind, resourceId, at, JSON.stringify(data), projectId, at],
  )

const [place, newest] = [alias(notices, 'place'), alias(notices, 'newest')]

interface Behind {
  projectId: string
  seq: number
  limit: number
}

/**
 * Those that come behind one of a project's notices, `limit` at most, each with what is known of them all: their listeners, and the
 * ids of that one and of the newest. One row where nothing comes behind it, none where nobody ever listened.
 */
const behind = prepared((db, { projectId, seq, limit, most }: Slots<Behind & { most: number }>) =>
  db
    .select({
      // In a batch columns of one name would be one.
      seq: sql<number>`${listeners.seq}`.as('last'),
      until: listeners.until,
      id: sql<string | null>`${place.id}`.as('place'),
      newest: sql<string | null>`${newest.id}`.as('newest'),
      notice: notices,
    })
    .from(listeners)
    .leftJoin(place, and(eq(place.projectId, listeners.projectId), eq(place.seq, seq)))
    .leftJoin(newest, and(eq(newest.projectId, listeners.projectId), eq(newest.seq, listeners.seq)))
    .leftJoin(notices, and(eq(notices.projectId, listeners.projectId), gt(notices.seq, seq), sql`${limit} > 0`))
    .where(eq(listeners.projectId, projectId))
    .orderBy(notices.seq)
    .limit(most),
)
const slotsOf = (asked: Behind) => ({ ...asked, most: Math.max(1, asked.limit) })

export const noticesBehind = (db: Database, asked: Behind) => behind.run(db, slotsOf(asked))
/** The same as a statement. */
export const askNoticesBehind = (db: Database, asked: Behind) => behind.statement(db, slotsOf(asked))
export type Behinds = Awaited<ReturnType<typeof noticesBehind>>

/** True (as SQL): nobody has listened to a project at a time, so that what happened then was not told. */
const unheard = (now: number): SQL => sql`webhooks = 0 and until <= ${now}`

/** From now on, until then, notices of a project are written. Where nobody listened for a while its numbers skip one. */
export const listen = (db: Database, projectId: string, now: number, until: number) =>
  db.run(sql`insert into listeners (project_id, until) values (${projectId}, ${until})
    on conflict (project_id) do update set seq = seq + (${unheard(now)}), until = max(until, ${until})`)

/** Throws away what was told before a time, so many at a time; the newest of a project stays, so that a reader knows it again. */
export const sweepNotices = (db: Database, before: number, most: number) =>
  db.run(sql`delete from notices where rowid in (select n.rowid from notices n where n.at < ${before}
    and n.seq < coalesce((select seq from listeners l where l.project_id = n.project_id), n.seq + 1) limit ${most})`)
