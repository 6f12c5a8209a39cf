import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { listRoles, projectById } from '../../../db/queries/identity/identity.ts'
import { lookUp } from '../../../db/queries/identity/logins.ts'
import {
  type AccessTokenRow,
  agreeToRequest,
  asksTooMuch,
  giveAccess,
  givesTooMuch,
  insertRequestToken,
  isOtherRequest,
  noConsumer,
  type RequestTokenRow,
  requestTokenById,
} from '../../../db/queries/identity/oauth.ts'
import { accessTokenPlace, consumerPlace, requestTokenPlace } from '../../broker/line/sealed-places.ts'
import type { Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { Fault, forbidden, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { isDelegated } from '../delegated.ts'
import { missing, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { keystoneTime } from '../views.ts'
import { consumerOf } from './consumers.ts'
import { assertSigned, signedHeaders, unsigned } from './verify.ts'

/* How a program gets access: it asks, a user agrees, it is given. Durations are Keystone's. */

const REQUEST_LASTS = 28_800_000
const ACCESS_LASTS = 86_400_000

const role = z.union([
  z.strictObject({ id: z.string().min(1).max(64) }),
  z.strictObject({ name: z.string().min(1).max(255) }),
])
const agreement = z.object({ roles: z.array(role).min(1).max(100) })

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
/** Eight letters and digits, as Keystone shows them: each as likely as any. */
const verifierOf = (): string => {
  let text = ''
  while (text.length < 8) {
    const at = randomBytes(1)[0]! & 63
    if (at < LETTERS.length) text += LETTERS[at]
  }
  return text
}

/** Colons of the time stay as they are, as Keystone has them. */
const formOf = (id: string, secret: string, expiresAt: number): Response =>
  new Response(`oauth_token=${id}&oauth_token_secret=${secret}&oauth_expires_at=${keystoneTime(expiresAt)}`, {
    status: 201,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })

const secretOf = () => randomBytes(16).toString('hex')

/** A request that may still be agreed to; 404 for none, 401 for one that is over. */
const openRequest = async ({ db, now }: Context, id: string): Promise<RequestTokenRow> => {
  const row = await requestTokenById(db, id)
  if (!row) throw notFound('Request token not found')
  if (row.expiresAt <= now()) throw new Fault(401, 'Request token is expired')
  return row
}

export const requestTokenOperations: Operation[] = [
  operation({
    name: 'request_token.create',
    method: 'POST',
    path: '/v3/OS-OAUTH1/request_token',
    who: 'public',
    summary: 'A program asks for access to a project (`Requested-Project-Id`); its request is signed (OAuth 1.0a).',
    status: 201,
    handle: async (input) => {
      const { context, request } = input
      const oauth = signedHeaders(input, 'oauth_consumer_key')
      const projectId = request.headers.get('Requested-Project-Id')
      if (!projectId) throw missing('Requested-Project-Id', 'request')
      const consumer = await consumerOf(context, oauth.oauth_consumer_key!)
      const secret = openAtRest(context, consumerPlace(consumer.id), consumer.secret)
      await assertSigned(input, oauth, { consumer: secret, token: '' })
      // Told to nobody who has no secret: which projects there are.
      if (!(await projectById(context.db, projectId))) throw unknown('project', projectId)
      const [id, own] = [secretOf(), secretOf()]
      const row: RequestTokenRow = {
        ...{ id, consumerId: consumer.id, projectId, userId: null, roles: null, verifier: null },
        secret: sealAtRest(context, requestTokenPlace(id), own),
        expiresAt: context.now() + REQUEST_LASTS,
      }
      const rules = [
        { violated: noConsumer(consumer.id), refusal: notFound('Consumer not found') },
        { violated: isGone('project', projectId), refusal: unknown('project', projectId) },
        {
          violated: asksTooMuch(consumer.id, context.now()),
          refusal: forbidden('This consumer asks for as much as one may at once.'),
        },
      ]
      const entry = { action: 'ask', kind: 'consumer', resourceId: consumer.id, detail: { project: projectId } }
      await commitIf(context, rules, entry, [insertRequestToken(context.db, row)])
      return formOf(id, own, row.expiresAt)
    },
  }),
  operation({
    name: 'request_token.authorize',
    method: 'PUT',
    path: '/v3/OS-OAUTH1/authorize/:id',
    who: 'authenticated',
    denial: 'You are not authorized to perform the requested action: identity:authorize_request_token.',
    summary: 'A user agrees that a program acts in a project with some of the roles that the user has there.',
    status: 200,
    body: agreement,
    handle: async ({ context, params, body }) => {
      const { db } = context
      const caller = context.caller!
      if (isDelegated(caller)) throw forbidden('Cannot authorize a request token with a token issued via delegation.')
      const row = await openRequest(context, params.id!)
      const [all, { entry: had }] = await Promise.all([
        listRoles(db, { domainId: '' }),
        lookUp(db, { id: caller.userId }, { project: { id: row.projectId } }),
      ])
      const roles = body.roles.map((asked) => {
        const found = all.find((each) => ('id' in asked ? each.id === asked.id : each.name === asked.name))
        if (!found || !had?.roles.some(({ id }) => id === found.id))
          throw new Fault(401, 'authorizing user does not have role required')
        return found.id
      })
      const verifier = verifierOf()
      const rules = [{ violated: isOtherRequest(row.id, row.verifier), refusal: notFound('Request token not found') }]
      const entry = {
        action: 'agree',
        kind: 'consumer',
        resourceId: row.consumerId,
        detail: { project: row.projectId },
      }
      const agreed = { userId: caller.userId, roles: [...new Set(roles)], verifier }
      await commitIf(context, rules, entry, [agreeToRequest(db, row.id, agreed)])
      return { body: { token: { oauth_verifier: verifier } } }
    },
  }),
  operation({
    name: 'access_token.create',
    method: 'POST',
    path: '/v3/OS-OAUTH1/access_token',
    who: 'public',
    summary: 'A program is given, once, what a user agreed to; its request is signed and names what the user was told.',
    status: 201,
    handle: async (input) => {
      const { context } = input
      const oauth = signedHeaders(input, 'oauth_consumer_key', 'oauth_token', 'oauth_verifier')
      const row = await openRequest(context, oauth.oauth_token!)
      if (row.consumerId !== oauth.oauth_consumer_key)
        throw unsigned('Provided consumer key does not match stored consumer key.')
      const consumer = await consumerOf(context, row.consumerId)
      await assertSigned(input, oauth, {
        consumer: openAtRest(context, consumerPlace(consumer.id), consumer.secret),
        token: openAtRest(context, requestTokenPlace(row.id), row.secret),
      })
      if (row.userId === null || row.roles === null)
        throw unsigned('Request Token does not have an authorizing user id.')
      if (row.verifier !== oauth.oauth_verifier) throw unsigned('Provided verifier does not match stored verifier')
      const [id, own] = [secretOf(), secretOf()]
      const given: AccessTokenRow = {
        ...{ id, consumerId: consumer.id, userId: row.userId, projectId: row.projectId, roles: row.roles },
        secret: sealAtRest(context, accessTokenPlace(id), own),
        expiresAt: context.now() + ACCESS_LASTS,
      }
      const rules = [
        { violated: isOtherRequest(row.id, row.verifier), refusal: notFound('Request token not found') },
        {
          violated: givesTooMuch(row.userId, context.now()),
          refusal: forbidden('The user gave as much access as one may at once.'),
        },
      ]
      const entry = { action: 'give', kind: 'consumer', resourceId: consumer.id, detail: { user: row.userId } }
      await commitIf(context, rules, entry, [...giveAccess(context.db, row.id, given)])
      return formOf(id, own, given.expiresAt)
    },
  }),
]
