import { type Entry, enterByToken, type Person, type Wanted } from '../../db/queries/identity/logins.ts'
import { unauthorized } from '../auth/policy.ts'
import { openToken, type Token } from '../auth/token.ts'
import type { Context } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { Fault } from '../http/fault.ts'
import { logIn } from './check-password.ts'
import { missing } from './refusals.ts'
import { type Named, naming } from './wanted.ts'

export interface Proof {
  methods: string[]
  password?: { user: Named & { password: string } } | undefined
  token?: { id: string } | undefined
}
export interface Proven {
  user: Person
  /** Null: unscoped. */
  entry: Entry | null
  methods: string[]
  /** The token by which the user proved himself: the new one ends no later. */
  from: Token | null
}

/**
 * Who it is that wants a token, and what lets the user into the project that it is for. 401, in the same words and the
 * same time, for whatever does not fit, be it the user or the project.
 */
export const authenticate = async (context: Context, proof: Proof, wanted: Wanted): Promise<Proven> => {
  if (proof.methods.length === 0) throw missing('methods', 'identity')
  const proofs: Proven[] = []
  for (const method of new Set(proof.methods)) proofs.push(await byMethod(context, method, proof, wanted))
  const { user, entry } = proofs[0]!
  if (proofs.some((each) => each.user.id !== user.id)) throw unauthorized()
  // Their own project is not asked for: who is not let into it any more gets a token without one.
  if (!entry && wanted !== 'own' && wanted !== null) throw unauthorized()
  return {
    user,
    entry,
    methods: [...new Set(proofs.flatMap(({ methods }) => methods))],
    from: proofs.find(({ from }) => from)?.from ?? null,
  }
}

const byMethod = (context: Context, method: string, proof: Proof, wanted: Wanted): Promise<Proven> => {
  if (method === 'password') {
    if (!proof.password) throw missing('password', 'identity')
    return byPassword(context, proof.password.user, wanted)
  }
  if (method === 'token') {
    if (!proof.token) throw missing('token', 'identity')
    return byToken(context, proof.token.id, wanted)
  }
  throw new Fault(401, 'Attempted to authenticate with an unsupported method.')
}

const byPassword = async (context: Context, asked: Named & { password: string }, wanted: Wanted): Promise<Proven> => {
  const given = { user: naming('user', asked), password: asked.password }
  return { ...(await logIn(context, given, wanted)), methods: ['password'], from: null }
}

const byToken = async (context: Context, text: string, wanted: Wanted): Promise<Proven> => {
  const token = openToken(text, keyring(context.settings.secretKeys, 'token'))
  const found = token && token.expiresAt > context.now() ? await enterByToken(context.db, token, wanted) : null
  if (!token || !found?.user) throw unauthorized()
  const methods = ['token', ...token.methods.filter((method) => method !== 'token')]
  return { user: found.user, entry: found.entry, methods, from: token }
}
