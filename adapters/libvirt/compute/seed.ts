import type { ServerSpec } from '../../contract.ts'
import { driveImage } from '../../shared/config-drive.ts'
import { type GuestPort, hostname, networkConfig } from '../../shared/guest-network.ts'
import { isoOf } from '../../shared/iso9660.ts'

/** What a guest is told. */
export type Told = Pick<ServerSpec, 'name' | 'userData' | 'publicKey' | 'metadata' | 'drive'>

/** What cloud-init looks for: https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html */
const LABEL = 'cidata'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The disc that a guest sets itself up by. JSON is YAML enough. Always the same bytes for the same server. */
export const seedImage = (
  { name, userData, publicKey, metadata }: Told,
  uuid: string,
  ports: GuestPort[],
): Uint8Array => {
  const metaData = {
    'instance-id': uuid,
    'local-hostname': hostname(name),
    ...(publicKey === null ? {} : { 'public-keys': [publicKey.trim()] }),
    // As the metadata service of OpenStack names it.
    meta: metadata,
  }
  const given =
    userData === null
      ? new Uint8Array()
      : Uint8Array.from(atob(userData.replaceAll(/\s/g, '')), (char) => char.charCodeAt(0))
  const network = ports.length ? [{ path: ['network-config'], data: text(JSON.stringify(networkConfig(ports))) }] : []
  return isoOf(LABEL, [
    { path: ['meta-data'], data: text(JSON.stringify(metaData)) },
    { path: ['user-data'], data: given },
    ...network,
  ])
}

/** Its config drive; null: it has none. */
export const configDrive = ({ drive, userData }: Told): Uint8Array | null =>
  drive ? driveImage({ drive, userData }) : null
