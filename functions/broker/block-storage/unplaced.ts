import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import { nowhereNoMore, updateVolume, type VolumeRow } from '../../../db/queries/block-storage/volumes.ts'
import { policyOf } from '../../../db/queries/clouds/policies.ts'
import { homeOf } from '../../../db/queries/compute/home.ts'
import type { Context } from '../../context.ts'
import { stillSaid } from '../clouds/policy.ts'
import { realiseImage } from '../image/image-takers.ts'
import { guard, type Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { projectMeans } from '../money/parts.ts'
import { payVolume, stillOpen } from './volume-money.ts'
import { chained, choosePlace, offers, type Source, sourceOf, takesNew, zonesWithVolumes } from './volume-place.ts'
import { VolumeRefused } from './volume-refusal.ts'
import { askedById, DEFAULT_TYPE } from './volume-types.ts'

/*
 * Volumes that are nowhere yet: made in the zone that leaves the choice to the broker, they are realised where they are first
 * used. Until then they are rows that count.
 */

/** A volume, as far as it is known where it could be. */
export type Unplaced = Pick<VolumeRow, 'id' | 'projectId' | 'sizeGib' | 'volumeType' | 'typeId' | 'imageId'>

/** Somewhere. */
export type Placed<V> = V & { cloudId: string; zone: string }

/** Whether a volume is somewhere. */
export const isPlaced = <V extends Pick<VolumeRow, 'cloudId' | 'zone'>>(volume: V): volume is Placed<V> =>
  volume.cloudId !== null && volume.zone !== null

interface Site {
  cloudId: string
  zone: string
}

/** Where a volume that is nowhere yet could be made, and of what. */
const homesOf = async (context: Context, { projectId, volumeType, typeId, imageId }: Unplaced) => {
  const all = await zonesWithVolumes(context, { projectId })
  const wish = { zone: null, snapshotId: null, sourceVolumeId: null, imageId, volumeType }
  const source = await sourceOf(context, projectId, wish, all)
  const type = typeId === null ? null : await askedById(context, typeId)
  const typed = all.filter(
    (place) => offers(place, volumeType) && !place.readOnly && takesNew(place) && (type?.fits(place) ?? true),
  )
  return { source, homes: typed.filter(({ cloudId }) => source.clouds?.includes(cloudId) ?? true) }
}

/** Zones in which a volume that is nowhere yet could be made. */
export const sitesOf = async (context: Context, volume: Unplaced): Promise<Site[]> =>
  (await homesOf(context, volume)).homes.map(({ cloudId, zone }) => ({ cloudId, zone }))

/**
 * The volume where it is from now on, and the writes that make it so: in a zone, or (null) where the broker chooses. It is
 * `creating` until its cloud has it, and costs from then on. Throws
 * `VolumeRefused` (`incapable`, `no-type`) where it cannot be made there, and (`cost`, `unlisted`) where it is too dear. Guards: those of money, `volume-status` where it was placed meanwhile, `volume-zone-closed`,
 * `policy-moved` where the broker chooses by what is not said any more.
 */
export const placeVolume = async <V extends Unplaced & Pick<VolumeRow, 'cloudId' | 'zone'>>(
  context: Context,
  volume: V,
  at: Site | null,
): Promise<{ volume: Placed<V>; writes: Write[] }> => {
  if (isPlaced(volume)) return { volume, writes: [] }
  const { source, homes } = await homesOf(context, volume)
  const { site, holds } = at
    ? { site: siteIn(homes, volume, at), holds: [] }
    : await siteAmong(context, volume, source, homes)
  const { cloudId, zone } = site
  const placed = { ...volume, cloudId, zone }
  const means = await projectMeans(context, volume.projectId)
  const paid = await payVolume(context, placed, { means })
  const writes = [
    ...holds,
    guard(context, 'volume-status', nowhereNoMore(volume)),
    updateVolume(context.db, volume.id, { cloudId, zone, status: 'creating', updatedAt: context.now() }),
    stillOpen(context, site),
    bindTo(context, 'volume', volume, { cloudId, zone }),
    ...(source.image ? realiseImage(context, source.image, volume.projectId, cloudId) : []),
    ...(paid.length ? [stillSaid(context, volume.projectId, means.said), ...paid] : []),
  ]
  return { volume: placed, writes }
}

const siteIn = (homes: VolumeZone[], { id, volumeType, imageId }: Unplaced, at: Site): Site => {
  const found = homes.find(({ cloudId, zone }) => cloudId === at.cloudId && zone === at.zone)
  if (found) return found
  const what = volumeType === DEFAULT_TYPE ? 'it' : `one of type ${volumeType}`
  const of = imageId === null ? '' : ` of image ${imageId}`
  const reason = `Volume ${id} is made where it is first used, and ${what}${of} cannot be made in zone ${at.zone} of that cloud.`
  throw new VolumeRefused({ kind: 'incapable', reason })
}

const siteAmong = async (
  context: Context,
  { projectId, volumeType }: Unplaced,
  source: Source,
  homes: VolumeZone[],
): Promise<{ site: Site; holds: Write[] }> => {
  const [found] = await policyOf(context.db, projectId)
  const [home = null] = await homeOf(context.db, projectId)
  const places = chained(found?.policy ?? null, homes)
  const site = choosePlace(null, volumeType, places, { ...source, cloudId: null }, home)
  if (!site) throw new VolumeRefused({ kind: 'incapable', reason: 'No zone where it could be made takes new volumes.' })
  return { site, holds: found ? [stillSaid(context, projectId, found.said)] : [] }
}
