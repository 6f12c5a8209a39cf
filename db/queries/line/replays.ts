import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'

/** Where some notices of a project begin or end: with one of them, or at a time in milliseconds since 1970. */
export type Bound = { id: string } | { at: number }

const numberOf = async (db: Database, question: ReturnType<typeof sql>): Promise<number | null> =>
  (await db.get<{ seq: number | null } | undefined>(question))?.seq ?? null

/*
 * Times of notices do not rise with their numbers: each is that of the change that it tells, which was begun before it was written.
 */

/** The number of the first notice from there on; null: it is not known any more, or nothing was told since. */
export const firstFrom = (db: Database, projectId: string, bound: Bound): Promise<number | null> =>
  'id' in bound
    ? numbered(db, projectId, bound.id)
    : numberOf(db, sql`select min(seq) as seq from notices where project_id = ${projectId} and at >= ${bound.at}`)

/** The number of the last notice up to there, or of the newest (`bound` null); null as with the first. */
export const lastTo = (db: Database, projectId: string, bound: Bound | null): Promise<number | null> => {
  if (!bound)
    return numberOf(db, sql`select seq from notices where project_id = ${projectId} order by seq desc limit 1`)
  return 'id' in bound
    ? numbered(db, projectId, bound.id)
    : numberOf(db, sql`select max(seq) as seq from notices where project_id = ${projectId} and at <= ${bound.at}`)
}

const numbered = (db: Database, projectId: string, id: string): Promise<number | null> =>
  numberOf(db, sql`select seq from notices where project_id = ${projectId} and id = ${id}`)

/** Numbers of a project's notices, both ends among them, and what of these is meant. */
export interface Range {
  webhookId: string
  projectId: string
  first: number
  last: number
  /** Empty: all. */
  types: string[]
}

/** True (as SQL) of what of them a webhook is to be sent. */
const meant = ({ webhookId, projectId, first, last, types }: Range) =>
  sql`n.project_id = ${projectId} and n.seq between ${first} and ${last} ${types.length ? sql`and n.type in ${among(types)}` : sql``}
    and (n.type <> 'webhook.test' or n.resource_id = ${webhookId})`

/** Their numbers in order, `most` at most. */
export const numbersOf = async (db: Database, range: Range, most: number): Promise<number[]> =>
  (
    await db.all<{ seq: number }>(sql`select n.seq from notices n where ${meant(range)} order by n.seq limit ${most}`)
  ).map(({ seq }) => seq)

/** The id of the notice that comes behind a number, up to another; null: there is none. */
export const idBehind = async (db: Database, projectId: string, seq: number, last: number): Promise<string | null> =>
  (
    await db.get<{ id: string } | undefined>(
      sql`select id from notices where project_id = ${projectId} and seq > ${seq} and seq <= ${last} order by seq limit 1`,
    )
  )?.id ?? null

/** True (as SQL) of a delivery before which another of its resource has to arrive. */
const waits = sql`exists (select 1 from deliveries d where d.webhook_id = deliveries.webhook_id and d.resource_id = deliveries.resource_id
  and d.status = 'pending' and d.seq < deliveries.seq)`

/**
 * Statements: they are sent, as if they had never been; what is on its way stays so. Of one resource the first that has not arrived
 * is due and no other, with what was on its way before and what came since. @param most as many as they are
 */
export const sendRange = (db: Database, range: Range, most: number, now: number) => {
  const { webhookId, first, last } = range
  return [
    db.run(sql`insert into deliveries (webhook_id, seq, notice_id, type, resource_id, status, created_at)
      select ${webhookId}, n.seq, n.id, n.type, n.resource_id, 'pending', ${now} from notices n where ${meant(range)} order by n.seq limit ${most}
      on conflict (webhook_id, seq) do update set status = 'pending', tries = 0, due_at = null, error = null, created_at = ${now}
        where deliveries.status <> 'pending'`),
    db.run(
      sql`update deliveries set due_at = null where webhook_id = ${webhookId} and due_at is not null and ${waits}`,
    ),
    db.run(sql`update deliveries set due_at = ${now} where webhook_id = ${webhookId} and seq between ${first} and ${last}
      and due_at is null and status = 'pending' and not ${waits}`),
    db.run(sql`update webhooks set due_at = ${now} where id = ${webhookId} and (due_at is null or due_at > ${now})`),
  ]
}
