import { beginRestore } from '../../../db/queries/block-storage/backups.ts'
import { groupGone } from '../../../db/queries/block-storage/groups.ts'
import { snapshotNot } from '../../../db/queries/block-storage/snapshots.ts'
import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import {
  insertVolume,
  tooLargeFor,
  type VolumeRead,
  type VolumeRow,
} from '../../../db/queries/block-storage/volumes.ts'
import { homeOf } from '../../../db/queries/compute/home.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { Context } from '../../context.ts'
import { freeZone, stillSaid } from '../clouds/policy.ts'
import { realiseImage } from '../image/image-takers.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { projectMeans } from '../money/parts.ts'
import { NOWHERE, tellUser } from './messages.ts'
import { DEFAULT_TYPE } from './type-names.ts'
import { type Placed, placeVolume } from './unplaced.ts'
import { projectOf, refuseIncapable } from './volume.ts'
import { payVolume, stillOpen, untilPaid } from './volume-money.ts'
import {
  chained,
  choosePlace,
  heeding,
  type NewVolume,
  named,
  sourceName,
  sourceOf,
  zoneName,
  zonesWithVolumes,
} from './volume-place.ts'
import { VolumeRefused } from './volume-refusal.ts'
import { stillOfType } from './volume-types.ts'

/** Admits a volume: one batch, then the cloud. Throws `VolumeRefused`, or `Refused` for quota. */
export const createVolume = (context: Context, wish: NewVolume): Promise<VolumeRead> =>
  untilPaid(async () => {
    const { volume, writes } = await planNewVolume(context, wish)
    await commit(context, { action: 'create', kind: 'volume', resourceId: volume.id }, writes)
    return volume
  })

/** A volume and the writes that admit it. */
interface Planned {
  volume: VolumeRead
  writes: Write[]
}

/** What `createVolume` writes, for a batch that writes more; guards of what it costs are to be tried again (`untilPaid`). */
export const planNewVolume = async (context: Context, wish: NewVolume): Promise<Planned> => {
  const projectId = projectOf(context)
  const [all, means] = await Promise.all([zonesWithVolumes(context, { projectId }), projectMeans(context, projectId)])
  const { policy } = means
  const holds = [stillSaid(context, projectId, means.said), ...(wish.type ? stillOfType(context, wish.type) : [])]
  const zone = wish.zone === freeZone(policy) ? null : wish.zone
  // What it is made of decides where it is, wherever that is.
  const tied = wish.snapshotId !== null || wish.sourceVolumeId !== null || wish.backupId !== undefined
  const places = zone === null && !tied ? chained(policy, all) : all
  const { type, beside, ...asked } = wish
  const ofType = type ? places.filter(type.fits) : places
  const fitting = beside ? await heeding(context, beside, ofType) : ofType
  const source = await sourceOf(context, projectId, { ...asked, zone, volumeType: type?.native ?? null }, fitting)
  const { typeId, typeName } = type ?? source
  const volumeType = type?.native ?? source.volumeType ?? DEFAULT_TYPE
  if ((typeId || beside) && places.length && !fitting.length)
    return unscheduled(context, wish, { projectId, volumeType, typeId, typeName }, holds)
  const [home = null] = zone === null ? await homeOf(context.db, projectId) : []
  const place = choosePlace(
    zone,
    volumeType,
    inTypesZones(zone, typeName, beside ? fitting : places, fitting),
    source,
    home,
  )
  if (!place) return unscheduled(context, wish, { projectId, volumeType, typeId, typeName }, holds)
  const size = wish.size ?? source.least
  if (size < source.least)
    throw new VolumeRefused({ kind: 'too-small', what: sourceName(wish), size, least: source.least })
  if (wish.sourceVolumeId) await refuseIncapable(context, place.cloudId, projectId, 'volume.clone')
  const row = newVolumeRow(context, {
    pinnedZone: zone === wish.zone ? null : wish.zone,
    projectId,
    name: wish.name,
    description: wish.description,
    sizeGib: size,
    volumeType,
    typeId,
    cloudId: place.cloudId,
    zone: place.zone,
    snapshotId: wish.snapshotId,
    sourceVolumeId: wish.sourceVolumeId,
    imageId: wish.imageId,
    groupId: wish.groupId ?? null,
    backupId: wish.backupId ?? null,
    bootable: source.bootable,
    metadata: wish.metadata,
    imageMetadata: source.imageMetadata,
  })
  const shown = { attachment: null, dueAt: null, attachmentDueAt: null, typeName }
  if (row.pinnedZone !== null && !tied) {
    const unplaced = { ...row, cloudId: null, zone: null, status: 'available' }
    const writes = [...holds, ...counted(context, unplaced), insertVolume(context.db, unplaced)]
    return { volume: { ...unplaced, cloud: '', ...shown }, writes }
  }
  const origin = source.volume ? (await placeVolume(context, source.volume, place)).writes : []
  const paid = await payVolume(context, row, { means })
  const restoring =
    row.backupId === null
      ? []
      : [
          guard(context, 'backup-busy', snapshotNot(row.backupId, ['available'])),
          beginRestore(context.db, row.backupId, context.now()),
        ]
  const writes = [...holds, ...restoring, ...origin, ...planVolume(context, row, source.image ?? null), ...paid]
  return { volume: { ...row, cloud: place.cloud, ...shown }, writes }
}

/** Zones for a type of an operator's, of which one may be named that has no volumes of it. */
const inTypesZones = (
  zone: string | null,
  type: string | null,
  all: VolumeZone[],
  fitting: VolumeZone[],
): VolumeZone[] => {
  if (
    type !== null &&
    zone !== null &&
    all.some((each) => named(each, zone)) &&
    !fitting.some((each) => named(each, zone))
  )
    throw new VolumeRefused({ kind: 'no-type', type, zones: fitting.map(zoneName) })
  return fitting
}

/** A volume of a type that no pool answers to, or for which none is enabled: accepted as Cinder accepts it, and in error with a message to its project. */
const unscheduled = (
  context: Context,
  wish: NewVolume,
  typed: Pick<VolumeRead, 'projectId' | 'volumeType' | 'typeId' | 'typeName'>,
  holds: Write[],
): Planned => {
  const { typeName, ...of } = typed
  const { name, description, metadata, snapshotId, sourceVolumeId, imageId } = wish
  const made = { name, description, metadata, snapshotId, sourceVolumeId, imageId, bootable: false, imageMetadata: {} }
  const row: VolumeRow = {
    ...newVolumeRow(context, { ...made, ...of, sizeGib: wish.size ?? 1, cloudId: '', zone: '', pinnedZone: wish.zone }),
    cloudId: null,
    zone: null,
    status: 'error',
    fault: NOWHERE.detail,
  }
  const writes = [...holds, ...counted(context, row), insertVolume(context.db, row), tellUser(context, row, NOWHERE)]
  return { volume: { ...row, cloud: '', attachment: null, dueAt: null, attachmentDueAt: null, typeName }, writes }
}

type Said = 'id' | 'userId' | 'readonly' | 'status' | 'fault' | 'createdAt' | 'updatedAt' | 'deletedAt'
type Extra = 'pinnedZone' | 'typeId' | 'groupId' | 'backupId' | 'rewrite' | 'retypedFrom'

/** A volume that is to be made, of the caller. */
export const newVolumeRow = (
  context: Context,
  wish: Placed<Omit<VolumeRow, Said | Extra>> & Partial<Pick<VolumeRow, Extra>>,
): Placed<VolumeRow> => {
  const now = context.now()
  return {
    pinnedZone: null,
    typeId: null,
    groupId: null,
    backupId: null,
    rewrite: null,
    retypedFrom: null,
    ...wish,
    id: context.newId(),
    userId: context.caller?.userId ?? '',
    readonly: false,
    status: 'creating',
    fault: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
}

/** Writes that admit a volume, made of an image or not; charges `volumes` and `gigabytes`. Guards: `group-gone`, `volume-size`, `volume-zone-closed`. */
export const planVolume = (context: Context, row: Placed<VolumeRow>, image: ImageRow | null): Write[] => [
  ...counted(context, row),
  insertVolume(context.db, row),
  stillOpen(context, row),
  bindTo(context, 'volume', row, row),
  ...(image ? realiseImage(context, image, row.projectId, row.cloudId) : []),
]

const counted = (context: Context, { projectId, sizeGib, groupId }: VolumeRow): Write[] => [
  ...(groupId === null ? [] : [guard(context, 'group-gone', groupGone(groupId))]),
  guard(context, 'volume-size', tooLargeFor(projectId, sizeGib)),
  charge(projectId, 'volumes', 1),
  charge(projectId, 'gigabytes', sizeGib),
]
