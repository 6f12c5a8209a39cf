import { changeVolume } from '../broker/block-storage/volume.ts'
import { notFound } from '../http/fault.ts'
import { metadataOperations } from './metadata.ts'
import { besideFlag, volumeOf, withoutFlag } from './volumes.ts'

export const volumeMetadataOperations = metadataOperations({
  name: 'volume',
  collection: 'volumes',
  find: volumeOf,
  read: (volume) => withoutFlag(volume.metadata),
  write: ({ context }, volume, items) =>
    changeVolume(context, volume, { metadata: besideFlag(volume, items) }, 'set_metadata'),
  absent: ({ id }, key) => notFound(`Volume ${id} has no metadata with key ${key}.`),
})
