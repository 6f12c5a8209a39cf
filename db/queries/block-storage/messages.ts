import { and, eq, type Placeholder, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { volumeMessages } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { pagesOf, type Slice } from '../listing.ts'

export type MessageRow = typeof volumeMessages.$inferSelect

/** Columns by which lists may be sorted, in Cinder's words. */
export const MESSAGE_SORT = {
  id: volumeMessages.id,
  event_id: volumeMessages.eventId,
  resource_uuid: volumeMessages.resourceId,
  resource_type: volumeMessages.resourceType,
  message_level: volumeMessages.level,
  request_id: volumeMessages.requestId,
  guaranteed_until: volumeMessages.expiresAt,
  created_at: volumeMessages.createdAt,
} as const

export interface MessageFilter {
  resourceId?: string | undefined
  resourceType?: string | undefined
  eventId?: string | undefined
  requestId?: string | undefined
  level?: string | undefined
}

const visible = (scope: Scope<string | Placeholder>) => within(volumeMessages.projectId, scope)

const conditions = (f: Slots<MessageFilter & { scope: Scope }>) => [
  visible(f.scope),
  f.resourceId && eq(volumeMessages.resourceId, f.resourceId),
  f.resourceType && eq(volumeMessages.resourceType, f.resourceType),
  f.eventId && eq(volumeMessages.eventId, f.eventId),
  f.requestId && eq(volumeMessages.requestId, f.requestId),
  f.level && eq(volumeMessages.level, f.level),
]

const pages = pagesOf(volumeMessages, MESSAGE_SORT, visible, conditions, (db, page) =>
  db
    .select()
    .from(volumeMessages)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page; null: the marker is no message that the scope may see. */
export const listMessages = (db: Database, scope: Scope, filter: MessageFilter, slice: Slice) =>
  pages(db, scope, filter, slice)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(volumeMessages)
    .where(and(eq(volumeMessages.id, id), visible(scope))),
)

/** A message of the scope; null: there is none. */
export const messageById = async (db: Database, scope: Scope, id: string): Promise<MessageRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Statement: a message for users of a project. */
export const insertMessage = (db: Database, row: typeof volumeMessages.$inferInsert) =>
  db.insert(volumeMessages).values(row)

/** Statement: nobody wants to read it any more. */
export const deleteMessage = (db: Database, id: string) => db.delete(volumeMessages).where(eq(volumeMessages.id, id))

/** Throws away messages that expired, so many at most. */
export const sweepMessages = (db: Database, now: number, most: number) =>
  db.run(sql`delete from ${volumeMessages} where id in
    (select id from ${volumeMessages} where expires_at < ${now} limit ${most})`)
