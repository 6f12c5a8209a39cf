import type { Adapter } from '../../../adapters/contract.ts'
import { adapters } from '../../../adapters/registry.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'

/** The embedded cloud, taking disks as they are and nothing else, as EC2 does. */
const cloud: Adapter = { ...sandbox, type: 'raw', imageFormats: ['raw/bare'] }

/** Registers the cloud type `raw`. */
export const rawCloudType = (): void => {
  adapters.raw = async () => cloud
}
