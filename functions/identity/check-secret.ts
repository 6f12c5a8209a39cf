import { setSecretHash } from '../../db/queries/identity/application-credentials.ts'
import type { CredentialNaming, LoginCredential } from '../../db/queries/identity/login-credentials.ts'
import { forgiveAttempt } from '../../db/queries/identity/login-failures.ts'
import { type Entry, type Person, tryCredential } from '../../db/queries/identity/logins.ts'
import type { Hashes } from '../auth/password.ts'
import { unauthorized } from '../auth/policy.ts'
import { isLost, isOutdated, isSecret, keptSecret, takesHash } from '../auth/secret.ts'
import { noteEvent } from '../broker/line/commit.ts'
import type { Context, TokenCredential } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { laneOf } from './check-password.ts'
import { missing } from './refusals.ts'
import { type Named, naming } from './wanted.ts'

/** What was given to log in with: the credential by its id, or by its user and its name. */
export interface GivenSecret {
  id?: string | undefined
  name?: string | undefined
  user?: Named | undefined
  secret: string
}

/** What a secret is kept for. */
const placeOf = (credentialId: string): string => `application_credentials/${credentialId}`
const keysOf = ({ settings }: Pick<Context, 'settings'>) => keyring(settings.secretKeys, 'secret')

/**
 * Who logs in by an application credential, into its project, with what the user still has of its roles there. 401, in
 * the same words, unless the secret is the credential's and it lets its user in; 429 when too many are being checked.
 * Attempts are counted as those with a password are, but of each credential for itself: what a program does wrong keeps
 * no person out. Two round trips.
 */
export const logInBySecret = async (
  context: Context,
  given: GivenSecret,
): Promise<{ user: Person; entry: Entry; ends: number; credential: TokenCredential }> => {
  const { db, source = '' } = context
  const which = namingOf(given)
  const keys = keysOf(context)
  const look = () => tryCredential(db, which, { source, now: context.now() })
  const compare = async (tried: Awaited<ReturnType<typeof look>>, hashes: Hashes | null) => {
    const { id = '', secretHash: stored = null } = tried.credential ?? {}
    return { ...tried, right: await isSecret({ secret: given.secret, stored, place: placeOf(id) }, keys, hashes) }
  }
  // What has to be hashed, whatever it is compared with, costs nothing before its turn.
  const looked = takesHash(given.secret, null) ? null : await look()
  const checking =
    looked && !takesHash(given.secret, looked.credential?.secretHash ?? null)
      ? compare(looked, null)
      : context.secretHashes.inTurn(laneOf(context, nameOf(which)), async (hashes) =>
          compare(looked ?? (await look()), hashes),
        )
  // A Worker whose client has left would stop in the middle, and keep its turn.
  if (context.settings.runtime === 'workers') context.defer(() => checking.catch(() => {}))
  const { credential, user, locked, right, ...found } = await checking
  const entry = limited(found.entry, (role) => credential?.roles.includes(role.id) ?? false)
  const reason = reasonAgainst({
    credential,
    user,
    entry,
    locked,
    right,
    lost: isLost(credential?.secretHash ?? null, keys),
    now: context.now(),
  })
  if (!credential || !user || !entry || reason !== null) {
    tell(context, which, credential, reason ?? '', !locked)
    throw unauthorized()
  }
  await forgiveAttempt(db, { userId: credential.id, source })
  if (isOutdated(credential.secretHash, keys)) context.defer(() => keepAnew(context, credential, given.secret))
  const { id, name, unrestricted, ruled } = credential
  return { user, entry, ends: endOf(context, credential), credential: { id, name, unrestricted, ruled } }
}

/** An entry with some of its roles; null if it has none of them. */
export const limited = (entry: Entry | null, has: (role: Entry['roles'][number]) => boolean): Entry | null => {
  const roles = entry?.roles.filter(has) ?? []
  return entry && roles.length > 0 ? { ...entry, roles } : null
}

/** CVE-2022-2447: a token lives no longer than what it was got by, which ends at `end` (milliseconds since 1970). */
export const endingBy = ({ now, settings }: Context, end: number): number =>
  Math.min(now() + settings.tokenLifetime * 1000, end)
/** The same of an application credential, which ends at a microsecond, or does not. */
export const endOf = (context: Context, { expiresAt }: Pick<LoginCredential, 'expiresAt'>): number =>
  endingBy(context, expiresAt === null ? Number.POSITIVE_INFINITY : Math.floor(expiresAt / 1000))

const namingOf = ({ id, name, user }: GivenSecret): CredentialNaming => {
  if (id !== undefined) return { id }
  if (name === undefined) throw missing('name or ID', 'application credential')
  if (user === undefined) throw missing('user', 'application credential')
  return { name, user: naming('user', user) }
}
const nameOf = (which: CredentialNaming): string => ('id' in which ? which.id : which.name)

interface Tried {
  credential: LoginCredential | null
  user: Person | null
  entry: Entry | null
  locked: boolean
  right: boolean
  lost: boolean
  now: number
}
const reasonAgainst = ({ credential, user, entry, locked, right, lost, now }: Tried): string | null => {
  if (!credential) return 'unknown application credential'
  const faults: [boolean, string][] = [
    [locked, 'locked'],
    [lost, 'kept under a key that is gone'],
    [!right, 'wrong secret'],
    [credential.expiresAt !== null && credential.expiresAt <= now * 1000, 'expired'],
    [!user?.enabled, 'user disabled'],
    [!user?.domainEnabled, 'domain disabled'],
    [!entry, 'no role in an enabled project'],
  ]
  return faults.find(([holds]) => holds)?.[1] ?? null
}

/** Never the secret. What a lock refused goes to the log alone, as with passwords. */
const tell = (
  context: Context,
  which: CredentialNaming,
  found: LoginCredential | null,
  reason: string,
  admitted: boolean,
): void => {
  const { id = '', userId: user = '' } = found ?? {}
  // Not named like a secret: the log would hide it.
  const who = { application: id || nameOf(which), user, source: context.source ?? '', reason }
  context.log('warn', 'a login failed', { requestId: context.requestId, ...who })
  const entry = { action: 'login_failed', kind: 'application_credential', resourceId: id, detail: who }
  context.defer(async () => {
    if (admitted) await noteEvent(context, entry)
  })
}

/** Under today's key, or with a hash of today's cost. Another login does it where there is no time now. */
const keepAnew = async (context: Context, credential: LoginCredential, secret: string): Promise<void> => {
  const kept = await keep(context, credential.id, secret, credential.secretHash.startsWith('hmac$')).catch((error) => {
    if (error.status === 429) return null
    throw error
  })
  if (kept) await setSecretHash(context.db, credential, kept)
}

/** A secret as it is kept: of one that was made here a MAC, of one that was chosen a hash. 429: too many are being hashed. */
export const keep = async (context: Context, credentialId: string, secret: string, made: boolean): Promise<string> =>
  made
    ? keptSecret(secret, placeOf(credentialId), keysOf(context))
    : context.secretHashes.inTurn(laneOf(context, context.caller?.userId ?? credentialId), ({ hash }) => hash(secret))
