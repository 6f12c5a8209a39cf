import type { Capability } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import {
  deleteSnapshots,
  hasSnapshots,
  readSnapshot,
  type SnapshotRead,
  type SnapshotRow,
  snapshotsOf,
} from '../../../db/queries/block-storage/snapshots.ts'
import {
  insertVolume,
  moveVolumes,
  readVolume,
  tooLargeFor,
  updateVolume,
  type VolumeRead,
  type VolumeRow,
  type VolumeZone,
  volumeHeld,
  volumeNot,
  volumeZones,
} from '../../../db/queries/block-storage/volumes.ts'
import { type Home, homeOf } from '../../../db/queries/compute/home.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { Ref } from '../../../db/queries/line/bindings.ts'
import type { Scope } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { imageFor } from '../image/image.ts'
import { formatOf, leastDiskGib, realiseImage, takersOf } from '../image/image-place.ts'
import { charge, commit, guard } from '../line/commit.ts'
import { driveSoon } from '../line/drive.ts'
import { Refusing } from '../line/refused.ts'
import { bindTo, changed, unwanted } from '../line/resources.ts'
import { DEFAULT_TYPE } from './volume-types.ts'

/** Why a volume, snapshot or attachment will not do as asked. The service words it and gives it a status. */
export type VolumeRefusal =
  /** It is in a status in which that cannot be done. */
  | { kind: 'status'; status: string; allowed: string[] }
  | { kind: 'no-zone'; zone: string }
  /** No cloud of the project has volumes. */
  | { kind: 'no-cloud' }
  /** The volume type is not offered there; `zones`: where it is, as `<cloud>.<zone>`. */
  | { kind: 'no-type'; type: string; zones: string[] }
  /** Two things that belong together are in different places: `<cloud>` or `<cloud>.<zone>`. */
  | { kind: 'elsewhere'; what: string; here: string; there: string }
  | { kind: 'too-small'; what: string; size: number; least: number }
  | { kind: 'unknown'; what: 'snapshot' | 'image' | 'volume'; id: string }
  | { kind: 'has-snapshots' }
  | { kind: 'attached' }
  /** The volume may only be read, and no cloud attaches a disk so. */
  | { kind: 'readonly' }
  /** The cloud cannot; `reason` is a sentence for people. */
  | { kind: 'incapable'; reason: string }

export class VolumeRefused extends Refusing<VolumeRefusal> {
  constructor(refusal: VolumeRefusal) {
    super(refusal, `volume refused: ${JSON.stringify(refusal)}`)
  }
}

/** The volume with its attachment; null: none that the caller may see. */
export const volumeFor = (context: Context, id: string): Promise<VolumeRead | null> =>
  readVolume(context.db, context.scope, id)

/** What it is when nothing is under way. */
export const restingStatus = (attachment: { status: string } | null): string =>
  attachment && attachment.status !== 'attaching' ? 'in-use' : 'available'

/** Project for which the caller acts. */
export const projectOf = ({ scope, caller }: Context): string =>
  'projectId' in scope ? scope.projectId : (caller?.projectId ?? '')

export interface NewVolume {
  name: string | null
  description: string | null
  /** Null: as large as its source. */
  size: number | null
  zone: string | null
  snapshotId: string | null
  sourceVolumeId: string | null
  imageId: string | null
  metadata: Record<string, string>
  /** Name of a volume type; null: that of the source, else `default`. */
  volumeType: string | null
}

interface Source {
  cloudId: string | null
  zone: string | null
  least: number
  /** Of a volume, or of that of a snapshot. */
  volumeType: string | null
  bootable: boolean
  imageMetadata: Record<string, string>
  image?: ImageRow
}

/** Admits a volume: one batch, then the cloud. Throws `VolumeRefused`, or `Refused` for quota. */
export const createVolume = async (context: Context, wish: NewVolume): Promise<VolumeRead> => {
  const projectId = projectOf(context)
  const places = await zonesWithVolumes(context, { projectId })
  const source = await sourceOf(context, wish, places)
  const volumeType = wish.volumeType ?? source.volumeType ?? DEFAULT_TYPE
  const [home = null] = wish.zone === null ? await homeOf(context.db, projectId) : []
  const place = choose(wish.zone, volumeType, places, source, home)
  const size = wish.size ?? source.least
  if (size < source.least)
    throw new VolumeRefused({ kind: 'too-small', what: sourceName(wish), size, least: source.least })
  if (wish.sourceVolumeId) await refuseIncapable(context, place.cloudId, projectId, 'volume.clone')
  const now = context.now()
  const row: VolumeRow = {
    id: context.newId(),
    projectId,
    userId: context.caller?.userId ?? '',
    name: wish.name,
    description: wish.description,
    sizeGib: size,
    volumeType,
    cloudId: place.cloudId,
    zone: place.zone,
    snapshotId: wish.snapshotId,
    sourceVolumeId: wish.sourceVolumeId,
    imageId: wish.imageId,
    bootable: source.bootable,
    readonly: false,
    metadata: wish.metadata,
    imageMetadata: source.imageMetadata,
    status: 'creating',
    fault: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
  await commit(context, { action: 'create', kind: 'volume', resourceId: row.id }, [
    guard(context, 'volume-size', tooLargeFor(projectId, size)),
    charge(context, projectId, 'volumes', 1),
    charge(context, projectId, 'gigabytes', size),
    insertVolume(context.db, row),
    bindTo(context, 'volume', row, row),
    ...(source.image ? realiseImage(context, source.image, projectId, row.cloudId) : []),
  ])
  return { ...row, cloud: place.cloud, attachment: null, dueAt: null, attachmentDueAt: null }
}

/** Zones of the scope's clouds that have volumes at all, as the operator orders them. */
export const zonesWithVolumes = async (context: Context, scope: Scope = context.scope): Promise<VolumeZone[]> => {
  const all = (await volumeZones(context.db, scope)).filter(({ enabled }) => enabled)
  const types = [...new Set(all.map(({ type }) => type))]
  const able = new Set<string>()
  for (const type of types) {
    const adapter = await adapterFor(type)
    if (adapter && adapter.lacks.volume === undefined) able.add(type)
  }
  return all.filter(({ type }) => able.has(type))
}

/** What a volume is made of decides where it may be, how large it must be and whether a server can boot from it. */
const sourceOf = async (context: Context, wish: NewVolume, places: VolumeZone[]): Promise<Source> => {
  const nothing: Source = {
    cloudId: null,
    zone: null,
    least: 1,
    volumeType: null,
    bootable: false,
    imageMetadata: {},
  }
  const { db, scope } = context
  if (wish.snapshotId) {
    const snapshot: SnapshotRead | null = await readSnapshot(db, scope, wish.snapshotId)
    if (!snapshot) throw new VolumeRefused({ kind: 'unknown', what: 'snapshot', id: wish.snapshotId })
    if (snapshot.status !== 'available')
      throw new VolumeRefused({ kind: 'status', status: snapshot.status, allowed: ['available'] })
    const parent = await readVolume(db, scope, snapshot.volumeId)
    return {
      ...nothing,
      cloudId: snapshot.cloudId,
      least: snapshot.sizeGib,
      volumeType: parent?.volumeType ?? null,
      bootable: parent?.bootable ?? false,
      imageMetadata: parent?.imageMetadata ?? {},
    }
  }
  if (wish.sourceVolumeId) {
    const volume = await readVolume(db, scope, wish.sourceVolumeId)
    if (!volume) throw new VolumeRefused({ kind: 'unknown', what: 'volume', id: wish.sourceVolumeId })
    const allowed = ['available', 'in-use']
    if (!allowed.includes(volume.status)) throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
    const { cloudId, zone, sizeGib: least, volumeType, bootable, imageMetadata } = volume
    return { cloudId, zone, least, volumeType, bootable, imageMetadata }
  }
  if (wish.imageId) {
    const image = await imageFor(context, wish.imageId)
    if (!image) throw new VolumeRefused({ kind: 'unknown', what: 'image', id: wish.imageId })
    if (image.row.status !== 'active')
      throw new VolumeRefused({ kind: 'status', status: image.row.status, allowed: ['active'] })
    const bound = image.bindings.filter((b) => b.phase === 'bound').map((b) => b.cloudId)
    const takers = await takersOf(
      image.row,
      places.map(({ cloudId, type }) => ({ id: cloudId, type })),
    )
    const on = image.row.blob ? takers : bound
    const near = places.filter((p) => on.includes(p.cloudId) && (!wish.zone || named(p, wish.zone)))
    const offering = near.find((p) => offers(p, wish.volumeType ?? DEFAULT_TYPE))
    const cloudId = (offering ?? near[0])?.cloudId ?? on[0] ?? null
    if (!cloudId)
      throw new VolumeRefused({
        kind: 'incapable',
        reason: image.row.blob
          ? `Image ${image.row.id} is ${formatOf(image.row)}, which no cloud of the project makes volumes of.`
          : `Image ${image.row.id} has no data on any cloud of the project.`,
      })
    return {
      ...nothing,
      cloudId,
      image: image.row,
      least: Math.max(1, leastDiskGib(image.row), Math.ceil((image.row.sizeBytes ?? 0) / 2 ** 30)),
      bootable: true,
      imageMetadata: imageMetadataOf(image.row),
    }
  }
  return nothing
}

const imageMetadataOf = (image: NonNullable<Awaited<ReturnType<typeof imageFor>>>['row']): Record<string, string> => ({
  ...image.properties,
  image_id: image.id,
  image_name: image.name ?? '',
  container_format: image.containerFormat ?? 'bare',
  disk_format: image.diskFormat ?? 'raw',
  min_disk: String(image.minDiskGib),
  min_ram: String(image.minRamMib),
  size: String(image.sizeBytes ?? 0),
})

const sourceName = (wish: NewVolume) => (wish.snapshotId ? 'snapshot' : wish.sourceVolumeId ? 'source volume' : 'image')

const zoneName = (place: VolumeZone) => `${place.cloud}.${place.zone}`
const named = (place: VolumeZone, zone: string) => zone === place.cloud || zone === zoneName(place)
const offers = (place: VolumeZone, type: string) => type === DEFAULT_TYPE || place.volumeTypes.includes(type)

/**
 * The named zone, or one with the type and room: next to the source if there is one, else where the project is already,
 * else where its first server would go (`place`), so that the two meet.
 */
const choose = (
  zone: string | null,
  type: string,
  places: VolumeZone[],
  source: Source,
  home: Home | null,
): VolumeZone => {
  const wanted = zone === null ? places : places.filter((place) => named(place, zone))
  if (!places.length) throw new VolumeRefused({ kind: 'no-cloud' })
  if (!wanted.length) throw new VolumeRefused({ kind: 'no-zone', zone: zone! })
  const near = wanted.filter(
    (p) => (!source.cloudId || p.cloudId === source.cloudId) && (!source.zone || p.zone === source.zone),
  )
  if (!near.length) {
    const home = places.find((p) => p.cloudId === source.cloudId)?.cloud ?? 'another cloud'
    throw new VolumeRefused({
      kind: 'elsewhere',
      what: 'source',
      here: zone ?? wanted[0]!.cloud,
      there: source.zone ? `${home}.${source.zone}` : home,
    })
  }
  const offering = near.filter((p) => offers(p, type))
  if (!offering.length) {
    const zones = places.filter((p) => offers(p, type)).map(zoneName)
    throw new VolumeRefused({ kind: 'no-type', type, zones })
  }
  const open = offering.filter(({ available }) => available)
  // Servers decide the cloud, as the operator's order does for them; volumes only the zone.
  const away = (p: VolumeZone): number => Number(home?.of === 'server' && p.cloudId !== home.cloudId)
  const apart = (p: VolumeZone): number => Number(p.cloudId === home?.cloudId && p.zone !== home.zone)
  const order = (p: VolumeZone): number => places.findIndex(({ cloudId }) => cloudId === p.cloudId)
  const roomy = [...(open.length ? open : offering)].sort(
    (a, b) =>
      Number(a.readOnly) - Number(b.readOnly) ||
      Number((a.load ?? 0) >= 1) - Number((b.load ?? 0) >= 1) ||
      away(a) - away(b) ||
      order(a) - order(b) ||
      apart(a) - apart(b) ||
      (a.load ?? 0) - (b.load ?? 0) ||
      a.zone.localeCompare(b.zone),
  )
  return roomy[0]!
}

/** Throws `incapable` with the reason that the adapter gives. */
export const refuseIncapable = async (
  context: Context,
  cloudId: string,
  projectId: string,
  capability: string,
): Promise<void> => {
  const { adapter } = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  const reason = adapter.lacks[capability as Capability]
  if (reason !== undefined) throw new VolumeRefused({ kind: 'incapable', reason })
}

/** Wants a larger volume; the cloud grows it in place. */
export const extendVolume = async (
  context: Context,
  volume: VolumeRead,
  size: number,
  allowed: string[],
): Promise<void> => {
  const { id, projectId, cloudId, sizeGib } = volume
  const { cloud } = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  if (!cloud.volume?.update)
    throw new VolumeRefused({ kind: 'incapable', reason: `Cloud ${volume.cloud} cannot extend volumes.` })
  await commitOn(context, 'extend', volume, allowed, [
    guard(context, 'volume-size', tooLargeFor(projectId, size)),
    charge(context, projectId, 'gigabytes', size - sizeGib),
    updateVolume(context.db, id, { sizeGib: size, status: 'extending', fault: null, updatedAt: context.now() }),
    changed(context, 'volume', id),
  ])
}

/** A change of the row under the guard that the volume still is in one of `allowed`. */
const commitOn = async (
  context: Context,
  action: string,
  volume: VolumeRead,
  allowed: string[],
  writes: Parameters<typeof commit>[2],
): Promise<void> => {
  if (!allowed.includes(volume.status)) throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
  await commit(context, { action, kind: 'volume', resourceId: volume.id }, [
    guard(context, 'volume-status', volumeNot(volume.id, allowed)),
    ...writes,
  ])
}

const snapshotRef = ({ id, cloudId }: SnapshotRow): Ref => ({ kind: 'snapshot', resourceId: id, cloudId, scope: '' })

/** Deletes a volume; `cascade` its snapshots too, `force` whatever its status is. It is gone when the cloud has let go. */
export const deleteVolume = async (
  context: Context,
  volume: VolumeRead,
  { cascade = false, force = false }: { cascade?: boolean; force?: boolean },
): Promise<void> => {
  const { db } = context
  const { id } = volume
  const allowed = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing']
  if (!force && !allowed.includes(volume.status))
    throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
  if (volume.attachment) throw new VolumeRefused({ kind: 'attached' })
  const children = await snapshotsOf(db, id)
  if (children.length && !cascade) {
    // Those that are on their way may be all that stands in the way, and nobody else looks after them.
    driveSoon(context, children.filter(({ status }) => status === 'deleting').map(snapshotRef))
    throw new VolumeRefused({ kind: 'has-snapshots' })
  }
  const childIds = children.map((child) => child.id)
  const now = context.now()
  await commit(context, { action: 'delete', kind: 'volume', resourceId: id }, [
    guard(context, 'volume-attached', volumeHeld(id)),
    ...(cascade ? [] : [guard(context, 'volume-snapshots', hasSnapshots(id))]),
    ...(childIds.length ? [deleteSnapshots(db, childIds, now), unwanted(context, 'snapshot', childIds)] : []),
    force
      ? updateVolume(db, id, { status: 'deleting', updatedAt: now })
      : moveVolumes(db, [id], allowed, 'deleting', now),
    unwanted(context, 'volume', id),
  ])
}

/** Name and description stand above the line; the cloud shows the name where it can. */
export const describeVolume = async (
  context: Context,
  volume: VolumeRead,
  set: Partial<Pick<VolumeRow, 'name' | 'description' | 'metadata' | 'imageMetadata' | 'bootable' | 'readonly'>>,
  action = 'update',
): Promise<VolumeRead> => {
  const updatedAt = context.now()
  const renamed = set.name !== undefined && set.name !== volume.name
  await commit(context, { action, kind: 'volume', resourceId: volume.id }, [
    updateVolume(context.db, volume.id, { ...set, updatedAt }),
    ...(renamed ? [changed(context, 'volume', volume.id)] : []),
  ])
  return { ...volume, ...set, updatedAt }
}

/** What an admin says the status is, whatever the cloud thinks. */
export const resetVolume = (context: Context, volume: VolumeRead, status: string): Promise<void> =>
  commit(context, { action: 'reset_status', kind: 'volume', resourceId: volume.id, detail: { status } }, [
    updateVolume(context.db, volume.id, { status, fault: null, updatedAt: context.now() }),
  ])
