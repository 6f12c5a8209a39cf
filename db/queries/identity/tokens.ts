import { and, asc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, ready } from '../../prepared.ts'
import { domains, roles, users } from '../../schema/index.ts'
import { IMPLIED } from './implied-roles.ts'

export interface TokenFacts {
  auditId: string
  userId: string
  userEpoch: number
  projectId: string
  projectEpoch: number
  /** What the user may do in the project, implied roles included, as the token says or as was left of it. */
  roles: string[]
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ')
/** As SQL, whether the granted role `r` is the role `t.value` or implies it. */
const GIVES = `(r.name = t.value or case r.name ${Object.entries(IMPLIED)
  .map(([name, others]) => `when '${name}' then t.value in (${quoted(others)})`)
  .join(' ')} end)`

const standing = prepared((db) => {
  const { placeholder } = sql
  const left = sql<string>`(select json_group_array(t.value) from json_each(${placeholder('claimed')}) t where exists
    (select 1 from role_assignments a join roles r on r.id = a.role_id
      where a.user_id = ${placeholder('userId')} and a.project_id = ${placeholder('projectId')} and ${sql.raw(GIVES)}))`
  return db
    .select({ left })
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

/** The statement of `rolesLeft`, for a batch, and what its rows mean. */
export const standingOf = (db: Database, token: TokenFacts) =>
  standing.statement(db, { ...token, claimed: JSON.stringify(token.roles) })
export const leftOf = ([row]: { left: string }[], token: TokenFacts): string[] | null => {
  if (!row) return null
  const left = JSON.parse(row.left) as string[]
  return left.length === 0 && token.roles.length > 0 ? null : left
}

/**
 * What is left of a token's roles. Null: nothing, because it was revoked itself, by its user's epoch or by its project's,
 * or because every role that it had in its project was taken. One query.
 */
export const rolesLeft = async (db: Database, token: TokenFacts): Promise<string[] | null> =>
  leftOf(await standing.run(db, { ...token, claimed: JSON.stringify(token.roles) }), token)

/** What a token is shown with, in one round trip: its domains, and its roles by name. */
export const shownWith = async (db: Database, domainIds: string[], roleNames: string[]) => {
  const [domainRows, roleRows] = await db.batch([
    db.select({ id: domains.id, name: domains.name }).from(domains).where(anyOf(domains.id, domainIds)),
    db
      .select({ id: roles.id, name: roles.name })
      .from(roles)
      .where(anyOf(roles.name, roleNames))
      .orderBy(asc(roles.name)),
  ])
  return { domains: domainRows, roles: roleRows }
}

/** Undoes its batch unless the token stands, with every role by which the caller got here. */
export const tokenGuard = (t: TokenFacts) =>
  ready(
    `insert into guards (broken) select 'token' where exists (select 1 from revoked_tokens where audit_id = ?)
      or not exists (select 1 from users where id = ? and epoch = ? and enabled)
      or ? <> '' and not exists (select 1 from projects where id = ? and epoch = ? and enabled)
      or exists (select 1 from json_each(?) t where not exists
        (select 1 from role_assignments a join roles r on r.id = a.role_id
          where a.user_id = ? and a.project_id = ? and ${GIVES}))`,
    [
      ...[t.auditId, t.userId, t.userEpoch, t.projectId, t.projectId, t.projectEpoch],
      ...[JSON.stringify(t.roles), t.userId, t.projectId],
    ],
  )
