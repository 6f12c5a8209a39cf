import type { Caller, TokenCredential, TokenTrust } from '../context.ts'
import type { Key } from '../crypto/keys.ts'
import { open, seal } from '../crypto/seal.ts'

/** What a token says, as short as it can be: it travels in every request. */
interface Claims {
  u: [id: string, name: string, domain: string, epoch: number]
  p: [id: string, name: string, domain: string, epoch: number] | null
  /** In place of a project a domain, or the system. */
  d?: [id: string, name: string, epoch: number]
  s?: 1
  r: string[]
  a: string
  i: number
  e: number
  /** Methods by which the user proved himself. */
  m: string[]
  /** The application credential by which he did. */
  c?: [id: string, name: string, unrestricted: boolean, ruled: boolean]
  /** The trust by which he did. */
  t?: [id: string, trustor: string, trustee: string, impersonation: boolean, otherEpoch: number]
  /** What was given to a program. */
  o?: [id: string, consumer: string]
  /** Identity provider and protocol. */
  f?: [idp: string, protocol: string]
}

export interface Token extends Caller {
  methods: string[]
}

const AAD = 'token'

/**
 * The token as text: encrypted and authenticated under the first of the keys, so that any process opens it without a
 * look-up.
 */
export const sealToken = (token: Token, keys: Key[]): string =>
  seal(
    JSON.stringify({
      u: [token.userId, token.userName, token.userDomainId, token.userEpoch],
      p: token.projectId ? [token.projectId, token.projectName, token.projectDomainId, token.projectEpoch] : null,
      ...(token.domain ? { d: [token.domain.id, token.domain.name, token.domain.epoch] } : {}),
      ...(token.system ? { s: 1 } : {}),
      r: token.roles,
      a: token.auditId,
      i: token.issuedAt,
      e: token.expiresAt,
      m: token.methods,
      ...(token.credential ? { c: claimOf(token.credential) } : {}),
      ...(token.trust ? { t: trustClaimOf(token.trust) } : {}),
      ...(token.oauth ? { o: [token.oauth.id, token.oauth.consumerId] } : {}),
      ...(token.federation ? { f: [token.federation.idpId, token.federation.protocolId] } : {}),
    } satisfies Claims),
    AAD,
    keys,
  )

/** So many tokens are not opened again: what a text says is what it says, as long as the keys are these. */
const REMEMBERED = 1_000
const opened = new WeakMap<Key[], Map<string, Token>>()

/** The token's claims, or null if we did not seal it. Expiry and revocation are the caller's to check. */
export const openToken = (text: string, keys: Key[]): Token | null => {
  const known = opened.get(keys) ?? new Map<string, Token>()
  opened.set(keys, known)
  const token = known.get(text) ?? unseal(text, keys)
  if (!token) return null
  // The order of the map is that of use.
  known.delete(text)
  known.set(text, token)
  if (known.size > REMEMBERED) known.delete(known.keys().next().value!)
  return token
}

const unseal = (text: string, keys: Key[]): Token | null => {
  const plain = open(text, AAD, keys)
  if (plain === null) return null
  const { u, p, d, s, r, a, i, e, m, c, t, o, f } = JSON.parse(plain) as Claims
  return {
    userId: u[0],
    userName: u[1],
    userDomainId: u[2],
    userEpoch: u[3],
    projectId: p?.[0] ?? '',
    projectName: p?.[1] ?? '',
    projectDomainId: p?.[2] ?? '',
    projectEpoch: p?.[3] ?? 0,
    ...(d ? { domain: { id: d[0], name: d[1], epoch: d[2] } } : {}),
    ...(s ? { system: true } : {}),
    roles: r,
    isAdmin: administrates(r, d !== undefined),
    auditId: a,
    issuedAt: i,
    expiresAt: e,
    methods: m,
    ...(c ? { credential: { id: c[0], name: c[1], unrestricted: c[2], ruled: c[3] } } : {}),
    ...(t ? { trust: { id: t[0], trustorId: t[1], trusteeId: t[2], impersonation: t[3], otherEpoch: t[4] } } : {}),
    ...(o ? { oauth: { id: o[0], consumerId: o[1] } } : {}),
    ...(f ? { federation: { idpId: f[0], protocolId: f[1] } } : {}),
  }
}

const claimOf = ({ id, name, unrestricted, ruled }: TokenCredential): NonNullable<Claims['c']> => [
  id,
  name,
  unrestricted,
  ruled,
]

const trustClaimOf = ({
  id,
  trustorId,
  trusteeId,
  impersonation,
  otherEpoch,
}: TokenTrust): NonNullable<Claims['t']> => [id, trustorId, trusteeId, impersonation, otherEpoch]

/** The token with what is left of its roles. */
export const withRoles = <T extends Caller>(token: T, roles: string[]): T => ({
  ...token,
  roles,
  isAdmin: administrates(roles, token.domain !== undefined),
})

/** Whether who has these roles is an administrator of everything; of a domain, nobody is. */
export const administrates = (roles: string[], ofDomain: boolean): boolean => roles.includes('admin') && !ofDomain
