import { createHash } from 'node:crypto'
import { type KeptRow, keepsSoMany } from '../../../db/queries/identity/credentials.ts'
import { credentialPlace } from '../../broker/line/sealed-places.ts'
import type { Caller, Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { badRequest, Fault, forbidden } from '../../http/fault.ts'
import { isDelegated } from '../delegated.ts'
import { actionRefused, missing } from '../refusals.ts'
import type { Rule } from '../rules.ts'

/** The id of an EC2 credential: SHA-256 of its access key, so that the key itself is in no row but sealed. */
export const idOfAccess = (access: string): string => createHash('sha256').update(access).digest('hex')

export const sealBlob = (context: Context, id: string, blob: string): string =>
  sealAtRest(context, credentialPlace(id), blob)

/** What is kept, in the clear. 500 if no key of this deployment opens it. */
export const openBlob = (context: Context, { id, blob }: KeptRow): string => {
  const plain = openAtRest(context, credentialPlace(id), blob)
  if (plain === null)
    throw new Fault(500, `Credential ${id} was sealed with a key that is not among PLIMSOLL_SECRET_KEY.`)
  return plain
}

/** The blob of an EC2 credential; 400 for what is none. */
export const ec2Blob = (text: string): { access: string; secret?: unknown } & Record<string, unknown> => {
  let blob: unknown
  try {
    blob = JSON.parse(text)
  } catch {
    throw badRequest('Invalid blob in credential')
  }
  if (!blob || typeof blob !== 'object' || Array.isArray(blob)) throw missing('blob', 'credential')
  const { access } = blob as Record<string, unknown>
  if (typeof access !== 'string' || access === '') throw missing('access', 'credential')
  return blob as { access: string }
}

/** How many credentials a user may keep: `[credential] user_limit` of Keystone. */
const USER_LIMIT = 100

/** 403 for one more than a user may keep. */
export const roomFor = (userId: string): Rule => ({
  violated: keepsSoMany(userId, USER_LIMIT),
  refusal: forbidden(`Unable to create additional credentials, maximum of ${USER_LIMIT} already exceeded for user.`),
})

const isIn = (caller: Caller, projectId: string | null): boolean =>
  !isDelegated(caller) || projectId === caller.projectId

/** What a token reaches of what is kept: one that may do less than its user only what is for its own project. */
export const reachedProject = (caller: Caller): string | undefined =>
  isDelegated(caller) ? caller.projectId : undefined

/** 403 where it does not. */
export const assertReachesKept = (caller: Caller, row: Pick<KeptRow, 'projectId'>): void => {
  if (!isIn(caller, row.projectId))
    throw forbidden(actionRefused('Credential project does not match the project scope of the delegated token'))
}

/** 403 for tokens that were lent or given, or got by an application credential which may make no others. */
export const assertMayDelegate = ({ credential, trust, oauth }: Caller): void => {
  if (oauth)
    throw forbidden(actionRefused('Using an OAuth-scoped token is not allowed for managing additional credentials.'))
  if (trust)
    throw forbidden(actionRefused('Using a trust-scoped token is not allowed for managing additional credentials.'))
  if (credential && !credential.unrestricted)
    throw forbidden(
      actionRefused("Using method 'application_credential' is not allowed for managing additional credentials."),
    )
}
