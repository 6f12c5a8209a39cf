import { type Entry, lookUp, type Person } from '../../../db/queries/identity/logins.ts'
import { isUsedUp, trustById, useTrust } from '../../../db/queries/identity/trusts.ts'
import { unauthorized } from '../../auth/policy.ts'
import type { Context, TokenTrust } from '../../context.ts'
import { forbidden } from '../../http/fault.ts'
import { limited } from '../check-secret.ts'
import { withImplied } from '../implied.ts'
import { unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'

/** Whom a token that is got by a trust is of, and what for. */
export interface Trusted {
  user: Person
  entry: Entry | null
  trust: TokenTrust
  /** The token ends no later; milliseconds since 1970; null: the trust does not end by itself. */
  ends: number | null
}

/**
 * What a user who has proved himself gets by a trust: roles of another user, as far as that one still has them. 404 for a
 * trust that is over, 403 for one that is not to this user, or whose trustor can lend nothing any more.
 */
export const byTrust = async (context: Context, trustee: Person, id: string): Promise<Trusted> => {
  const { db } = context
  const row = await trustById(db, id, context.now())
  if (!row) throw unknown('trust', id)
  if (row.trusteeId !== trustee.id) throw forbidden('User is not a trustee.')
  const wanted = row.projectId === null ? null : { project: { id: row.projectId } }
  const [{ user: trustor, entry: had }, lent] = await Promise.all([
    lookUp(db, { id: row.trustorId }, wanted),
    withImplied(context, row.roles),
  ])
  if (!trustor?.enabled || !trustor.domainEnabled) throw forbidden('Trustor is disabled.')
  // Whoever lost one of the roles lends none of them (keystone/models/token_model.py).
  if (row.projectId !== null && !row.roles.every((role) => had?.roles.some((each) => each.id === role)))
    throw had ? forbidden('Trustee has no delegated roles.') : unauthorized()
  const entry = limited(had, (role) => lent.has(role.id))
  const ends = row.expiresAt === null ? null : Math.floor(row.expiresAt / 1000)
  if (row.remainingUses !== null) {
    const usual = context.now() + context.settings.tokenLifetime * 1000
    const over = { violated: isUsedUp(id), refusal: unknown('trust', id) }
    await commitIf(context, [over], { action: 'use', kind: 'trust', resourceId: id, detail: {} }, [
      useTrust(db, id, Math.min(ends ?? usual, usual)),
    ])
  }
  return {
    user: row.impersonation ? trustor : trustee,
    entry,
    trust: {
      ...{ id, trustorId: row.trustorId, trusteeId: row.trusteeId, impersonation: row.impersonation },
      otherEpoch: (row.impersonation ? trustee : trustor).epoch,
    },
    ends,
  }
}
