import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, ready } from '../../prepared.ts'
import { users } from '../../schema/index.ts'

export interface TokenFacts {
  auditId: string
  userId: string
  userEpoch: number
  projectId: string
  projectEpoch: number
}

const owner = prepared((db) => {
  const { placeholder } = sql
  return db
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        eq(users.id, placeholder('userId')),
        eq(users.epoch, placeholder('userEpoch')),
        users.enabled,
        sql`not exists (select 1 from revoked_tokens where audit_id = ${placeholder('auditId')})`,
        sql`(${placeholder('projectId')} = '' or exists (select 1 from projects
          where id = ${placeholder('projectId')} and epoch = ${placeholder('projectEpoch')} and enabled))`,
      ),
    )
})

/** True while nothing has revoked the token: itself, its user's epoch, its project's epoch. One query. */
export const tokenStands = async (db: Database, token: TokenFacts): Promise<boolean> =>
  (await owner.run(db, { ...token })).length > 0

/** Undoes its batch unless the token stands. */
export const tokenGuard = (t: TokenFacts) =>
  ready(
    `insert into guards (broken) select 'token' where exists (select 1 from revoked_tokens where audit_id = ?)
      or not exists (select 1 from users where id = ? and epoch = ? and enabled)
      or ? <> '' and not exists (select 1 from projects where id = ? and epoch = ? and enabled)`,
    [t.auditId, t.userId, t.userEpoch, t.projectId, t.projectId, t.projectEpoch],
  )
