import { domainById, isAdministrator, setPasswordHash, type UserRow } from '../../db/queries/identity/identity.ts'
import { countAttempt, forgiveAttempt } from '../../db/queries/identity/login-failures.ts'
import { inTurn, needsRehash } from '../auth/password.ts'
import { unauthorized } from '../auth/policy.ts'
import type { Lane } from '../auth/turns.ts'
import { noteEvent } from '../broker/line/commit.ts'
import type { Context } from '../context.ts'

/** What was given to log in with. */
export interface Given {
  id?: string | undefined
  name?: string | undefined
  password: string
}

/** For whom a password is hashed: the turns are shared out among these. */
export const laneOf = ({ source = '' }: Pick<Context, 'source'>, user: string): Lane => ({ source, user })

/**
 * 401 unless the password is the user's and the user may log in; 429 when too many are being checked. Each attempt is
 * counted before its hash, so that a burst gets no further than a row. An unknown, a locked and a known user cost the
 * same queries and the same hash; what failed is told to the log and the journal after the answer.
 */
export const checkPassword = async (context: Context, user: UserRow | null, given: Given): Promise<void> => {
  const { db } = context
  const userId = user?.id ?? ''
  const lane = laneOf(context, user?.id ?? given.id ?? given.name ?? '')
  const [domain, administrator] = await Promise.all([domainById(db, user?.domainId ?? ''), isAdministrator(db, userId)])
  const checking = inTurn(lane, async ({ verify }) => ({
    admitted: await countAttempt(db, {
      userId,
      source: lane.source,
      everywhere: !administrator,
      now: context.now(),
    }),
    right: await verify(given.password, user?.passwordHash ?? null),
  }))
  // A Worker whose client has left would stop in the middle, and keep its turn.
  if (context.settings.runtime === 'workers') context.defer(() => checking.catch(() => {}))
  const { admitted, right } = await checking
  const reason = !user
    ? 'unknown user'
    : !admitted
      ? 'locked'
      : !right
        ? 'wrong password'
        : !user.enabled
          ? 'user disabled'
          : !domain?.enabled
            ? 'domain disabled'
            : null
  if (reason !== null) {
    tell(context, userId, given, reason, admitted)
    throw unauthorized()
  }
  await forgiveAttempt(db, { userId, source: lane.source })
  if (needsRehash(user!.passwordHash!)) context.defer(() => rehash(context, lane, user!, given.password))
}

/** Never the password. What a lock refused goes to the log alone: the journal grows by as much as a lock lets through. */
const tell = (context: Context, userId: string, { id, name }: Given, reason: string, admitted: boolean): void => {
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
const rehash = async (context: Context, lane: Lane, user: UserRow, password: string): Promise<void> => {
  const made = await inTurn(lane, ({ hash }) => hash(password)).catch((error) => {
    if (error.status === 429) return null
    throw error
  })
  if (made) await setPasswordHash(context.db, user, made)
}
