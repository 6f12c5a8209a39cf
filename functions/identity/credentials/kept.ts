import { createHash } from 'node:crypto'
import type { KeptRow } from '../../../db/queries/identity/credentials.ts'
import { credentialPlace } from '../../broker/line/sealed-places.ts'
import type { Caller, Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { badRequest, Fault, forbidden } from '../../http/fault.ts'
import { actionRefused, missing } from '../refusals.ts'

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

const isIn = ({ credential, projectId: own }: Caller, projectId: string | null): boolean =>
  !credential || projectId === own

/** Whether a token reaches a credential: one got by an application credential only what is for its own project. */
export const reachesKept = (caller: Caller, { projectId }: Pick<KeptRow, 'projectId'>): boolean =>
  isIn(caller, projectId)

/** 403 where it does not. */
export const assertReachesKept = (caller: Caller, row: Pick<KeptRow, 'projectId'>): void => {
  if (!reachesKept(caller, row))
    throw forbidden(actionRefused('Credential project does not match the project scope of the delegated token'))
}

/** 403 for tokens that were got by an application credential which may make no others. */
export const assertMayDelegate = ({ credential }: Caller): void => {
  if (credential && !credential.unrestricted)
    throw forbidden(
      actionRefused("Using method 'application_credential' is not allowed for managing additional credentials."),
    )
}
