import type { Adapter, ImageSpec } from '../../../adapters/contract.ts'
import { adapters } from '../../../adapters/registry.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import { MADE } from './memory.ts'

/** Of a disk that was made no holes are read. */
const dense = (spec: ImageSpec): ImageSpec =>
  spec.source?.kind === 'data' && spec.source.blob.startsWith('converted/')
    ? { ...spec, source: { ...spec.source, sizeBytes: MADE } }
    : spec

/** The embedded cloud, taking disks as they are and nothing else, as EC2 does. */
const cloud: Adapter = {
  ...sandbox,
  type: 'raw',
  imageFormats: ['raw/bare'],
  connect(...given) {
    const found = sandbox.connect(...given)
    return { ...found, image: { ...found.image, create: (spec, mark) => found.image.create(dense(spec), mark) } }
  },
}

/** Registers the cloud type `raw`. */
export const rawCloudType = (): void => {
  adapters.raw = async () => cloud
}
