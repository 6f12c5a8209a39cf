import * as z from 'zod'
import { revokeToken } from '../../db/queries/identity/identity.ts'
import { showToken } from '../../db/queries/identity/tokens.ts'
import { hasRole, unauthorized } from '../auth/policy.ts'
import { openToken, type Token, withRoles } from '../auth/token.ts'
import { commit } from '../broker/line/commit.ts'
import type { Caller } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { authenticate } from './authenticate.ts'
import { ownOrAdmin } from './refusals.ts'
import { answerWith, type Names, tokenText, withRules } from './token-answer.ts'
import { trustOf, wantedOf } from './wanted.ts'

const domain = z.object({ id: z.string().optional(), name: z.string().optional() })
const named = z.object({
  id: z.string().max(64).optional(),
  name: z.string().max(255).optional(),
  domain: domain.optional(),
})
const login = z.object({
  auth: z.object({
    identity: z.looseObject({
      methods: z.array(z.string().max(64)).max(8),
      password: z.object({ user: named.extend({ password: z.string().max(4096) }) }).optional(),
      token: z.object({ id: z.string().min(1) }).optional(),
      totp: z.object({ user: named.extend({ passcode: z.string().max(64) }) }).optional(),
      application_credential: z
        .object({
          id: z.string().max(64).optional(),
          name: z.string().max(255).optional(),
          user: named.optional(),
          secret: z.string().max(4096),
        })
        .optional(),
    }),
    scope: z
      .union([
        z.literal('unscoped'),
        z.strictObject({ project: named }),
        z.strictObject({ unscoped: z.unknown() }),
        z.strictObject({ domain }),
        z.strictObject({ system: z.object({ all: z.literal(true) }) }),
        z.strictObject({ 'OS-TRUST:trust': z.object({ id: z.string().max(64) }) }),
      ])
      .optional(),
  }),
})

/**
 * What the token in `X-Subject-Token` says, and who asks, as they stand now: whoever inspects tokens is told of no moment
 * ago. 401 if the reader's own token does not stand any more, 404 if the subject does not. One query.
 */
const subject = async ({ context, request }: Input): Promise<{ token: Token; names: Names; caller: Caller }> => {
  const text = request.headers.get('X-Subject-Token')
  if (!text) throw badRequest('The X-Subject-Token header is missing.')
  const token = openToken(text, keyring(context.settings.secretKeys, 'token'))
  if (!token || token.expiresAt <= context.now()) throw notFound('Failed to validate token')
  const caller = context.caller as Caller
  const { left, readers, ...names } = await showToken(context.db, token, caller)
  if (!readers) throw unauthorized()
  if (!left) throw notFound('Failed to validate token')
  return { token: await withRules(context, withRoles(token, left)), names, caller: withRoles(caller, readers) }
}

/** A token with access rules is shown to whoever says that he knows what they mean (keystone/token/provider.py). */
const assertRulesAreKnown = ({ request }: Input, { accessRules }: Token): void => {
  const known = Number(request.headers.get('OpenStack-Identity-Access-Rules') ?? 0) >= 1
  if (accessRules && !known) throw notFound('Failed to validate token')
}

/** POST, GET (and HEAD), DELETE /auth/tokens. */
export const tokenOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'token.create',
    method: 'POST',
    path: '/v3/auth/tokens',
    who: 'public',
    summary:
      'Issues a token for a password, a one-time password (`totp`), another token, an application credential or what a user gave a program (`oauth1`): for a project, a domain, the system, by a trust, or unscoped.',
    status: 201,
    body: login,
    handle: async (input) => {
      const { identity, scope } = input.body.auth
      const proven = await authenticate(input, identity, wantedOf(scope), trustOf(scope))
      return 'answer' in proven ? proven.answer : answerWith(services(), input, proven)
    },
  }),
  operation({
    name: 'token.validate',
    method: 'GET',
    path: '/v3/auth/tokens',
    who: 'authenticated',
    summary: 'Shows what a token says; one of somebody else only to admins, to readers of the system and to services.',
    status: 200,
    handle: async (input) => {
      const { token, names, caller } = await subject(input)
      const reads = caller.system === true && hasRole(caller, 'reader')
      ownOrAdmin(
        caller,
        ({ userId, roles }) => reads || userId === token.userId || roles.includes('service'),
        'token.validate',
      )
      assertRulesAreKnown(input, token)
      return {
        headers: { 'X-Subject-Token': input.request.headers.get('X-Subject-Token')!, Vary: 'X-Auth-Token' },
        json: await tokenText(services(), input, token, names),
      }
    },
  }),
  operation({
    name: 'token.revoke',
    method: 'DELETE',
    path: '/v3/auth/tokens',
    who: 'authenticated',
    summary: 'Revokes a token; one of somebody else only for admins.',
    status: 204,
    handle: async (input) => {
      const { context } = input
      const { token, caller } = await subject(input)
      ownOrAdmin(caller, ({ userId }) => userId === token.userId, 'token.revoke')
      await commit(context, { action: 'revoke', kind: 'token', resourceId: token.auditId }, [
        revokeToken(context.db, token.auditId, token.expiresAt),
      ])
      return {}
    },
  }),
]
