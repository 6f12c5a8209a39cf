import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, ready, type Slots } from '../../prepared.ts'
import { groupMembers } from '../../schema/index.ts'
import { HELD_NAMES, heldBy, heldIn, SYSTEM } from './held.ts'

export interface TokenFacts {
  auditId: string
  userId: string
  userEpoch: number
  /** Empty: the token is for none. */
  projectId: string
  projectEpoch: number
  /** What it is for in place of a project. */
  domain?: { id: string; epoch: number }
  system?: true
  /** What the user may do there, implied roles included, as the token says or as was left of it. */
  roles: string[]
  /** The application credential by which the token was got, and with which it goes; absent: another way. */
  credential?: { id: string }
  /** The trust by which it was got, and with which it goes; its roles are the trustor's. Absent: another way. */
  trust?: { id: string; trustorId: string; trusteeId: string; otherEpoch: number }
  /** What a user gave a program, with which the token goes; absent: another way. */
  oauth?: { id: string }
  /** Who said who the user is, without whom the token is worth nothing; absent: nobody but this broker. */
  federation?: { idpId: string }
}

/** What a token is for: a project, a domain, the system, or nothing. */
const targetOf = ({ projectId, domain, system }: Pick<TokenFacts, 'projectId' | 'domain' | 'system'>): string =>
  system ? SYSTEM : (domain?.id ?? projectId)

type Facts = Pick<TokenFacts, 'auditId' | 'userId' | 'userEpoch'> & {
  targetId: string
  targetEpoch: number
  claimed: string[]
  /** Empty: none. */
  credentialId: string
  /** Whose roles they are. */
  holderId: string
  /** Empty: none. */
  trustId: string
  /** The other one of the two whom the trust is between, at this epoch. */
  otherId: string
  otherEpoch: number
  /** Empty: none. */
  accessId: string
  idpId: string
}
const otherOf = ({ userId, trust }: TokenFacts): string =>
  trust ? (userId === trust.trustorId ? trust.trusteeId : trust.trustorId) : ''

const factsOf = (token: TokenFacts): Facts => ({
  auditId: token.auditId,
  userId: token.userId,
  userEpoch: token.userEpoch,
  targetId: targetOf(token),
  targetEpoch: token.domain?.epoch ?? token.projectEpoch,
  claimed: token.roles,
  credentialId: token.credential?.id ?? '',
  holderId: token.trust?.trustorId ?? token.userId,
  trustId: token.trust?.id ?? '',
  otherId: otherOf(token),
  otherEpoch: token.trust?.otherEpoch ?? 0,
  accessId: token.oauth?.id ?? '',
  idpId: token.federation?.idpId ?? '',
})

/** As SQL, a JSON list of the roles that are left of a token, if it stands; no row if it does not. */
const standing = (t: Slots<Facts>): SQL => sql`select (with ${heldIn(t.holderId, t.targetId)}
    select json_group_array(t.value order by t.key) from json_each(${t.claimed}) t
      where t.value in (${sql.raw(HELD_NAMES)})) as "left"
  from users where id = ${t.userId} and epoch = ${t.userEpoch} and enabled
    and not exists (select 1 from revoked_tokens where audit_id = ${t.auditId})
    and (${t.targetId} in ('', ${sql.raw(`'${SYSTEM}'`)})
      or exists (select 1 from projects where id = ${t.targetId} and epoch = ${t.targetEpoch} and enabled)
      or exists (select 1 from domains where id = ${t.targetId} and epoch = ${t.targetEpoch} and enabled))
    and (${t.credentialId} = '' or exists (select 1 from application_credentials where id = ${t.credentialId}))
    and (${t.trustId} = '' or exists (select 1 from trusts r join users o on o.id = ${t.otherId}
      where r.id = ${t.trustId} and o.epoch = ${t.otherEpoch} and o.enabled))
    and (${t.accessId} = '' or exists (select 1 from access_tokens where id = ${t.accessId}))
    and (${t.idpId} = '' or exists (select 1 from identity_providers where id = ${t.idpId} and enabled))`

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
 * What is left of a token's roles. Null: nothing, because it was revoked itself, by its user's epoch or by that of its project or domain,
 * because its application credential or its trust is gone, or because every role that it had where it is for was taken. One query.
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
        from json_each(${asked.claimed}) t join roles r on r.name = t.value and r.domain_id = '')`,
      passwordExpiresAt: sql<number | null>`(select password_expires_at from users where id = ${asked.userId})`,
      groups: sql<string>`(select json_group_array(m.group_id order by m.group_id) from group_members m
        where m.user_id = ${asked.userId} and ${asked.idpId} <> '' and m.idp_id = ${asked.idpId})`,
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
  /** When the password of its user ends; milliseconds since 1970; null: it does not. */
  passwordExpiresAt: number | null
  /** Ids of the groups of which the identity provider said that its user is in them. */
  groups: string[]
}

const said = prepared((db, { userId, idpId }: Slots<{ userId: string; idpId: string }>) =>
  db
    .select({ id: groupMembers.groupId })
    .from(groupMembers)
    .where(and(eq(groupMembers.userId, userId), eq(groupMembers.idpId, idpId)))
    .orderBy(asc(groupMembers.groupId)),
)
/** Ids of the groups of which an identity provider said that a user is in them. */
export const groupsSaidOf = async (db: Database, userId: string, idpId: string): Promise<string[]> =>
  (await said.run(db, { userId, idpId })).map(({ id }) => id)

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
    passwordExpiresAt: row!.passwordExpiresAt,
    groups: JSON.parse(row!.groups),
    roles: roles.filter(({ name }) => left?.includes(name)).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** Undoes its batch unless the token stands, with every role by which the caller got here, and its application credential or trust. */
export const tokenGuard = (t: TokenFacts) => {
  const facts = factsOf(t)
  const { auditId, userId, userEpoch, targetId, targetEpoch, credentialId, holderId, trustId, otherId, otherEpoch } =
    facts
  const claimed = JSON.stringify(facts.claimed)
  const values = [
    auditId,
    userId,
    userEpoch,
    targetId,
    targetEpoch,
    claimed,
    credentialId,
    holderId,
    trustId,
    otherId,
    otherEpoch,
    facts.accessId,
    facts.idpId,
  ]
  return ready(GUARD, values)
}
const GUARD = `insert into guards (broken) select 'token' where exists (select 1 from revoked_tokens where audit_id = ?1)
  or not exists (select 1 from users where id = ?2 and epoch = ?3 and enabled)
  or ?4 not in ('', '${SYSTEM}') and not exists (select 1 from projects where id = ?4 and epoch = ?5 and enabled)
    and not exists (select 1 from domains where id = ?4 and epoch = ?5 and enabled)
  or exists (select 1 from json_each(?6) t where t.value not in (with ${heldBy('?8', '?4')} ${HELD_NAMES}))
  or ?7 <> '' and not exists (select 1 from application_credentials where id = ?7)
  or ?9 <> '' and not exists (select 1 from trusts r join users o on o.id = ?10
    where r.id = ?9 and o.epoch = ?11 and o.enabled)
  or ?12 <> '' and not exists (select 1 from access_tokens where id = ?12)
  or ?13 <> '' and not exists (select 1 from identity_providers where id = ?13 and enabled)`
