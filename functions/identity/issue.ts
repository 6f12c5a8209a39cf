import { Buffer } from 'node:buffer'
import type { UserRow } from '../../db/queries/identity/identity.ts'
import type { Entry } from '../../db/queries/identity/logins.ts'
import { administrates, type Token } from '../auth/token.ts'
import type { Host, TokenCredential, TokenTrust } from '../context.ts'

export interface Grant {
  user: Pick<UserRow, 'id' | 'name' | 'domainId' | 'epoch'>
  /** What the token is for; null: an unscoped one. */
  entry: Entry | null
  /** How the user proved himself, in order. */
  methods: string[]
  /** A rescoped token dies with the one it came from; milliseconds since 1970. */
  expiresAt?: number
  /** The application credential by which the user proved himself. */
  credential?: TokenCredential
  /** The trust by which the user got in. */
  trust?: TokenTrust
  /** What a user gave a program. */
  oauth?: Token['oauth']
  /** Who said who the user is. */
  federation?: Token['federation']
}

/** The claims of a new token, to be sealed. Audit ids have Keystone's shape: 16 bytes in base64url. */
export const issue = (host: Pick<Host, 'now' | 'newId' | 'settings'>, grant: Grant): Token => {
  const { user, entry, methods, credential, trust, oauth, federation } = grant
  const issuedAt = host.now()
  const expiresAt = grant.expiresAt ?? issuedAt + host.settings.tokenLifetime * 1000
  const { kind, place } = entry ?? {}
  const project = kind === 'project' ? place : undefined
  const roles = entry?.roles.map(({ name }) => name) ?? []
  return {
    userId: user.id,
    userName: user.name,
    userDomainId: user.domainId,
    userEpoch: user.epoch,
    projectId: project?.id ?? '',
    projectName: project?.name ?? '',
    projectDomainId: project?.domainId ?? '',
    projectEpoch: project?.epoch ?? 0,
    ...(kind === 'domain' ? { domain: { id: place!.id, name: place!.name, epoch: place!.epoch } } : {}),
    ...(kind === 'system' ? { system: true } : {}),
    roles,
    isAdmin: administrates(roles, kind === 'domain'),
    auditId: Buffer.from(host.newId().replaceAll('-', ''), 'hex').toString('base64url'),
    issuedAt,
    expiresAt,
    methods,
    ...(credential ? { credential } : {}),
    ...(trust ? { trust } : {}),
    ...(oauth ? { oauth } : {}),
    ...(federation ? { federation } : {}),
  }
}
