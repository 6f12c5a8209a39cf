import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { worded } from '../../worded.ts'
import { heldBy, SYSTEM } from './held.ts'
import {
  CREDENTIAL,
  type CredentialNaming,
  credentialFrom,
  type LoginCredential,
  loginCredential,
  namedCredential,
  ofCredential,
} from './login-credentials.ts'
import { counting, forgivingIf, keptOut, lockedOut } from './login-failures.ts'
import { administrates, type Naming, named, PROJECT, USER } from './naming.ts'
import { leftOf, standingOf, type TokenFacts } from './tokens.ts'

/** What a token is asked for; `own`: the project of the user, if there is one; null: nothing. */
export type Wanted = { project: Naming } | { domain: { id?: string; name?: string } } | 'system' | 'own' | null

/** A user, as far as a login has to know. */
export interface Person {
  id: string
  name: string
  domainId: string
  domainName: string
  domainEnabled: boolean
  enabled: boolean
  epoch: number
  passwordHash: string | null
  /** From then on the password lets nobody in, unless the user's options say so; null: it does not end. */
  passwordExpiresAt: number | null
  /** Keystone's resource options. */
  options: Record<string, Json>
  administrator: boolean
}

/** What lets a user in, with the roles there, implied ones included, by name. The system has no names. */
export interface Entry {
  kind: 'project' | 'domain' | 'system'
  place: { id: string; name: string; domainId: string; domainName: string; epoch: number }
  roles: { id: string; name: string }[]
}

/** For whom, and for which password of theirs, something was found to be right. */
export interface Known {
  userId: string
  passwordHash: string
  epoch: number
}

export interface Attempt {
  user: Naming
  wanted: Wanted
  source: string
  now: number
  /** What the given password is known to be right for; null: nothing. */
  known: Known | null
  /** Whether that counts for an administrator. */
  ofAdministrators: boolean
}

export interface Found {
  /** Null: there is no such user. */
  user: Person | null
  /** Null: nothing was asked for, or it does not let this user in. */
  entry: Entry | null
}

const LOCKED = keptOut(USER)

/** As SQL, whether what is known is still so, and nothing keeps its user out. */
const KNOWN = `exists (select 1 from users u join domains d on d.id = u.domain_id where u.id = :known.userId and u.id = ${USER}
  and u.password_hash = :known.passwordHash and u.epoch = :known.epoch and u.enabled and d.enabled
  and (u.password_expires_at is null or u.password_expires_at > :now or u.options ->> 'ignore_password_expiry' = 1)
  and (:ofAdministrators or not ${administrates('u.id')}) and not ${LOCKED})`

/** As SQL, a user, without an id if there is no such one. */
export const who = (
  user: string,
  more = '',
) => `select u.id, u.name, u.domain_id as domainId, d.name as domainName, d.enabled as domainEnabled,
    u.enabled, u.epoch, u.password_hash as passwordHash, u.password_expires_at as passwordExpiresAt, u.options, ${administrates('u.id')} as administrator${more}
  from (select ${user} as id) n left join users u on u.id = n.id left join domains d on d.id = u.domain_id`
/** What is asked for: `:kind` says among what it is looked up, so that no name of one is that of another. */
const into = (user: string, target: string) => `with ${heldBy(user, target)}
  select :kind as kind, t.*, (select json_group_array(json_object('id', r.id, 'name', r.name) order by r.name)
    from held h join roles r on r.id = h.id where r.domain_id = '') as roles
  from (select p.id, p.name, p.domain_id as domainId, d.name as domainName, p.epoch
      from projects p join domains d on d.id = p.domain_id
      where :kind = 'project' and p.id = ${target} and p.enabled and d.enabled
    union all select d.id, d.name, d.id, d.name, d.epoch from domains d
      where :kind = 'domain' and d.id = ${target} and d.enabled
    union all select '${SYSTEM}', '', '', '', 0 where :kind = 'system') t`

/** The id of what is asked for. */
const TARGET = `case :kind when 'system' then '${SYSTEM}'
  when 'domain' then coalesce(:domain.id, (select id from domains where name = :domain.name)) else ${PROJECT} end`

type Flags<T> = { [K in keyof T]: T[K] extends boolean ? number : T[K] }
/** Always one; without an id there is no such user. */
type UserRow = Flags<Omit<Person, 'id' | 'options'>> & { id: string | null; options: string | null }
type Trying = UserRow & { locked: number; known: number }
type EntryRow = Entry['place'] & { kind: Entry['kind']; roles: string }

const theUser = worded(who(USER))
export const theEntry = worded(into(USER, TARGET))
const tried = {
  user: worded(who(USER, `, ${LOCKED} as locked, ${KNOWN} as known`)),
  entry: theEntry,
  // In this order: what is forgiven was wrong before.
  writes: [forgivingIf(USER, KNOWN), ...counting(USER, KNOWN)],
}
const triedCredential = {
  credential: loginCredential,
  user: worded(who(ofCredential('user_id'), `, ${lockedOut(CREDENTIAL)} as locked, 0 as known`)),
  entry: worded(into(ofCredential('user_id'), ofCredential('project_id'))),
  writes: counting(CREDENTIAL),
}

/**
 * A look at a user who would log in, and at what is asked for; in the same batch the attempt is counted as
 * one that fails. Not so if the password is known to be right: then it is none, and its source is forgiven. `locked`:
 * the attempt counts for nothing, however right it is. One round trip.
 */
export const tryLogin = async (
  db: Database,
  { user, wanted, known, source, now, ofAdministrators }: Attempt,
): Promise<Found & { locked: boolean; known: boolean }> => {
  const values = {
    ...asked(user, wanted),
    source,
    now,
    ofAdministrators: Number(ofAdministrators),
    'known.userId': known?.userId ?? null,
    'known.passwordHash': known?.passwordHash ?? null,
    'known.epoch': known?.epoch ?? null,
  }
  const writes = tried.writes.map((statement) => statement(values))
  const [[row], entries] = (await db.batch([tried.user(values), tried.entry(values), ...writes])) as unknown as [
    [Trying],
    EntryRow[],
  ]
  return { user: personOf(row), entry: entryOf(entries), locked: row.locked === 1, known: row.known === 1 }
}

/**
 * An application credential with its user and its project; null: there is none. In the same batch the attempt to log in by
 * it is counted as one that fails, of the credential and not of its user. One round trip.
 */
export const tryCredential = async (
  db: Database,
  which: CredentialNaming,
  { source, now }: Pick<Attempt, 'source' | 'now'>,
): Promise<Found & { credential: LoginCredential | null; locked: boolean }> => {
  const values = { ...namedCredential(which), kind: 'project', source, now }
  const { credential, user, entry, writes } = triedCredential
  const [credentials, [row], entries] = (await db.batch([
    credential(values),
    user(values),
    entry(values),
    ...writes.map((statement) => statement(values)),
  ])) as unknown as [Parameters<typeof credentialFrom>[0], [Trying], EntryRow[]]
  return {
    credential: credentialFrom(credentials),
    user: personOf(row),
    entry: entryOf(entries),
    locked: row.locked === 1,
  }
}

/** A user, and what a token of this user would be for. One round trip. */
export const lookUp = async (db: Database, user: Naming, wanted: Wanted): Promise<Found> => {
  const values = asked(user, wanted)
  const [[row], entries] = (await db.batch([theUser(values), theEntry(values)])) as unknown as [[UserRow], EntryRow[]]
  return { user: personOf(row), entry: entryOf(entries) }
}

/** The user of a token, and what it is to be good for instead. Null: the token does not stand. One round trip. */
export const enterByToken = async (db: Database, token: TokenFacts, wanted: Wanted): Promise<Found | null> => {
  const values = asked({ id: token.userId }, wanted)
  const [left, [row], entries] = (await db.batch([
    standingOf(db, token),
    theUser(values),
    theEntry(values),
  ])) as unknown as [Parameters<typeof leftOf>[0], [UserRow], EntryRow[]]
  return leftOf(left, token) ? { user: personOf(row), entry: entryOf(entries) } : null
}

export const asked = (user: Naming, wanted: Wanted) => {
  const place = typeof wanted === 'object' ? wanted : null
  return {
    ...named('user', user),
    ...named('project', place && 'project' in place ? place.project : {}),
    'domain.id': (place && 'domain' in place && place.domain.id) || null,
    'domain.name': (place && 'domain' in place && place.domain.name) || null,
    kind: wanted === 'system' ? 'system' : place && 'domain' in place ? 'domain' : 'project',
    ownProject: Number(wanted === 'own'),
  }
}

/** The user whom a row says; null: none. */
export const personOf = ({ id, options, ...row }: UserRow): Person | null =>
  id === null
    ? null
    : {
        ...{ id, name: row.name, domainId: row.domainId, domainName: row.domainName, epoch: row.epoch },
        ...{ passwordHash: row.passwordHash, passwordExpiresAt: row.passwordExpiresAt },
        options: JSON.parse(options ?? '{}'),
        enabled: row.enabled === 1,
        domainEnabled: row.domainEnabled === 1,
        administrator: row.administrator === 1,
      }

/** What lets a user in, as rows say; null: nothing does. */
export const entryOf = ([row]: EntryRow[]): Entry | null => {
  if (!row) return null
  const { kind, roles: text, ...place } = row
  const roles = JSON.parse(text) as Entry['roles']
  return roles.length ? { kind, place, roles } : null
}
