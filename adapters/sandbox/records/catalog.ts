import type { NativeId } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import type { ImageSetting } from '../options.ts'
import type { Entities } from './entities.ts'
import { referred, refuseUnsettled } from './realm.ts'

type Image = Entities['image']

/** When the images of the catalogue were made, for want of a better date. */
const CATALOG_DATE = Date.UTC(2026, 0, 1)

/** An image of the options, as if somebody had made it. */
export const builtIn = ({ name, arch, min_disk_gib, size_bytes, os }: ImageSetting): Image => ({
  kind: 'image',
  id: `sbx-img-${name}`,
  name,
  mark: null,
  asked: '',
  zone: null,
  createdAt: CATALOG_DATE,
  readyAt: CATALOG_DATE,
  fault: null,
  goneAt: null,
  spec: null,
  sha256: null,
  arch: arch ?? 'x86_64',
  minDiskGiB: min_disk_gib ?? 1,
  sizeBytes: size_bytes ?? null,
  os: os ?? 'linux',
})

/** An image that can be used now, of the catalogue or made from a server. */
export const findImage = async (engine: Engine, id: NativeId): Promise<Image> => {
  const known = engine.settings.images.find(({ name }) => `sbx-img-${name}` === id)
  if (known) return builtIn(known)
  const image = await referred(engine, 'image', id)
  refuseUnsettled(engine, image)
  return image
}
