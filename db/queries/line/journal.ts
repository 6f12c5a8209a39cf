import { and, eq } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { ready } from '../../prepared.ts'
import { journal } from '../../schema/index.ts'

export type Entry = Omit<typeof journal.$inferSelect, 'id'>

/** What a mutation leaves behind, in the same batch. */
export const insertEntry = (e: Entry) =>
  ready(
    'insert into journal (at, request_id, user_id, project_id, action, kind, resource_id, detail) values (?, ?, ?, ?, ?, ?, ?, ?)',
    [e.at, e.requestId, e.userId, e.projectId, e.action, e.kind, e.resourceId, JSON.stringify(e.detail)],
  )

/** Whether there is an entry of just these words. */
export const wasJournalled = async (db: Database, action: string, resourceId: string, detail: Json): Promise<boolean> =>
  (
    await db
      .select({ id: journal.id })
      .from(journal)
      .where(and(eq(journal.resourceId, resourceId), eq(journal.action, action), eq(journal.detail, detail as never)))
      .limit(1)
  ).length > 0
