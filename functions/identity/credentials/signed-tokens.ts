import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { credentialById } from '../../../db/queries/identity/application-credentials.ts'
import { keptById } from '../../../db/queries/identity/credentials.ts'
import { lookUp } from '../../../db/queries/identity/logins.ts'
import { accessTokenById } from '../../../db/queries/identity/oauth.ts'
import { unauthorized } from '../../auth/policy.ts'
import type { Caller, Context } from '../../context.ts'
import { badRequest, Fault, forbidden, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import type { Proven } from '../authenticate.ts'
import { endingBy, endOf, limited } from '../check-secret.ts'
import { withImplied } from '../implied.ts'
import { actionRefused } from '../refusals.ts'
import { answerWith } from '../token-answer.ts'
import { byTrust } from './by-trust.ts'
import { ec2Blob, idOfAccess, openBlob } from './kept.ts'
import { isSignedRequest, isSignedText } from './signatures.ts'

/* Tokens for who signed with EC2 credentials, asked for by services that were sent the request (keystone/api/ec2tokens.py). */

/** Half of a pair of surrogates has no UTF-8, and nobody signed it. */
const isWhole = (said: string) => said.isWellFormed()
const text = z.string().max(65_536).refine(isWhole)
const words = z.record(z.string().max(1024).refine(isWhole), text)
const signed = z.object({
  access: text.optional(),
  signature: text.optional(),
  verb: z.string().max(16).optional(),
  host: z.string().max(1024).optional(),
  path: z.string().max(8192).optional(),
  params: words.optional(),
  headers: words.optional(),
  body_hash: z.string().max(256).nullish(),
  token: text.optional(),
})
type Signed = z.infer<typeof signed>
const body = z.object({
  credentials: signed.optional(),
  credential: signed.optional(),
  ec2Credentials: signed.optional(),
})

/** How old a signed request may be: `[credential] auth_ttl` of Keystone. */
const LASTS = 15 * 60_000

/** CVE-2025-65073: whoever saw a signed request would be its user. 403 for all but services and administrators. */
const assertService = ({ isAdmin, roles }: Caller, action: string): void => {
  if (!isAdmin && !roles.includes('service')) throw forbidden(actionRefused(`identity:${action}`))
}

/** 401 for a request that was signed long ago; one that does not say when is told by its signature alone, as with Keystone. */
const assertRecent = ({ now }: Context, { params = {}, headers = {} }: Signed): void => {
  const said = params.Timestamp ?? headers['X-Amz-Date'] ?? params['X-Amz-Date']
  if (said === undefined) return
  const iso = said.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const at = /^\d{4}-\d\d-\d\dT[\d:.]{5,16}(Z|[+-]\d\d:?\d\d)?$/.test(iso)
    ? Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`)
    : Number.NaN
  if (Number.isNaN(at)) throw new Fault(401, 'Credential timestamp is invalid')
  if (now() > at + LASTS) throw new Fault(401, 'Credential is expired')
}

const isRight = (given: Signed, secret: string, ofText: boolean): boolean => {
  const signature = given.signature ?? ''
  if (ofText) return isSignedText(Buffer.from(given.token ?? '', 'base64url').toString(), signature, secret)
  const { verb = '', host = '', path = '', params = {}, headers = {}, body_hash } = given
  return isSignedRequest({ signature, verb, host, path, params, headers, body_hash: body_hash ?? '' }, secret)
}

/** Whom a pair of keys is of, and what for. 404 for keys that there are not, 401 for a signature that is not theirs. */
const provenBy = async (context: Context, given: Signed, ofText: boolean): Promise<Proven> => {
  const { db } = context
  if (!given.access) throw new Fault(401, 'EC2 Signature not supplied')
  const row = await keptById(db, idOfAccess(given.access))
  if (row?.type !== 'ec2' || row.projectId === null) throw notFound('EC2 access key not found.')
  const { secret, trust_id, app_cred_id, access_token_id } = ec2Blob(openBlob(context, row))
  if (!given.signature) throw new Fault(401, 'EC2 signature not supplied.')
  if (typeof secret !== 'string' || !isRight(given, secret, ofText))
    throw new Fault(401, ofText ? 'Credential signature mismatch' : 'Invalid EC2 signature.')
  assertRecent(context, given)
  const place = { project: { id: row.projectId } }
  const { user, entry: had } = await lookUp(db, { id: row.userId }, place)
  if (!user?.enabled || !user.domainEnabled) throw unauthorized()
  const common = { methods: ['ec2credential'], ends: null, credential: null, trust: null }
  if (typeof trust_id === 'string') {
    const trusted = await byTrust(context, user, trust_id)
    if (trusted.entry?.place.id !== row.projectId) throw unauthorized()
    return { ...common, ...trusted }
  }
  if (typeof app_cred_id === 'string') {
    const bound = await credentialById(db, app_cred_id)
    const over = bound?.expiresAt != null && bound.expiresAt / 1000 <= context.now()
    if (!bound || over || bound.userId !== user.id || bound.projectId !== row.projectId)
      throw new Fault(401, 'EC2 credential project does not match the application credential project.')
    const entry = limited(had, ({ id }) => bound.roles.includes(id))
    if (!entry) throw new Fault(401, 'User not valid for project.')
    const { id, name, unrestricted } = bound
    return {
      ...common,
      user,
      entry,
      ends: endOf(context, bound),
      credential: { id, name, unrestricted, ruled: bound.rules.length > 0 },
    }
  }
  if (typeof access_token_id === 'string') {
    const given = await accessTokenById(db, access_token_id)
    const fits = given && given.expiresAt > context.now() && given.projectId === row.projectId
    const roles = await withImplied(context, fits && given.userId === user.id ? given.roles : [])
    const entry = limited(had, ({ id }) => roles.has(id))
    if (!given || !entry) throw new Fault(401, 'EC2 credential project does not match the OAuth1 access token project.')
    const ends = endingBy(context, given.expiresAt)
    return { ...common, user, entry, ends, oauth: { id: given.id, consumerId: given.consumerId } }
  }
  if (!had) throw new Fault(401, 'User not valid for project.')
  return { ...common, user, entry: had }
}

const givenIn = ({ credentials, credential, ec2Credentials }: z.infer<typeof body>): Signed => {
  const given = credentials ?? credential ?? ec2Credentials
  if (!given) throw badRequest('request must include a request body')
  return given
}

export const signedTokenOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'ec2_token.create',
    method: 'POST',
    path: '/v3/ec2tokens',
    who: 'authenticated',
    summary:
      'A token for who signed a request with EC2 credentials (versions 2 and 4), for services and administrators that were sent it.',
    status: 200,
    body,
    handle: async (input) => {
      assertService(input.context.caller!, 'ec2tokens_validate')
      return answerWith(services(), input, await provenBy(input.context, givenIn(input.body), false))
    },
  }),
  operation({
    name: 's3_token.create',
    method: 'POST',
    path: '/v3/s3tokens',
    who: 'authenticated',
    summary:
      'What a token says of who signed a text with EC2 credentials, for services and administrators; the token itself is not told.',
    status: 200,
    body,
    handle: async (input) => {
      assertService(input.context.caller!, 's3tokens_validate')
      const { json } = await answerWith(services(), input, await provenBy(input.context, givenIn(input.body), true))
      return { json: json! }
    },
  }),
]
