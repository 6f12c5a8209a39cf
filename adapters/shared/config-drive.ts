import type { Json, ServerSpec } from '../contract.ts'
import { type IsoFile, isoOf } from './iso9660.ts'

/** What guests look for: https://docs.openstack.org/nova/latest/user/metadata.html#config-drives */
const LABEL = 'config-2'

const json = (value: Json): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** The files of a server's config drive; none: it has no drive. */
export const driveFiles = ({ drive, userData }: Pick<ServerSpec, 'drive' | 'userData'>): IsoFile[] => {
  if (!drive) return []
  const latest = (name: string, data: Uint8Array): IsoFile => ({ path: ['openstack', 'latest', name], data })
  return [
    latest('meta_data.json', json(drive.metaData)),
    latest('network_data.json', json(drive.networkData)),
    latest('vendor_data.json', json(drive.vendorData)),
    ...(userData === null
      ? []
      : [
          latest(
            'user_data',
            Uint8Array.from(atob(userData.replaceAll(/\s/g, '')), (char) => char.charCodeAt(0)),
          ),
        ]),
  ]
}

/** The drive as a disk: ISO 9660, always the same bytes for the same server. */
export const driveImage = (spec: Pick<ServerSpec, 'drive' | 'userData'>): Uint8Array => isoOf(LABEL, driveFiles(spec))
