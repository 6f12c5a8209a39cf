import { type Entry, enterByToken, type Person, type Wanted } from '../../db/queries/identity/logins.ts'
import { unauthorized } from '../auth/policy.ts'
import { openToken } from '../auth/token.ts'
import type { Caller, Context, TokenCredential, TokenTrust } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { Fault, forbidden, notFound } from '../http/fault.ts'
import type { Answer, Input } from '../http/operation.ts'
import { logIn } from './check-password.ts'
import { type GivenSecret, limited, logInBySecret } from './check-secret.ts'
import { byTrust } from './credentials/by-trust.ts'
import { byOauth } from './proofs/by-oauth.ts'
import { byOneTime } from './proofs/by-one-time.ts'
import { isEnough } from './proofs/factors.ts'
import { provenBefore, receiptFor } from './proofs/receipts.ts'
import { actionRefused, missing } from './refusals.ts'
import { type Named, naming } from './wanted.ts'

export interface Proof {
  methods: string[]
  password?: { user: Named & { password: string } } | undefined
  token?: { id: string } | undefined
  application_credential?: GivenSecret | undefined
  totp?: { user: Named & { passcode: string } } | undefined
}
export interface Proven {
  user: Person
  /** What the token is to be for; null: nothing. */
  entry: Entry | null
  methods: string[]
  /** What the user proved himself by ends then, and the new token no later; milliseconds since 1970; null: it does not. */
  ends: number | null
  /** The application credential by which the user did, or by which that token was got: the new one may no more. */
  credential: TokenCredential | null
  /** The trust by which the user got in. */
  trust: TokenTrust | null
  /** What the user gave the program that asks. */
  oauth?: Caller['oauth']
  /** Who said who the user is. */
  federation?: Caller['federation']
}
type Proved = Omit<Proven, 'trust'>
type Door = Pick<Input, 'context' | 'request' | 'origin'>

/**
 * Who it is that wants a token, and what lets the user into the project that it is for. 401, in the same words and the
 * same time, for whatever does not fit, be it the user or the project. An answer, in place of it, to who has proved
 * something and by his own rules not enough.
 */
export const authenticate = async (
  door: Door,
  proof: Proof,
  wanted: Wanted,
  trustId: string | null,
): Promise<Proven | { answer: Answer }> => {
  const { context } = door
  if (proof.methods.length === 0) throw missing('methods', 'identity')
  const proofs: Proved[] = []
  for (const method of new Set(proof.methods)) proofs.push(await byMethod(door, method, proof, wanted))
  // An application credential, and what was given to a program, is for one project, whatever else was proved.
  const { user, entry, credential, oauth } = proofs.find((each) => each.credential || each.oauth) ?? proofs[0]!
  if (proofs.some((each) => each.user.id !== user.id)) throw unauthorized()
  const before = provenBefore(context, door.request.headers, user)
  const methods = [...new Set([...proofs.flatMap((each) => each.methods), ...(before?.methods ?? [])])]
  const ends = proofs.reduce<number | null>((first, each) => earlier(first, each.ends), before?.ends ?? null)
  const federation = proofs.find((each) => each.federation)?.federation ?? before?.federation
  if (!(await isEnough(context, user, methods))) {
    // Whoever comes back with a receipt comes back as the user: what only some of him is for cannot be one's first half.
    if (credential || oauth) throw unauthorized()
    return { answer: receiptFor(context, user, { methods, ends, federation }) }
  }
  // Their own project is not asked for: who is not let into it any more gets a token without one.
  if (!entry && wanted !== 'own' && wanted !== null) throw unauthorized()
  const said = { methods, credential, oauth, federation }
  if (trustId !== null && oauth) throw forbidden(GIVEN_TRUSTED)
  if (trustId === null) return { ...said, user, entry, ends, trust: null }
  const trusted = await byTrust(context, user, trustId)
  return { ...said, ...trusted, ends: earlier(ends, trusted.ends) }
}

const earlier = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other)

/** What is said of a method; 400 where it is not. */
const saidOf = <Method extends keyof Proof>(proof: Proof, method: Method): NonNullable<Proof[Method]> => {
  const said = proof[method]
  if (!said) throw missing(method, 'identity')
  return said
}

const byMethod = (door: Door, method: string, proof: Proof, wanted: Wanted): Promise<Proved> => {
  const { context } = door
  if (method === 'password') return byPassword(context, saidOf(proof, 'password').user, wanted)
  if (method === 'token') return byToken(context, saidOf(proof, 'token').id, wanted)
  if (method === 'application_credential') return byCredential(context, saidOf(proof, 'application_credential'), wanted)
  if (method === 'totp') return byPasscode(context, saidOf(proof, 'totp').user, wanted)
  if (method === 'oauth1') return byProgram(door)
  // keystone/auth/core.py, `_validate_auth_methods`: what is not said comes before what is not known.
  throw Object.hasOwn(proof, method)
    ? new Fault(401, 'Attempted to authenticate with an unsupported method.')
    : missing(method, 'identity')
}

const byPassword = async (context: Context, asked: Named & { password: string }, wanted: Wanted): Promise<Proved> => {
  const given = { user: naming('user', asked), password: asked.password }
  return { ...(await logIn(context, given, wanted)), methods: ['password'], ends: null, credential: null }
}

const byPasscode = async (context: Context, asked: Named & { passcode: string }, wanted: Wanted): Promise<Proved> => ({
  ...(await byOneTime(context, asked, wanted)),
  ...{ methods: ['totp'], ends: null, credential: null },
})

const byProgram = async (door: Door): Promise<Proved> => ({
  ...(await byOauth(door)),
  ...{ methods: ['oauth1'], credential: null },
})

const byCredential = async (context: Context, given: GivenSecret, wanted: Wanted): Promise<Proved> => {
  if (wanted !== 'own') throw new Fault(401, SCOPED)
  return { ...(await logInBySecret(context, given)), methods: ['application_credential'] }
}

const byToken = async (context: Context, text: string, wanted: Wanted): Promise<Proved> => {
  const token = openToken(text, keyring(context.settings.secretKeys, 'token'))
  const credential = token?.credential ?? null
  if (credential && wanted !== 'own') throw forbidden(RESCOPED)
  if (token?.trust) throw forbidden(TRUSTED)
  if (token?.oauth) throw forbidden(GIVEN)
  if (token?.methods.includes('ec2credential')) throw forbidden(SIGNED)
  const place: Wanted = credential ? { project: { id: token!.projectId } } : wanted
  const found = token && token.expiresAt > context.now() ? await enterByToken(context.db, token, place) : null
  // Keystone answers 404 here, as to whoever asks about such a token (keystone/auth/plugins/token.py).
  if (!token || !found?.user) throw notFound('Failed to validate token')
  const methods = ['token', ...token.methods.filter((method) => method !== 'token')]
  const entry = credential ? limited(found.entry, ({ name }) => token.roles.includes(name)) : found.entry
  return { user: found.user, entry, methods, ends: token.expiresAt, credential, federation: token.federation }
}
const SCOPED = 'Error authenticating with application credential: Application credentials cannot request a scope.'
const TRUSTED = actionRefused(
  'Using trust-scoped token to create another token. Create a new trust-scoped token instead',
)
const GIVEN = actionRefused('Using OAuth-scoped token to create another token. Create a new OAuth-scoped token instead')
const GIVEN_TRUSTED = actionRefused('Using an OAuth access token to create a trust-scoped token')
const SIGNED = actionRefused('Using a token that was got by EC2 credentials to create another token is not allowed')
const RESCOPED = actionRefused('Using an application credential token to create a scoped token is not allowed.')
