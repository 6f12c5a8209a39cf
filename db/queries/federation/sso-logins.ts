import { eq } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { ssoLogins } from '../../schema/index.ts'

export type SsoLogin = typeof ssoLogins.$inferSelect

/** Statement: a browser was sent to a provider. */
export const beginSso = (db: Database, row: SsoLogin) => db.insert(ssoLogins).values(row)

/** What a browser was sent to a provider with, once; null: nothing, or it came back already. One statement. */
export const endSso = async (db: Database, id: string): Promise<SsoLogin | null> =>
  (await db.delete(ssoLogins).where(eq(ssoLogins.id, id)).returning())[0] ?? null
