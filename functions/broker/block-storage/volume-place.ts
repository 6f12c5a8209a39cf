import { adapterFor } from '../../../adapters/registry.ts'
import { readBackup } from '../../../db/queries/block-storage/backups.ts'
import { readSnapshot, type SnapshotRead } from '../../../db/queries/block-storage/snapshots.ts'
import { type VolumeZone, volumeZones } from '../../../db/queries/block-storage/volume-zones.ts'
import { readVolume, type VolumeRead, volumesOf } from '../../../db/queries/block-storage/volumes.ts'
import type { Home } from '../../../db/queries/compute/home.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Scope } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { withinAccounts } from '../clouds/image-account.ts'
import { inChain, NO_POLICY } from '../clouds/policy.ts'
import { imageFor } from '../image/image.ts'
import { formatOf, leastDiskGib, nativeOf, takersOf, whyUnconverted } from '../image/image-takers.ts'
import { DEFAULT_TYPE } from './type-names.ts'
import { VolumeRefused } from './volume-refusal.ts'
import type { AskedType } from './volume-types.ts'

/** A volume that somebody wants. */
export interface NewVolume extends Omit<Origin, 'volumeType'> {
  name: string | null
  description: string | null
  /** Null: as large as its source. */
  size: number | null
  metadata: Record<string, string>
  /** The group that it is in from the beginning. */
  groupId?: string
  /** Volumes that it shall be with, and be apart from. */
  beside?: Beside
  /** Null: that of the source, else `default`. */
  type: AskedType | null
}

/** Ids of volumes. */
export interface Beside {
  same: string[]
  different: string[]
}

/**
 * Zones that hold one of the volumes that a new one shall be with, and none that it shall be apart from: to Cinder's filters a
 * zone is a backend (cinder/scheduler/filters/affinity_filter.py). What is no volume of the scope is nowhere.
 */
export const heeding = async (context: Context, { same, different }: Beside, places: VolumeZone[]) => {
  const found = await volumesOf(context.db, context.scope, [...same, ...different])
  const holds = (place: VolumeZone, ids: string[]) =>
    found.some(({ id, cloudId, zone }) => ids.includes(id) && cloudId === place.cloudId && zone === place.zone)
  return places.filter((place) => (!same.length || holds(place, same)) && !holds(place, different))
}

/** What a new volume is to be made of, and where. */
export interface Origin {
  zone: string | null
  snapshotId: string | null
  sourceVolumeId: string | null
  imageId: string | null
  backupId?: string
  /** What a cloud calls the type, or `default`; null: nobody named one. */
  volumeType: string | null
}

/** What a volume is made of. */
export interface Source {
  cloudId: string | null
  /** Every cloud where it could be; null: any. */
  clouds: string[] | null
  zone: string | null
  least: number
  /** Of a volume, or of that of a snapshot. */
  volumeType: string | null
  typeId: string | null
  typeName: string | null
  bootable: boolean
  imageMetadata: Record<string, string>
  image?: ImageRow
  volume?: VolumeRead
}

/** Whether clouds of a type have volumes at all. */
export const hasVolumes = async (type: string): Promise<boolean> => {
  const adapter = await adapterFor(type)
  return adapter !== null && adapter.lacks.volume === undefined
}

/** Zones of the scope's clouds that have volumes at all, as the operator orders them. */
export const zonesWithVolumes = async (context: Context, scope: Scope = context.scope): Promise<VolumeZone[]> =>
  withVolumes(await volumeZones(context.db, scope))

/** Those of some zones that are in use and have volumes. */
export const withVolumes = async (zones: VolumeZone[]): Promise<VolumeZone[]> => {
  const all = zones.filter(({ enabled }) => enabled)
  const types = [...new Set(all.map(({ type }) => type))]
  const able = new Set<string>()
  for (const type of types) if (await hasVolumes(type)) able.add(type)
  return all.filter(({ type }) => able.has(type))
}

/** Zones in the order in which a project's things go to them by themselves; others have to be named. */
export const chained = (policy: Policy | null, places: VolumeZone[]): VolumeZone[] =>
  places
    .flatMap((place) => {
      const at = inChain(policy ?? NO_POLICY, place.cloud)
      return at === null ? [] : [{ place, at }]
    })
    .toSorted((one, other) => one.at - other.at)
    .map(({ place }) => place)

/** What a volume is made of decides where it may be, how large it must be and whether a server can boot from it. */
export const sourceOf = async (
  context: Context,
  projectId: string,
  wish: Origin,
  places: VolumeZone[],
): Promise<Source> => {
  const nothing: Source = {
    cloudId: null,
    clouds: null,
    zone: null,
    least: 1,
    volumeType: null,
    typeId: null,
    typeName: null,
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
      typeId: parent?.typeId ?? null,
      typeName: parent?.typeName ?? null,
      bootable: parent?.bootable ?? false,
      imageMetadata: parent?.imageMetadata ?? {},
    }
  }
  if (wish.backupId !== undefined) {
    const found = await readBackup(db, scope, wish.backupId)
    if (!found) throw new VolumeRefused({ kind: 'unknown', what: 'backup', id: wish.backupId })
    if (found.status !== 'available')
      throw new VolumeRefused({ kind: 'status', status: found.status, allowed: ['available'] })
    const { cloudId, sizeGib: least, backup } = found
    const { volumeType, typeId, bootable, imageMetadata } = backup
    return { ...nothing, cloudId, least, volumeType, typeId, bootable, imageMetadata }
  }
  if (wish.sourceVolumeId) {
    const volume = await readVolume(db, scope, wish.sourceVolumeId)
    if (!volume) throw new VolumeRefused({ kind: 'unknown', what: 'volume', id: wish.sourceVolumeId })
    const allowed = ['available', 'in-use']
    if (!allowed.includes(volume.status)) throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
    const { cloudId, zone, sizeGib: least, volumeType, typeId, typeName, bootable, imageMetadata } = volume
    return { ...nothing, cloudId, zone, least, volumeType, typeId, typeName, bootable, imageMetadata, volume }
  }
  if (wish.imageId) {
    const image = await imageFor(context, wish.imageId)
    if (!image) throw new VolumeRefused({ kind: 'unknown', what: 'image', id: wish.imageId })
    if (image.row.status !== 'active')
      throw new VolumeRefused({ kind: 'status', status: image.row.status, allowed: ['active'] })
    const bound = image.bindings.filter((b) => b.phase === 'bound').map((b) => b.cloudId)
    const { here, apart } = await withinAccounts(context, image.row, projectId, bound)
    const takers = await takersOf(
      context,
      image.row,
      places.map(({ cloudId, type }) => ({ id: cloudId, type })),
    )
    const native = nativeOf(image.bindings)
    const on = image.row.blob ? [...new Set([...native, ...takers])] : here
    const near = places.filter((p) => on.includes(p.cloudId) && (!wish.zone || named(p, wish.zone)))
    const offering = near.find((p) => offers(p, wish.volumeType ?? DEFAULT_TYPE))
    const cloudId = (offering ?? near[0])?.cloudId ?? on[0] ?? null
    if (!cloudId)
      throw new VolumeRefused({
        kind: 'incapable',
        reason: image.row.blob
          ? `Image ${image.row.id} is ${formatOf(image.row)}, which no cloud of the project makes volumes of. ${whyUnconverted(context, image.row)}`
          : (apart[0] ?? `Image ${image.row.id} has no data on any cloud of the project.`),
      })
    return {
      ...nothing,
      cloudId,
      clouds: on,
      image: image.row,
      least: leastVolumeGib(image.row),
      bootable: true,
      imageMetadata: imageMetadataOf(image.row),
    }
  }
  return nothing
}

/** GiB that a volume of an image has at least. */
export const leastVolumeGib = (image: ImageRow): number =>
  Math.max(1, leastDiskGib(image), Math.ceil((image.sizeBytes ?? 0) / 2 ** 30))

/** What a volume remembers of the image that it is made of, as Cinder does. */
export const imageMetadataOf = (image: ImageRow): Record<string, string> => ({
  // Whoever boots from the volume has to know, and the image may be gone by then.
  ...(image.arch === 'x86_64' ? {} : { architecture: image.arch }),
  ...image.properties,
  image_id: image.id,
  image_name: image.name ?? '',
  container_format: image.containerFormat ?? 'bare',
  disk_format: image.diskFormat ?? 'raw',
  min_disk: String(image.minDiskGib),
  min_ram: String(image.minRamMib),
  size: String(image.sizeBytes ?? 0),
})

/** What its size is measured by, in words. */
export const sourceName = (wish: Pick<Origin, 'snapshotId' | 'sourceVolumeId' | 'backupId'>) =>
  wish.backupId !== undefined
    ? 'backup'
    : wish.snapshotId
      ? 'snapshot'
      : wish.sourceVolumeId
        ? 'source volume'
        : 'image'

/** As people name it. */
export const zoneName = (place: VolumeZone) => `${place.cloud}.${place.zone}`
/** Whether a zone is, or is in, what people name. */
export const named = (place: VolumeZone, zone: string) => zone === place.cloud || zone === zoneName(place)
/** Whether volumes of a type can be had in a zone. */
export const offers = (place: VolumeZone, type: string) => type === DEFAULT_TYPE || place.volumeTypes.includes(type)

/** Whether new volumes are made in a zone, as far as its operator says. */
export const takesNew = ({ disabled, frozen }: Pick<VolumeZone, 'disabled' | 'frozen'>): boolean => !disabled && !frozen

/**
 * The named zone, or one with the type and room: next to the source if there is one, else where the project is already,
 * else where its first server would go (`place`), so that the two meet. Null: an operator keeps new volumes from each.
 */
export const choosePlace = (
  zone: string | null,
  type: string,
  places: VolumeZone[],
  source: Source,
  home: Home | null,
): VolumeZone | null => {
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
  const taking = offering.filter(takesNew)
  const open = taking.filter(({ available }) => available)
  // Servers decide the cloud, as the operator's order does for them; volumes only the zone.
  const away = (p: VolumeZone): number =>
    Number((home?.of === 'server' || home?.of === 'network') && p.cloudId !== home.cloudId)
  const apart = (p: VolumeZone): number => Number(p.cloudId === home?.cloudId && p.zone !== home.zone)
  const order = (p: VolumeZone): number => places.findIndex(({ cloudId }) => cloudId === p.cloudId)
  const roomy = [...(open.length ? open : taking)].sort(
    (a, b) =>
      Number(a.readOnly) - Number(b.readOnly) ||
      Number((a.load ?? 0) >= 1) - Number((b.load ?? 0) >= 1) ||
      away(a) - away(b) ||
      order(a) - order(b) ||
      apart(a) - apart(b) ||
      (a.load ?? 0) - (b.load ?? 0) ||
      a.zone.localeCompare(b.zone),
  )
  return roomy[0] ?? null
}
