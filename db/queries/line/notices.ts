import { and, eq, gt, type SQL, sql } from 'drizzle-orm'
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

const head = prepared((db, { projectId, seq }: Slots<{ projectId: string; seq: number }>) =>
  db
    .select({
      seq: listeners.seq,
      until: listeners.until,
      webhooks: listeners.webhooks,
      id: sql<string | null>`(select id from notices where project_id = ${projectId} and seq = ${seq})`,
      newest: sql<
        string | null
      >`(select n.id from notices n where n.project_id = ${projectId} and n.seq = listeners.seq)`,
    })
    .from(listeners)
    .where(eq(listeners.projectId, projectId)),
)

const following = prepared((db, { projectId, seq, limit }: Slots<{ projectId: string; seq: number; limit: number }>) =>
  db
    .select()
    .from(notices)
    .where(and(eq(notices.projectId, projectId), gt(notices.seq, seq)))
    .orderBy(notices.seq)
    .limit(limit),
)

/** Statements: what is known of a project's notices, with the ids of one of them and of the newest; and those that come behind it, `limit` at most. */
export const noticesBehind = (db: Database, projectId: string, seq: number, limit: number) =>
  [head.statement(db, { projectId, seq }), following.statement(db, { projectId, seq, limit })] as const

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
