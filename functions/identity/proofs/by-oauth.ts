import { type Entry, lookUp, type Person } from '../../../db/queries/identity/logins.ts'
import { accessTokenById, consumerById } from '../../../db/queries/identity/oauth.ts'
import { unauthorized } from '../../auth/policy.ts'
import { accessTokenPlace, consumerPlace } from '../../broker/line/sealed-places.ts'
import type { Caller } from '../../context.ts'
import { openAtRest } from '../../crypto/at-rest.ts'
import type { Input } from '../../http/operation.ts'
import { endingBy, limited } from '../check-secret.ts'
import { withImplied } from '../implied.ts'
import { assertSigned, signedHeaders, unsigned } from '../oauth/verify.ts'

/**
 * Whom a program acts for that signed its request with what it was given: the user who gave it, in that project, with
 * what the user still has of those roles. 401 for whatever does not fit.
 */
export const byOauth = async (
  input: Pick<Input, 'context' | 'request' | 'origin'>,
): Promise<{ user: Person; entry: Entry; ends: number; oauth: NonNullable<Caller['oauth']> }> => {
  const { context } = input
  const { db } = context
  const oauth = signedHeaders(input, 'oauth_consumer_key', 'oauth_token')
  const [given, consumer] = await Promise.all([
    accessTokenById(db, oauth.oauth_token!),
    consumerById(db, oauth.oauth_consumer_key!),
  ])
  if (!given || !consumer || given.consumerId !== consumer.id) throw unsigned('Could not validate the access token')
  if (given.expiresAt <= context.now()) throw unsigned('Access token is expired')
  await assertSigned(input, oauth, {
    consumer: openAtRest(context, consumerPlace(consumer.id), consumer.secret),
    token: openAtRest(context, accessTokenPlace(given.id), given.secret),
  })
  const [{ user, entry: had }, roles] = await Promise.all([
    lookUp(db, { id: given.userId }, { project: { id: given.projectId } }),
    withImplied(context, given.roles),
  ])
  const entry = limited(had, ({ id }) => roles.has(id))
  if (!user?.enabled || !user.domainEnabled || !entry) throw unauthorized()
  return { user, entry, ends: endingBy(context, given.expiresAt), oauth: { id: given.id, consumerId: consumer.id } }
}
