import type { Context, Host } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'
import { open, seal } from '../../crypto/seal.ts'
import { NotConnected } from './not-connected.ts'

type Sealer = Pick<Host, 'settings' | 'deployment'>

/** Ties sealed credentials to one version of one cloud of one deployment: moved anywhere else they do not open. */
const place = (host: Sealer, cloudId: string, version: number) => `${host.deployment.id}|${cloudId}|${version}`

const keys = (host: Sealer) => keyring(host.settings.secretKeys, 'credentials')

/** What a cloud's `credentials` column holds. Raise the version with every change. */
export const sealCredentials = (
  host: Sealer,
  cloudId: string,
  version: number,
  credentials: Record<string, string>,
): string => seal(JSON.stringify(credentials), place(host, cloudId, version), keys(host))

interface Sealed {
  id: string
  name: string
  credentials: string | null
  credentialsVersion: number
}

/** A cloud's credentials in the clear; empty if it needs none. Throws `denied` (503) if they do not open: there is no other key to fall back to. */
export const openCredentials = (host: Sealer, cloud: Sealed): Record<string, string> => {
  if (cloud.credentials === null) return {}
  const plain = open(cloud.credentials, place(host, cloud.id, cloud.credentialsVersion), keys(host))
  if (plain === null)
    throw new NotConnected('denied', `The credentials of cloud ${cloud.name} cannot be opened.`, {
      operatorMessage: `Credentials of cloud ${cloud.name} were sealed with a key that is not among PLIMSOLL_SECRET_KEY.`,
    })
  return JSON.parse(plain) as Record<string, string>
}

/** The same credentials under today's first key; null if they are already. */
export const rewrapCredentials = (host: Context, cloud: Sealed): string | null => {
  if (cloud.credentials === null || cloud.credentials.startsWith(`v1.${keys(host)[0]!.kid}.`)) return null
  return sealCredentials(host, cloud.id, cloud.credentialsVersion, openCredentials(host, cloud))
}
