import { sql } from 'drizzle-orm'
import type { Database } from '../client.ts'

export interface TokenFacts {
  auditId: string
  userId: string
  userEpoch: number
  projectId: string
  projectEpoch: number
}

/** True while nothing has revoked the token: itself, its user's epoch, its project's epoch. One query. */
export const tokenStands = async (db: Database, t: TokenFacts): Promise<boolean> => {
  const row = await db.get<{ stands: number }>(sql`select ${standing(t)} as stands`)
  return row.stands === 1
}

/** The same as a condition, for a guard inside a batch of writes. */
export const standing = (t: TokenFacts) => sql`(
  not exists (select 1 from revoked_tokens where audit_id = ${t.auditId})
  and exists (select 1 from users where id = ${t.userId} and epoch = ${t.userEpoch} and enabled)
  and (${t.projectId} = '' or exists (select 1 from projects where id = ${t.projectId} and epoch = ${t.projectEpoch} and enabled)))`
