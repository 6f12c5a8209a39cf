import { countedAs, forgiveAttempt } from '../../../db/queries/identity/login-failures.ts'
import type { Entry, Person, Wanted } from '../../../db/queries/identity/logins.ts'
import { tryOneTime } from '../../../db/queries/identity/one-time.ts'
import { noteEvent } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import { Fault } from '../../http/fault.ts'
import { openBlob } from '../credentials/kept.ts'
import { type Named, naming } from '../wanted.ts'
import { isFirstUse } from './once.ts'
import { endOfStep, seedOf, stepOf } from './one-time-password.ts'

/**
 * Who logs in with a one-time password: one of the user's seeds has it now, or had it half a minute ago, and nobody used it
 * yet. 401 in the same words for whatever does not fit. Attempts are counted and lock as those with a password do, of each
 * user apart from them.
 */
export const byOneTime = async (
  context: Context,
  asked: Named & { passcode: string },
  wanted: Wanted,
): Promise<{ user: Person; entry: Entry | null }> => {
  const { db, source = '' } = context
  const now = context.now()
  const tried = await tryOneTime(db, { user: naming('user', asked), wanted, source, now })
  const { user, entry, locked } = tried
  const step = tried.seeds
    .map((row) => ({ id: row.id, seed: seedOf(openBlob(context, row)) }))
    .map(({ id, seed }) => ({ id, step: seed && stepOf(seed, asked.passcode, now) }))
    .find((each) => each.step !== null)
  const fits = user && !locked && user.enabled && user.domainEnabled && step
  if (!fits || !(await isFirstUse(context, `totp ${user.id} ${step.id} ${step.step}`, endOfStep(step.step!)))) {
    const detail = { user: user?.id ?? '', source, reason: locked ? 'locked' : 'one-time password' }
    context.log('warn', 'a login failed', { requestId: context.requestId, ...detail })
    const entry = { action: 'login_failed', kind: 'user', resourceId: user?.id ?? '', detail }
    if (!locked) context.defer(() => noteEvent(context, entry))
    throw new Fault(401, 'Invalid username or TOTP passcode')
  }
  await forgiveAttempt(db, { userId: countedAs(user.id), source })
  return { user, entry }
}
