import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, ready, type Slots } from '../../prepared.ts'
import { IMPLIED } from './implied-roles.ts'

export interface TokenFacts {
  auditId: string
  userId: string
  userEpoch: number
  projectId: string
  projectEpoch: number
  /** What the user may do in the project, implied roles included, as the token says or as was left of it. */
  roles: string[]
  /** The application credential by which the token was got, and with which it goes; absent: another way. */
  credential?: { id: string }
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ')
/** As SQL, whether the granted role `r` is the role `t.value` or implies it. */
const GIVES = `(r.name = t.value or case r.name ${Object.entries(IMPLIED)
  .map(([name, others]) => `when '${name}' then t.value in (${quoted(others)})`)
  .join(' ')} end)`

type Facts = Omit<TokenFacts, 'auditId' | 'roles' | 'credential'> & {
  auditId: string
  claimed: string[]
  /** Empty: none. */
  credentialId: string
}
const factsOf = ({ auditId, userId, userEpoch, projectId, projectEpoch, roles, credential }: TokenFacts): Facts => ({
  auditId,
  userId,
  userEpoch,
  projectId,
  projectEpoch,
  claimed: roles,
  credentialId: credential?.id ?? '',
})

/** As SQL, a JSON list of the roles that are left of a token, if it stands; no row if it does not. */
const standing = (t: Slots<Facts>): SQL => sql`select (select json_group_array(t.value) from json_each(${t.claimed}) t
    where exists (select 1 from role_assignments a join roles r on r.id = a.role_id
      where a.user_id = ${t.userId} and a.project_id = ${t.projectId} and ${sql.raw(GIVES)})) as "left"
  from users where id = ${t.userId} and epoch = ${t.userEpoch} and enabled
    and not exists (select 1 from revoked_tokens where audit_id = ${t.auditId})
    and (${t.projectId} = '' or exists (select 1 from projects
      where id = ${t.projectId} and epoch = ${t.projectEpoch} and enabled))
    and (${t.credentialId} = '' or exists (select 1 from application_credentials where id = ${t.credentialId}))`

const left = sql<string>`"left"`
const looking = prepared((db, token: Slots<Facts>) => db.select({ left }).from(sql`(${standing(token)})`))

/** The statement of `rolesLeft`, for a batch, and what its rows mean. */
export const standingOf = (db: Database, token: TokenFacts) => looking.statement(db, factsOf(token))
export const leftOf = ([row]: { left: string | null }[], token: TokenFacts): string[] | null => {
  if (!row?.left) return null
  const roles = JSON.parse(row.left) as string[]
  return roles.length === 0 && token.roles.length > 0 ? null : roles
}

/**
 * What is left of a token's roles. Null: nothing, because it was revoked itself, by its user's epoch or by its project's,
 * because its application credential is gone, or because every role that it had in its project was taken. One query.
 */
export const rolesLeft = async (db: Database, token: TokenFacts): Promise<string[] | null> =>
  leftOf(await looking.run(db, factsOf(token)), token)

type ByCaller = { [K in keyof Facts as `caller.${K}`]: Facts[K] }
type Shown = Facts & ByCaller & { userDomainId: string; projectDomainId: string }

const callerOf = (asked: Slots<Shown>): Slots<Facts> => ({
  auditId: asked['caller.auditId'],
  userId: asked['caller.userId'],
  userEpoch: asked['caller.userEpoch'],
  projectId: asked['caller.projectId'],
  projectEpoch: asked['caller.projectEpoch'],
  claimed: asked['caller.claimed'],
  credentialId: asked['caller.credentialId'],
})

const showing = prepared((db, asked: Slots<Shown>) =>
  db
    .select({
      left,
      callers: sql<string | null>`(${standing(callerOf(asked))})`,
      userDomain: sql<string | null>`(select name from domains where id = ${asked.userDomainId})`,
      projectDomain: sql<string | null>`(select name from domains where id = ${asked.projectDomainId})`,
      roles: sql<string>`(select json_group_array(json_object('id', id, 'name', name) order by name) from roles
        where name in (select value from json_each("left")))`,
    })
    .from(sql`(select (${standing(asked)}) as "left")`),
)

/** A token with what it is shown with: names of its domains, and its roles by name. */
export interface ShownToken {
  /** Null: it does not stand. */
  left: string[] | null
  /** What is left of the roles of the token by which it is asked for; null: that one does not stand. */
  callers: string[] | null
  userDomain: string
  projectDomain: string
  roles: { id: string; name: string }[]
}

/** What is left of a token, and of the one of its reader, with what a view shows of it. One query. */
export const showToken = async (
  db: Database,
  token: TokenFacts & { userDomainId: string; projectDomainId: string },
  caller: TokenFacts,
): Promise<ShownToken> => {
  const reader = Object.fromEntries(Object.entries(factsOf(caller)).map(([name, value]) => [`caller.${name}`, value]))
  const { userDomainId, projectDomainId } = token
  const asked = { ...factsOf(token), ...(reader as unknown as ByCaller), userDomainId, projectDomainId }
  const [row] = await showing.run(db, asked)
  const { left: own, callers, userDomain, projectDomain, roles } = row!
  return {
    left: leftOf([{ left: own }], token),
    callers: leftOf([{ left: callers }], caller),
    userDomain: userDomain ?? userDomainId,
    projectDomain: projectDomain ?? projectDomainId,
    roles: JSON.parse(roles) as ShownToken['roles'],
  }
}

/** Undoes its batch unless the token stands, with every role by which the caller got here, and its application credential. */
export const tokenGuard = (t: TokenFacts) =>
  ready(
    `insert into guards (broken) select 'token' where exists (select 1 from revoked_tokens where audit_id = ?)
      or not exists (select 1 from users where id = ? and epoch = ? and enabled)
      or ? <> '' and not exists (select 1 from projects where id = ? and epoch = ? and enabled)
      or exists (select 1 from json_each(?) t where not exists
        (select 1 from role_assignments a join roles r on r.id = a.role_id
          where a.user_id = ? and a.project_id = ? and ${GIVES}))
      ${t.credential ? 'or not exists (select 1 from application_credentials where id = ?)' : ''}`,
    [
      ...[t.auditId, t.userId, t.userEpoch, t.projectId, t.projectId, t.projectEpoch],
      ...[JSON.stringify(t.roles), t.userId, t.projectId],
      ...(t.credential ? [t.credential.id] : []),
    ],
  )
