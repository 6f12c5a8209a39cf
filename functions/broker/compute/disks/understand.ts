import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { isPlaced, sitesOf } from '../../block-storage/unplaced.ts'
import { imageMetadataOf, leastVolumeGib } from '../../block-storage/volume-place.ts'
import { DEFAULT_TYPE, typeIdOf } from '../../block-storage/volume-types.ts'
import { takersOf } from '../../image/image-takers.ts'
import { refuse } from '../server-refusal.ts'
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
 * Checks the disks of a new server in the order in which Nova does (nova/compute/api.py, `_validate_bdm`); `alone`: it is
 * one server. Throws `ServerRefused`.
 */
export const understandDisks = async (
  context: Context,
  wishes: DiskWish[],
  alone: boolean,
  found: Found,
): Promise<Disk[]> => {
  const disks: Disk[] = []
  for (const wish of wishes) {
    const { device, tag, deleteOnTermination, bootIndex } = wish
    const options = { device, tag, deleteOnTermination, bootIndex }
    if (wish.source?.kind === 'volume') {
      const volume = volumeOf(wish, wish.source.id, alone, found)
      disks.push({ volume, sites: isPlaced(volume) ? null : await sitesOf(context, volume), options })
    } else disks.push({ made: { ...(await sourceOf(context, wish, found)), ...sizeAndType(wish, found) }, options })
  }
  return disks
}

const boots = ({ bootIndex }: DiskWish): boolean => bootIndex === 0

const volumeOf = (wish: DiskWish, id: string, alone: boolean, found: Found): Found['volumes'][number] => {
  if (!alone) refuse({ kind: 'only-one', what: 'volume', id })
  const unknown = () =>
    refuse(boots(wish) ? { kind: 'disk', why: 'volume', id } : { kind: 'unknown', what: 'volume', id })
  const volume = found.volumes.find((each) => each.id === id) ?? unknown()
  if (boots(wish) && !volume.bootable) refuse({ kind: 'disk', why: 'not-bootable', id })
  if (volume.status !== 'available') refuse({ kind: 'volume-status', id, status: volume.status })
  return volume
}

type Made = Omit<MadeDisk, 'sizeGib' | 'volumeType'>
const EMPTY: Made = { snapshotId: null, image: null, bootable: false, imageMetadata: {}, clouds: null }

const sourceOf = async (context: Pick<Context, 'conversion'>, { source }: DiskWish, found: Found): Promise<Made> => {
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
  const clouds = [...new Set([...image.clouds, ...taking])]
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

const sizeAndType = (wish: DiskWish, found: Found): Pick<MadeDisk, 'sizeGib' | 'volumeType'> => {
  const { source, sizeGib } = wish
  const snapshot = source?.kind === 'snapshot' ? snapshotOf(source.id, found) : null
  const volumeType = typeNamed(wish.volumeType, found) ?? snapshot?.volumeType ?? DEFAULT_TYPE
  if (snapshot) {
    const size = sizeGib ?? snapshot.sizeGib
    if (size < snapshot.sizeGib)
      refuse({ kind: 'disk', why: 'small', of: 'snapshot', has: size, needs: snapshot.sizeGib })
    return { sizeGib: size, volumeType }
  }
  if (sizeGib === null) return refuse({ kind: 'disk', why: source ? 'image-size' : 'blank-size' })
  if (source) {
    const needs = leastVolumeGib(imageOf(source.id, found))
    if (sizeGib < needs) refuse({ kind: 'disk', why: 'small', of: 'image', has: sizeGib, needs })
  }
  return { sizeGib, volumeType }
}

const typeNamed = (named: string | null, { sources }: Found): string | null => {
  if (named === null) return null
  const names = [DEFAULT_TYPE, ...sources.zones.flatMap(({ volumeTypes }) => volumeTypes)]
  return (
    names.find((name) => named === name || named === typeIdOf(name)) ?? refuse({ kind: 'disk', why: 'type', id: named })
  )
}
