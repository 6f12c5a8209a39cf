import { updateVolume, type VolumeRead } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { stillSaid } from '../clouds/policy.ts'
import { changed } from '../line/resources.ts'
import { projectMeans } from '../money/parts.ts'
import { commitOn, refuseIncapable, stillAsRead, stillNowhere } from './volume.ts'
import { payVolume, untilPaid } from './volume-money.ts'
import { zoneName, zonesWithVolumes } from './volume-place.ts'
import { VolumeRefused } from './volume-refusal.ts'
import { type AskedType, asAsked, DEFAULT_TYPE, stillOfType, type VolumeType } from './volume-types.ts'

const ALLOWED = ['available', 'in-use']

/**
 * Gives a volume another type. One that is nowhere yet may have any; one that is somewhere has only those of its zone, as nobody
 * moves it, and its cloud makes it that where it can (`retyping` until then). Throws `VolumeRefused` (`no-type`, `incapable`,
 * `status`, and `cost` or `unlisted` where that is too dear).
 */
export const retypeVolume = async (context: Context, volume: VolumeRead, type: VolumeType): Promise<void> => {
  const asked = await asAsked(context, type)
  const zones = await zonesWithVolumes(context, { projectId: volume.projectId })
  const { cloudId, zone } = volume
  const fitting = zones.filter((place) => asked.fits(place) && (type.zones?.includes(zoneName(place)) ?? true))
  const set = { volumeType: asked.native, typeId: asked.typeId, updatedAt: context.now() }
  const holds = stillOfType(context, asked)
  if (cloudId === null)
    return commitOn(context, 'retype', volume, ALLOWED, [
      ...holds,
      stillNowhere(context, volume),
      updateVolume(context.db, volume.id, set),
    ])
  if (!fitting.some((place) => place.cloudId === cloudId && place.zone === zone))
    throw new VolumeRefused({ kind: 'no-type', type: type.name, zones: fitting.map(zoneName) })
  if (asked.native !== volume.volumeType)
    return untilPaid(() => onCloud(context, { ...volume, cloudId }, asked, type.name))
  return commitOn(context, 'retype', volume, ALLOWED, [
    ...holds,
    stillAsRead(context, volume),
    updateVolume(context.db, volume.id, set),
  ])
}

/** The cloud changes the disk where it is, whether a server has it or not. */
const onCloud = async (
  context: Context,
  volume: VolumeRead & { cloudId: string },
  asked: AskedType,
  name: string,
): Promise<void> => {
  const { id, projectId, cloudId, volumeType, typeId, sizeGib, retypedFrom } = volume
  if (asked.native === DEFAULT_TYPE)
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Type ${name} leaves it to a cloud which disk that is: volume ${id} is one of type ${volumeType} already, and would stay it.`,
    })
  await refuseIncapable(context, cloudId, projectId, 'volume.retype')
  const means = await projectMeans(context, projectId)
  const before = { means, before: sizeGib, typeBefore: volumeType }
  const paid = await payVolume(context, { projectId, cloudId, sizeGib, volumeType: asked.native }, before)
  await commitOn(context, 'retype', volume, ALLOWED, [
    stillAsRead(context, volume),
    ...stillOfType(context, asked),
    stillSaid(context, projectId, means.said),
    updateVolume(context.db, id, {
      volumeType: asked.native,
      typeId: asked.typeId,
      // Where somebody said meanwhile that it rests, its cloud may not even have begun with the one before.
      retypedFrom: retypedFrom ?? { volumeType, typeId },
      status: 'retyping',
      fault: null,
      updatedAt: context.now(),
    }),
    changed(context, 'volume', id),
    ...paid,
  ])
}
