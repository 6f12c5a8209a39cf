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

/** The same facts under other names, so that a query has those of two tokens. */
const BY_READER = Object.keys(factsOf({} as TokenFacts)) as (keyof Facts)[]
type ByReader = { [K in keyof Facts as `reader.${K}`]: Facts[K] }
const byReader = (reader: TokenFacts): ByReader => {
  const facts = factsOf(reader)
  return Object.fromEntries(BY_READER.map((name) => [`reader.${name}`, facts[name]])) as unknown as ByReader
}
const readerOf = (asked: Slots<Partial<ByReader>>): Slots<Facts> =>
  Object.fromEntries(BY_READER.map((name) => [name, asked[`reader.${name}`]])) as Slots<Facts>

interface Domains {
  userDomainId: string
  projectDomainId: string
}

const showing = prepared((db, asked: Slots<Facts & Domains & Partial<ByReader>>) =>
  db
    .select({
      left: sql<string | null>`(${standing(asked)})`,
      readers: asked['reader.userId'] ? sql<string | null>`(${standing(readerOf(asked))})` : sql<null>`null`,
      userDomain: sql<string | null>`(select name from domains where id = ${asked.userDomainId})`,
      projectDomain: sql<string | null>`(select name from domains where id = ${asked.projectDomainId})`,
      roles: sql<string>`(select json_group_array(json_object('id', r.id, 'name', r.name))
        from json_each(${asked.claimed}) t join roles r on r.name = t.value)`,
    })
    .from(sql`(select 1)`),
)

/** A token with what it is shown with: names of its domains, and its roles by name. */
export interface ShownToken {
  /** Null: it does not stand. */
  left: string[] | null
  /** What is left of the roles of the token by which it is asked for; null: that one does not stand. */
  readers: string[] | null
  userDomain: string
  projectDomain: string
  roles: { id: string; name: string }[]
}

/** What is left of a token, and of the one of its reader, with what a view shows of it. One query. */
export const showToken = async (db: Database, token: TokenFacts & Domains, reader: TokenFacts): Promise<ShownToken> => {
  const { userDomainId, projectDomainId } = token
  const others = reader.auditId === token.auditId ? undefined : byReader(reader)
  const [row] = await showing.run(db, { ...factsOf(token), userDomainId, projectDomainId, ...others })
  const left = leftOf([row!], token)
  const roles = JSON.parse(row!.roles) as ShownToken['roles']
  return {
    left,
    readers: others ? leftOf([{ left: row!.readers }], reader) : left,
    userDomain: row!.userDomain ?? userDomainId,
    projectDomain: row!.projectDomain ?? projectDomainId,
    roles: roles.filter(({ name }) => left?.includes(name)).sort((a, b) => (a.name < b.name ? -1 : 1)),
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
