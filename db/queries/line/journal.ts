import { and, eq, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { kindsThat } from '../../kinds.ts'
import { ready } from '../../prepared.ts'
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
