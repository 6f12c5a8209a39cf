import type { Found } from '../../../../db/queries/compute/places.ts'
import { takesNew } from '../../block-storage/volume-place.ts'
import { DEFAULT_TYPE } from '../../block-storage/volume-types.ts'
import type { Disk } from './disk.ts'

/** Why disks of a new server cannot be made on a cloud, in a sentence; null: they can. */
export const whyNoDisks = (disks: Disk[], cloudId: string): string | null => {
  for (const { volume, sites } of disks)
    if (volume && sites && !sites.some((site) => site.cloudId === cloudId))
      return `Volume ${volume.id} cannot be made there.`
  for (const { made } of disks)
    if (made?.clouds && !made.clouds.includes(cloudId))
      return made.image ? `Image ${made.image.id} is not there.` : `Snapshot ${made.snapshotId} is not there.`
  return null
}

/** The same of a zone: not every type of volumes is in each. */
export const whyNoTypes = (
  disks: Disk[],
  { sources }: Found,
  { cloudId, zone }: { cloudId: string; zone: string },
): string | null => {
  const nowhere = disks.find(({ sites }) => sites && !sites.some((at) => at.cloudId === cloudId && at.zone === zone))
  if (nowhere) return `Volume ${nowhere.volume!.id} cannot be made there.`
  const here = sources.zones.find((each) => each.cloudId === cloudId && each.zone === zone)
  if (here && !takesNew(here) && disks.some(({ made }) => made)) return 'Its operator has no new volumes made there.'
  const wanted = disks.flatMap(({ made }) => (made && made.volumeType !== DEFAULT_TYPE ? made.volumeType : []))
  const missing = wanted.find((type) => !here?.volumeTypes.includes(type))
  const unfit = disks.find(({ made }) => made?.type && !(here && made.type.fits(here)))?.made?.type
  if (unfit) return `Volumes of type ${unfit.typeName ?? unfit.native} are not offered there.`
  return missing === undefined ? null : `Volumes of type ${missing} are not offered there.`
}
