import { domainByName, type UserRow, userById, userByName } from '../../db/queries/identity/identity.ts'
import { rolesLeft } from '../../db/queries/identity/tokens.ts'
import { unauthorized } from '../auth/policy.ts'
import { openToken, type Token } from '../auth/token.ts'
import type { Context, Database } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { Fault } from '../http/fault.ts'
import { checkPassword } from './check-password.ts'
import { missing } from './refusals.ts'

/** By id, or by name within a domain. */
export interface Named {
  id?: string | undefined
  name?: string | undefined
  domain?: { id?: string | undefined; name?: string | undefined } | undefined
}
export interface Proof {
  methods: string[]
  password?: { user: Named & { password: string } } | undefined
  token?: { id: string } | undefined
}
export interface Proven {
  user: UserRow
  methods: string[]
  /** The token by which the user proved himself: the new one ends no later. */
  from: Token | null
}

/** Who it is that wants a token. 401, in the same words and the same time, for whatever does not fit. */
export const authenticate = async (context: Context, proof: Proof): Promise<Proven> => {
  if (proof.methods.length === 0) throw missing('methods', 'identity')
  const proofs: Proven[] = []
  for (const method of new Set(proof.methods)) proofs.push(await byMethod(context, method, proof))
  const { user } = proofs[0]!
  if (proofs.some((each) => each.user.id !== user.id)) throw unauthorized()
  return {
    user,
    methods: [...new Set(proofs.flatMap(({ methods }) => methods))],
    from: proofs.find(({ from }) => from)?.from ?? null,
  }
}

const byMethod = (context: Context, method: string, proof: Proof): Promise<Proven> => {
  if (method === 'password') {
    if (!proof.password) throw missing('password', 'identity')
    return byPassword(context, proof.password.user)
  }
  if (method === 'token') {
    if (!proof.token) throw missing('token', 'identity')
    return byToken(context, proof.token.id)
  }
  throw new Fault(401, 'Attempted to authenticate with an unsupported method.')
}

const byPassword = async (context: Context, asked: Named & { password: string }): Promise<Proven> => {
  const user = await userNamed(context.db, asked)
  await checkPassword(context, user, asked)
  return { user: user!, methods: ['password'], from: null }
}

const byToken = async (context: Context, text: string): Promise<Proven> => {
  const token = openToken(text, keyring(context.settings.secretKeys, 'token'))
  if (!token || token.expiresAt <= context.now() || !(await rolesLeft(context.db, token))) throw unauthorized()
  const user = await userById(context.db, token.userId)
  if (!user) throw unauthorized()
  return { user, methods: ['token', ...token.methods.filter((method) => method !== 'token')], from: token }
}

const userNamed = async (db: Database, asked: Named): Promise<UserRow | null> => {
  if (asked.id !== undefined) return userById(db, asked.id)
  if (asked.name === undefined) throw missing('name', 'user')
  const domainId = await domainNamed(db, asked.domain, 'user')
  return userByName(db, domainId ?? '', asked.name)
}

/** The id of a domain given by id or name; null if there is none. 400 if neither is given. */
export const domainNamed = async (db: Database, domain: Named['domain'], of: string): Promise<string | null> => {
  if (domain?.id !== undefined) return domain.id
  if (domain?.name !== undefined) return (await domainByName(db, domain.name))?.id ?? null
  throw missing('domain', of)
}
