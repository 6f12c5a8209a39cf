import { type Entry, enterByToken, type Person, type Wanted } from '../../db/queries/identity/logins.ts'
import { unauthorized } from '../auth/policy.ts'
import { openToken } from '../auth/token.ts'
import type { Context, TokenCredential, TokenTrust } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { Fault, forbidden } from '../http/fault.ts'
import { logIn } from './check-password.ts'
import { type GivenSecret, limited, logInBySecret } from './check-secret.ts'
import { byTrust } from './credentials/by-trust.ts'
import { actionRefused, missing } from './refusals.ts'
import { type Named, naming } from './wanted.ts'

export interface Proof {
  methods: string[]
  password?: { user: Named & { password: string } } | undefined
  token?: { id: string } | undefined
  application_credential?: GivenSecret | undefined
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
}
type Proved = Omit<Proven, 'trust'>

/**
 * Who it is that wants a token, and what lets the user into the project that it is for. 401, in the same words and the
 * same time, for whatever does not fit, be it the user or the project.
 */
export const authenticate = async (
  context: Context,
  proof: Proof,
  wanted: Wanted,
  trustId: string | null,
): Promise<Proven> => {
  if (proof.methods.length === 0) throw missing('methods', 'identity')
  const proofs: Proved[] = []
  for (const method of new Set(proof.methods)) proofs.push(await byMethod(context, method, proof, wanted))
  // An application credential is for one project, whatever else was proved.
  const { user, entry, credential } = proofs.find((each) => each.credential) ?? proofs[0]!
  if (proofs.some((each) => each.user.id !== user.id)) throw unauthorized()
  // Their own project is not asked for: who is not let into it any more gets a token without one.
  if (!entry && wanted !== 'own' && wanted !== null) throw unauthorized()
  const methods = [...new Set(proofs.flatMap((each) => each.methods))]
  const ends = proofs.reduce<number | null>((first, each) => earlier(first, each.ends), null)
  if (trustId === null) return { user, entry, methods, ends, credential, trust: null }
  const trusted = await byTrust(context, user, trustId)
  return { ...trusted, methods, ends: earlier(ends, trusted.ends), credential }
}

const earlier = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other)

const byMethod = (context: Context, method: string, proof: Proof, wanted: Wanted): Promise<Proved> => {
  if (method === 'password') {
    if (!proof.password) throw missing('password', 'identity')
    return byPassword(context, proof.password.user, wanted)
  }
  if (method === 'token') {
    if (!proof.token) throw missing('token', 'identity')
    return byToken(context, proof.token.id, wanted)
  }
  if (method === 'application_credential') {
    if (!proof.application_credential) throw missing('application_credential', 'identity')
    return byCredential(context, proof.application_credential, wanted)
  }
  throw new Fault(401, 'Attempted to authenticate with an unsupported method.')
}

const byPassword = async (context: Context, asked: Named & { password: string }, wanted: Wanted): Promise<Proved> => {
  const given = { user: naming('user', asked), password: asked.password }
  return { ...(await logIn(context, given, wanted)), methods: ['password'], ends: null, credential: null }
}

const byCredential = async (context: Context, given: GivenSecret, wanted: Wanted): Promise<Proved> => {
  if (wanted !== 'own') throw new Fault(401, SCOPED)
  return { ...(await logInBySecret(context, given)), methods: ['application_credential'] }
}

const byToken = async (context: Context, text: string, wanted: Wanted): Promise<Proved> => {
  const token = openToken(text, keyring(context.settings.secretKeys, 'token'))
  const credential = token?.credential ?? null
  if (credential && wanted !== 'own') throw forbidden(RESCOPED)
  if (token?.trust) throw forbidden(TRUSTED)
  const place: Wanted = credential ? { project: { id: token!.projectId } } : wanted
  const found = token && token.expiresAt > context.now() ? await enterByToken(context.db, token, place) : null
  if (!token || !found?.user) throw unauthorized()
  const methods = ['token', ...token.methods.filter((method) => method !== 'token')]
  const entry = credential ? limited(found.entry, ({ name }) => token.roles.includes(name)) : found.entry
  return { user: found.user, entry, methods, ends: token.expiresAt, credential }
}
const SCOPED = 'Error authenticating with application credential: Application credentials cannot request a scope.'
const TRUSTED = actionRefused(
  'Using trust-scoped token to create another token. Create a new trust-scoped token instead',
)
const RESCOPED = actionRefused('Using an application credential token to create a scoped token is not allowed.')
