import { and, desc, eq, gte, lte, type Placeholder, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { kindsThat } from '../../kinds.ts'
import { prepared, ready, type Slots } from '../../prepared.ts'
import { journal } from '../../schema/index.ts'

const ofUsers = kindsThat(({ owner }) => owner === 'user')

/**
 * True (as SQL) of an entry that says that a resource was handed back. What is its user's outlives that, and a cloud gets
 * it anew.
 */
export const handedBack = sql`(action = 'release' and kind not in ${among(ofUsers)})`

export type Entry = Omit<typeof journal.$inferSelect, 'id'>

/** What a mutation leaves behind, in the same batch. */
export const insertEntry = (e: Entry) =>
  ready(
    'insert into journal (at, request_id, global_request_id, user_id, project_id, action, kind, resource_id, detail) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [
      e.at,
      e.requestId,
      e.globalRequestId,
      e.userId,
      e.projectId,
      e.action,
      e.kind,
      e.resourceId,
      JSON.stringify(e.detail),
    ],
  )

/** Whether a user left an entry of just these words. */
export const wasJournalled = async (
  db: Database,
  { userId, action, resourceId, detail }: Pick<Entry, 'userId' | 'action' | 'resourceId'> & { detail: Json },
): Promise<boolean> =>
  (
    await db
      .select({ id: journal.id })
      .from(journal)
      .where(
        and(
          eq(journal.resourceId, resourceId),
          eq(journal.action, action),
          sql`${journal.userId} is ${userId}`,
          eq(journal.detail, detail as never),
        ),
      )
      .limit(1)
  ).length > 0

export interface EntryFilter {
  /** Of what was done by tokens of a project. */
  projectId?: string | undefined
  userId?: string | undefined
  resourceId?: string | undefined
  /** Of the request, or of the operation that a client said it was a part of. */
  requestId?: string | undefined
  kind?: string | undefined
  action?: string | undefined
  /** Times in milliseconds since 1970, both included. */
  since?: number | undefined
  until?: number | undefined
  /** Entries that come behind this one. */
  before?: number | undefined
  limit: number
}

/** So many entries are looked at, from the newest or `before` on, for a kind or an action of which no index knows. */
const LOOKED_AT = 10_000

const entries = prepared((db, f: Slots<EntryFilter>) => {
  // A resource and a request have few entries: they are not looked for among all that a project or a user did.
  const few = f.resourceId !== undefined || f.requestId !== undefined
  const of = (column: SQLiteColumn, value: Placeholder) => (few ? sql`+${column} = ${value}` : eq(column, value))
  const found = and(
    f.resourceId && eq(journal.resourceId, f.resourceId),
    f.projectId && of(journal.projectId, f.projectId),
    f.userId && of(journal.userId, f.userId),
    f.requestId &&
      sql`${journal.id} in (select r.id from journal r where r.request_id = ${f.requestId}
        union select g.id from journal g where g.global_request_id = ${f.requestId})`,
    f.since && gte(journal.at, f.since),
    f.until && lte(journal.at, f.until),
    f.before && sql`(${journal.at}, ${journal.id}) < (select b.at, b.id from journal b where b.id = ${f.before})`,
  )
  const newest = [desc(journal.at), desc(journal.id)]
  if (!f.kind && !f.action)
    return db
      .select()
      .from(journal)
      .where(found)
      .orderBy(...newest)
      .limit(f.limit)
  const looked = db
    .select()
    .from(journal)
    .where(found)
    .orderBy(...newest)
    .limit(LOOKED_AT)
    .as('looked')
  return db
    .select()
    .from(looked)
    .where(and(f.kind && eq(looked.kind, f.kind), f.action && eq(looked.action, f.action)))
    .orderBy(desc(looked.at), desc(looked.id))
    .limit(f.limit)
})

const entry = prepared((db, { id }: Slots<{ id: number }>) =>
  db.select({ id: journal.id }).from(journal).where(eq(journal.id, id)),
)
/** Whether there is an entry. */
export const isEntry = async (db: Database, id: number): Promise<boolean> => (await entry.run(db, { id })).length > 0

/** Entries of the journal, newest first; by kind or action among the newest 10 000 of the others. */
export const listEntries = (db: Database, filter: EntryFilter) => entries.run(db, filter)
