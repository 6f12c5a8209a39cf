import { updateVolume, type VolumeRead } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { commitOn, stillNowhere } from './volume.ts'
import { zoneName, zonesWithVolumes } from './volume-place.ts'
import { VolumeRefused } from './volume-refusal.ts'
import { asAsked, stillOfType, type VolumeType } from './volume-types.ts'

/**
 * Gives a volume another type. One that is nowhere yet may have any; one that is somewhere has only those that are the same
 * disk of its cloud, as nobody moves it. Throws `VolumeRefused` (`no-type`, `incapable`, `status`).
 */
export const retypeVolume = async (context: Context, volume: VolumeRead, type: VolumeType): Promise<void> => {
  const asked = await asAsked(context, type)
  const zones = await zonesWithVolumes(context, { projectId: volume.projectId })
  const { cloudId, zone } = volume
  const fitting = zones.filter((place) => asked.fits(place) && (type.zones?.includes(zoneName(place)) ?? true))
  const set = { volumeType: asked.native, typeId: asked.typeId, updatedAt: context.now() }
  const allowed = ['available', 'in-use']
  const holds = stillOfType(context, asked)
  if (cloudId === null)
    return commitOn(context, 'retype', volume, allowed, [
      ...holds,
      stillNowhere(context, volume),
      updateVolume(context.db, volume.id, set),
    ])
  if (!fitting.some((place) => place.cloudId === cloudId && place.zone === zone))
    throw new VolumeRefused({ kind: 'no-type', type: type.name, zones: fitting.map(zoneName) })
  if (asked.native !== volume.volumeType)
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume ${volume.id} is a disk of type ${volume.volumeType} on cloud ${volume.cloud}, and stays one: make a snapshot of it, and a volume of type ${type.name} of that.`,
    })
  return commitOn(context, 'retype', volume, allowed, [...holds, updateVolume(context.db, volume.id, set)])
}
