import { formerHashesOf, rememberPassword } from '../../../db/queries/identity/former-passwords.ts'
import type { UserRow } from '../../../db/queries/identity/identity.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { laneOf } from '../check-password.ts'

/* Rules of passwords: `[security_compliance]` of Keystone (keystone/identity/backends/sql.py). */

const DAY = 86_400_000

type Columns = Pick<UserRow, 'passwordHash' | 'passwordChangedAt' | 'passwordExpiresAt' | 'passwordIsOwn'>

/** When a password ends that is set now; null: it does not. One that an administrator chose may have to be changed at once. */
const endOf = ({ settings, now }: Context, options: UserRow['options'], own: boolean): number | null => {
  const { expireDays, changeFirst } = settings.passwords
  if (!own && changeFirst && options.ignore_change_password_upon_first_use !== true) return now()
  return expireDays === 0 || options.ignore_password_expiry === true ? null : now() + expireDays * DAY
}

/** The columns of a new password; no hash at all with null. @param own its user chose it */
export const passwordSet = async (
  context: Context,
  text: string | null,
  options: UserRow['options'],
  own = false,
): Promise<Columns> => ({
  passwordHash:
    text === null
      ? null
      : await context.hashes.inTurn(laneOf(context, context.caller?.userId ?? ''), ({ hash }) => hash(text)),
  passwordChangedAt: context.now(),
  passwordExpiresAt: text === null ? null : endOf(context, options, own),
  passwordIsOwn: own,
})

/** Statements, in the batch that sets another password: those are remembered that may not be taken again. */
export const remembering = ({ db, now, settings }: Context, userId: string) =>
  rememberPassword(db, userId, now(), Math.max(0, settings.passwords.unique - 1))

/**
 * 400 where a user may not change the password yet, or not to one that it was. An administrator may; the lock of a user's
 * password is looked at before.
 */
export const assertMayChange = async (context: Context, user: UserRow, password: string): Promise<void> => {
  const { unique, minimumAgeDays } = context.settings.passwords
  const left = (user.passwordChangedAt ?? 0) + minimumAgeDays * DAY - context.now()
  if (user.passwordIsOwn && left > 0)
    throw badRequest(
      `You cannot change your password at this time due to the minimum password age. Once you change your password, it must be used for ${minimumAgeDays} day(s) before it can be changed. Please try again in ${Math.floor(left / DAY)} day(s) or contact your administrator to reset your password.`,
    )
  if (unique === 0) return
  const former = await formerHashesOf(context.db, user.id, unique - 1)
  const hashes = [...(user.passwordHash === null ? [] : [user.passwordHash]), ...former]
  const taken = await context.hashes.inTurn(laneOf(context, user.id), async ({ verify }) => {
    for (const hash of hashes) if (await verify(password, hash)) return true
    return false
  })
  if (taken)
    throw badRequest(
      `The new password cannot be identical to a previous password. The total number which includes the new password must be unique is ${unique}.`,
    )
}
