import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { isPlaced, sitesOf } from '../../block-storage/unplaced.ts'
import { imageMetadataOf, leastVolumeGib } from '../../block-storage/volume-place.ts'
import {
  type AskedType,
  asAsked,
  DEFAULT_TYPE,
  typeByDefault,
  typeOfImage,
  volumeTypeFor,
} from '../../block-storage/volume-types.ts'
import { withinAccounts } from '../../clouds/image-account.ts'
import { takersOf } from '../../image/image-takers.ts'
import { refuse } from '../server-refusal.ts'
import type { ServerWish } from '../server-wish.ts'
import type { Disk, DiskWish, MadeDisk } from './disk.ts'

/** What disks are made of, for the look-up of everything that a server refers to. */
export const sourcesNamed = (wishes: DiskWish[]) => {
  const ids = (kind: 'volume' | 'snapshot' | 'image') =>
    wishes.flatMap(({ source }) => (source?.kind === kind ? source.id : []))
  const made = wishes.some(({ source }) => source?.kind !== 'volume')
  return {
    volumeIds: ids('volume'),
    sources: made ? { imageIds: ids('image'), snapshotIds: ids('snapshot') } : null,
  }
}

/**
 * Checks the disks of a new server in the order in which Nova does (nova/compute/api.py, `_validate_bdm`). A volume that it
 * boots from has to be bootable unless an image is named too (nova/block_device.py, `get_bdm_image_metadata`). Throws
 * `ServerRefused`.
 */
export const understandDisks = async (
  context: Context,
  { disks: wishes, maxCount, imageId }: Pick<ServerWish, 'disks' | 'maxCount' | 'imageId'>,
  found: Found,
  projectId: string,
): Promise<Disk[]> => {
  const disks: Disk[] = []
  const usual = wishes.some(isUsual) ? await typeByDefault(context, projectId) : null
  const byDefault = usual && (await asAsked(context, usual))
  for (const wish of wishes) {
    const { device, tag, deleteOnTermination, bootIndex } = wish
    const options = { device, tag, deleteOnTermination, bootIndex }
    if (wish.source?.kind === 'volume') {
      const volume = volumeOf(wish, wish.source.id, { alone: maxCount === 1, imaged: imageId !== '' }, found)
      disks.push({ volume, sites: isPlaced(volume) ? null : await sitesOf(context, volume), options })
      continue
    }
    const source = await sourceOf(context, wish, found)
    const type = await typeSaid(context, wish, source, found)
    const typed = typeOf(wish, type ?? (isUsual(wish) ? byDefault : null), found)
    const made = { ...source, ...typed, sizeGib: sizeOf(wish, found) }
    disks.push({ made, options })
  }
  return disks
}

/** It is made of nothing that has a type, and named none: it has that of its image, or of its project. */
const isUsual = ({ source, volumeType }: DiskWish): boolean =>
  volumeType === null && source?.kind !== 'volume' && source?.kind !== 'snapshot'

const boots = ({ bootIndex }: DiskWish): boolean => bootIndex === 0

const volumeOf = (
  wish: DiskWish,
  id: string,
  { alone, imaged }: { alone: boolean; imaged: boolean },
  found: Found,
): Found['volumes'][number] => {
  if (!alone) refuse({ kind: 'only-one', what: 'volume', id })
  const unknown = () =>
    refuse(boots(wish) ? { kind: 'disk', why: 'volume', id } : { kind: 'unknown', what: 'volume', id })
  const volume = found.volumes.find((each) => each.id === id) ?? unknown()
  if (boots(wish) && !volume.bootable && !imaged) refuse({ kind: 'disk', why: 'not-bootable', id })
  if (volume.status !== 'available') refuse({ kind: 'volume-status', id, status: volume.status })
  return volume
}

type Typed = Pick<MadeDisk, 'volumeType' | 'typeId' | 'type'>
type Made = Omit<MadeDisk, 'sizeGib' | keyof Typed>
const EMPTY: Made = { snapshotId: null, image: null, bootable: false, imageMetadata: {}, clouds: null }

const sourceOf = async (context: Context, { source }: DiskWish, found: Found): Promise<Made> => {
  if (source?.kind === 'snapshot') {
    const snapshot = snapshotOf(source.id, found)
    const { bootable, imageMetadata, cloudId } = snapshot
    return {
      ...EMPTY,
      snapshotId: source.id,
      bootable: bootable ?? false,
      imageMetadata: imageMetadata ?? {},
      clouds: [cloudId],
    }
  }
  if (source?.kind !== 'image') return EMPTY
  const image = imageOf(source.id, found)
  const taking = await takersOf(context, image, found.clouds)
  const { here, apart } = await withinAccounts(context, image, found.projectId, image.clouds)
  const clouds = [...new Set([...here, ...taking])]
  if (!clouds.length && apart[0]) refuse({ kind: 'incapable', reason: apart[0] })
  return { ...EMPTY, image, bootable: true, imageMetadata: imageMetadataOf(image), clouds }
}

const imageOf = (id: string, found: Found) => {
  const image = found.sources.images.find((each) => each.id === id) ?? refuse({ kind: 'disk', why: 'image', id })
  return image.status === 'active' ? image : refuse({ kind: 'image-status', id, status: image.status })
}

const snapshotOf = (id: string, found: Found) => {
  const snapshot = found.sources.snapshots.find((each) => each.id === id)
  return snapshot?.status === 'available' ? snapshot : refuse({ kind: 'disk', why: 'snapshot', id })
}

const sizeOf = (wish: DiskWish, found: Found): number => {
  const { source, sizeGib } = wish
  if (source?.kind === 'snapshot') {
    const { sizeGib: needs } = snapshotOf(source.id, found)
    const has = sizeGib ?? needs
    return has < needs ? refuse({ kind: 'disk', why: 'small', of: 'snapshot', has, needs }) : has
  }
  if (sizeGib === null) return refuse({ kind: 'disk', why: source ? 'image-size' : 'blank-size' })
  if (source) {
    const needs = leastVolumeGib(imageOf(source.id, found))
    if (sizeGib < needs) refuse({ kind: 'disk', why: 'small', of: 'image', has: sizeGib, needs })
  }
  return sizeGib
}

const typeOf = ({ source }: DiskWish, type: AskedType | null, found: Found): Typed => {
  if (type) return { volumeType: type.native, typeId: type.typeId, type }
  const snapshot = source?.kind === 'snapshot' ? snapshotOf(source.id, found) : null
  return { volumeType: snapshot?.volumeType ?? DEFAULT_TYPE, typeId: snapshot?.typeId ?? null, type: null }
}

/** By the user, else by the image. */
const typeSaid = async (
  context: Context,
  { volumeType }: DiskWish,
  { image }: Made,
  found: Found,
): Promise<AskedType | null> => {
  if (volumeType !== null) return typeNamed(context, volumeType, found)
  const type = await typeOfImage(context, image)
  return type && asAsked(context, type)
}

const typeNamed = async (context: Context, named: string, { sources }: Found): Promise<AskedType> => {
  const type = await volumeTypeFor(context, named)
  const offered = [DEFAULT_TYPE, ...sources.zones.flatMap(({ volumeTypes }) => volumeTypes)]
  if (!type || !(type.made || offered.includes(type.name))) return refuse({ kind: 'disk', why: 'type', id: named })
  return asAsked(context, type)
}
