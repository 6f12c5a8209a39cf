import { setPasswordHash } from '../../db/queries/identity/identity.ts'
import { forgiveAttempt } from '../../db/queries/identity/login-failures.ts'
import {
  type Attempt,
  type Entry,
  type Known,
  type Person,
  tryLogin,
  type Wanted,
} from '../../db/queries/identity/logins.ts'
import type { Naming } from '../../db/queries/identity/naming.ts'
import { needsRehash } from '../auth/password.ts'
import { unauthorized } from '../auth/policy.ts'
import type { Lane } from '../auth/turns.ts'
import { noteEvent } from '../broker/line/commit.ts'
import type { Context } from '../context.ts'
import { Fault } from '../http/fault.ts'

/** What was given to log in with. */
export interface Given {
  user: Naming
  password: string
}
/** Who may log in, and what lets the user into the project that is wanted. */
export interface LoggedIn {
  user: Person
  entry: Entry | null
}
type Tried = Awaited<ReturnType<typeof tryLogin>>

/** For whom a password is hashed: the turns are shared out among these. */
export const laneOf = ({ source = '' }: Pick<Context, 'source'>, user: string): Lane => ({ source, user })

/**
 * Who logs in by a password: without a hash where the same one was right in the last minutes and nothing has changed
 * since; else as `checkPassword`, which makes no difference between what was never right and what is no longer.
 */
export const logIn = async (context: Context, given: Given, wanted: Wanted): Promise<LoggedIn> => {
  const { knownPasswords } = context
  const known = knownPasswords.recall(given, context.now())
  if (!known) return checkPassword(context, given, wanted)
  const tried = await tryLogin(context.db, attempt(context, given, wanted, known))
  if (tried.known) return { user: tried.user!, entry: tried.entry }
  knownPasswords.forget(given)
  return checkPassword(context, given, wanted, { tried })
}

/**
 * 401 unless the password is the user's and the user may log in; 429 when too many are being checked. Each attempt is
 * counted before its hash, so that a burst gets no further than a row. An unknown, a locked and a known user cost the
 * same two round trips and the same hash; what failed is told to the log and the journal after the answer.
 * @param tried the attempt, if it was counted already
 * @param expired whether a password will do that has to be changed
 */
export const checkPassword = async (
  context: Context,
  given: Given,
  wanted: Wanted,
  { tried, expired = false }: { tried?: Tried; expired?: boolean } = {},
): Promise<LoggedIn> => {
  const lane = laneOf(context, given.user.id ?? given.user.name ?? '')
  const checking = context.hashes.inTurn(lane, async ({ verify }) => {
    const found = tried ?? (await tryLogin(context.db, attempt(context, given, wanted, null)))
    return { found, at: context.now(), right: await verify(given.password, found.user?.passwordHash ?? null) }
  })
  // A Worker whose client has left would stop in the middle, and keep its turn.
  if (context.settings.runtime === 'workers') context.defer(() => checking.catch(() => {}))
  const { found, at, right } = await checking
  const { user, entry, locked } = found
  const reason = !user
    ? 'unknown user'
    : locked
      ? 'locked'
      : !right
        ? 'wrong password'
        : !user.enabled
          ? 'user disabled'
          : !user.domainEnabled
            ? 'domain disabled'
            : null
  if (!user || reason !== null) {
    tell(context, user?.id ?? '', given.user, reason ?? '', !locked)
    throw unauthorized()
  }
  await forgiveAttempt(context.db, { userId: user.id, source: lane.source })
  if (!expired && isExpired(user, context.now()))
    throw new Fault(401, `The password is expired and needs to be changed for user: ${user.id}.`)
  context.knownPasswords.keep(given, user, at)
  if (needsRehash(user.passwordHash!)) context.defer(() => rehash(context, lane, user, given.password))
  return { user, entry }
}

/** Whether a password lets its user in no more, who is not told to be spared. */
const isExpired = ({ passwordExpiresAt, options }: Person, now: number): boolean =>
  passwordExpiresAt !== null && passwordExpiresAt <= now && options.ignore_password_expiry !== true

/** Never the password. What a lock refused goes to the log alone: the journal grows by as much as a lock lets through. */
const tell = (context: Context, userId: string, { id, name }: Naming, reason: string, admitted: boolean): void => {
  const who = {
    user: userId || id || '',
    ...(name === undefined ? {} : { name }),
    source: context.source ?? '',
    reason,
  }
  context.log('warn', 'a login failed', { requestId: context.requestId, ...who })
  const entry = { action: 'login_failed', kind: 'user', resourceId: userId, detail: who }
  context.defer(async () => {
    if (admitted) await noteEvent(context, entry)
  })
}

/** A hash of today's cost in place of an older one. Another login does it where there is no time now. */
const rehash = async (context: Context, lane: Lane, user: Person, password: string): Promise<void> => {
  const made = await context.hashes
    .inTurn(lane, ({ hash }) => hash(password))
    .catch((error) => {
      if (error.status === 429) return null
      throw error
    })
  if (made) await setPasswordHash(context.db, user, made)
}

const attempt = (context: Context, { user }: Given, wanted: Wanted, known: Known | null): Attempt => ({
  user,
  wanted,
  source: context.source ?? '',
  now: context.now(),
  known,
  ofAdministrators: context.settings.rememberPasswords === 'all',
})
