import {
  type Mark,
  type NativeId,
  type Outcome,
  type Realm,
  reading,
  type VolumeSeen,
  type VolumeSpec,
  type VolumeType,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { datastoreIn, zoneReaching } from '../inventory.ts'
import { ourMark, plainName, tokenIn, tokenName } from '../marks.ts'
import { type Ref, ref, type Value } from '../wire/soap.ts'
import { type Kept, later, progressOf } from '../wire/tasks.ts'
import {
  consumerOf,
  DISK_KEY,
  type Disk,
  describeDisk,
  diskOf,
  diskPage,
  queryDisks,
  runOnDisks,
  startOnDisks,
} from './disk.ts'
import { copyOfImage, registeredCopy } from './image-disk.ts'

const MIB = 1024

/** What a task is to end in. */
interface Asked {
  spec: VolumeSpec
  mark: Mark
}

/** The operator's names for storage policies. Which datastores a policy fits is found out when a disk is made. */
export const volumeTypes = ({ options }: Pick<Context, 'options'>): VolumeType[] =>
  Object.keys(options.volumeTypes).map((name) => ({ name }))

const seenOf = async (context: Context, disk: Disk): Promise<VolumeSeen> => {
  const mark = ourMark(disk.metadata[DISK_KEY.mark], context.connection.deployment)
  const zone = disk.metadata[DISK_KEY.zone]
  const type = disk.metadata[DISK_KEY.type]
  return {
    id: disk.id,
    ...(mark ? { mark } : {}),
    name: disk.metadata[DISK_KEY.name] ?? plainName(disk.name),
    health: 'ready',
    ...(zone ? { zone } : {}),
    sizeGiB: Math.ceil(disk.sizeMiB / MIB),
    server: await consumerOf(context, disk),
    device: null,
    ...(type ? { type } : {}),
  }
}

/** The storage policy of a type, as a call takes it. @throws `definitive` for a type that there is not */
const profileFor = ({ mapping, options }: Context, type: string | null): Value => {
  const policy =
    type === null
      ? (mapping.storagePolicy ?? options.storagePolicy)
      : (options.volumeTypes[type] ?? refuse(`The cloud has no volume type ${type}.`))
  return policy === null ? null : [{ _type: 'VirtualMachineDefinedProfileSpec', profileId: policy }]
}

const metadataFor = (spec: VolumeSpec, mark: Mark, image?: string): Record<string, string> => ({
  [DISK_KEY.mark]: writeMark(mark),
  [DISK_KEY.name]: spec.name,
  [DISK_KEY.zone]: spec.zone,
  ...(spec.type === null ? {} : { [DISK_KEY.type]: spec.type }),
  ...(image === undefined ? {} : { [DISK_KEY.image]: image }),
})

/** The disk whose name ends in the mark's token, unless its metadata are somebody else's by now. */
const diskFor = async (context: Context, mark: Mark): Promise<Disk | null> => {
  const { ids } = await queryDisks(context, [['name', 'endsWith', `(${mark.token})`]], 10)
  for (const id of ids) {
    const disk = await diskOf(context, id)
    if (!disk || tokenIn(disk.name) !== mark.token) continue
    const written = ourMark(disk.metadata[DISK_KEY.mark], context.connection.deployment)
    // Metadata without our mark were taken away by somebody; none at all is a disk that is not finished.
    if (Object.keys(disk.metadata).length === 0 || written?.token === mark.token) return disk
  }
  return null
}

/** The template that a disk is, or descends from: what boots from it is a machine like that. */
const imageOf = async (context: Context, { source }: VolumeSpec): Promise<string | undefined> => {
  if (source?.kind === 'image') return source.id
  if (source?.kind !== 'snapshot') return undefined
  return (await diskOf(context, source.id.split('/')[0]!))?.metadata[DISK_KEY.image]
}

/** Writes the mark and grows the disk, as far as both are still to be done. */
const finished = async (context: Context, disk: Disk, spec: VolumeSpec, mark: Mark): Promise<VolumeSeen> => {
  if (!disk.metadata[DISK_KEY.mark])
    await describeDisk(context, disk, metadataFor(spec, mark, await imageOf(context, spec)))
  const sizeMiB = spec.sizeGiB * MIB
  if (disk.sizeMiB < sizeMiB)
    await runOnDisks(context, 'ExtendDisk_Task', {
      id: { id: disk.id },
      datastore: disk.datastore,
      newCapacityInMB: sizeMiB,
    })
  const now = await diskOf(context, disk.id)
  if (!now) throw gone(disk.id)
  return seenOf(context, now)
}

const startEmpty = async (context: Context, spec: VolumeSpec, mark: Mark): Promise<Ref> => {
  const profile = profileFor(context, spec.type)
  const backingSpec = {
    _type: 'VslmCreateSpecDiskFileBackingSpec',
    datastore: (await datastoreIn(context, spec.zone)).ref,
    provisioningType: 'thin',
  }
  return startOnDisks(context, 'CreateDisk_Task', {
    spec: {
      name: tokenName(spec.name, mark.token),
      keepAfterDeleteVm: true,
      backingSpec,
      capacityInMB: spec.sizeGiB * MIB,
      profile,
      metadata: Object.entries(metadataFor(spec, mark)).map(([key, value]) => ({ key, value })),
    },
  })
}

const startFromSnapshot = async (context: Context, spec: VolumeSpec, mark: Mark, id: NativeId): Promise<Ref> => {
  const profile = profileFor(context, spec.type)
  const [disk = '', snapshot = ''] = id.split('/')
  const source = await diskOf(context, disk)
  if (!source) throw gone(id)
  if (spec.sizeGiB * MIB < source.sizeMiB) refuse('A volume is not smaller than the snapshot it is made from.')
  return startOnDisks(context, 'CreateDiskFromSnapshot_Task', {
    id: { id: disk },
    datastore: source.datastore,
    snapshotId: { id: snapshot },
    name: tokenName(spec.name, mark.token),
    profile,
  })
}

/** Asks for a disk; gives the task. @throws `definitive` for a source that no disk is made of */
const start = async (context: Context, spec: VolumeSpec, mark: Mark): Promise<Ref> => {
  switch (spec.source?.kind) {
    case undefined:
      return startEmpty(context, spec, mark)
    case 'snapshot':
      return startFromSnapshot(context, spec, mark, spec.source!.id)
    case 'volume':
      return refuse('This cloud copies no volume directly; make a snapshot of it first.')
    case 'image':
      return copyOfImage(context, spec.source!.id, { ...spec, token: mark.token })
  }
}

const poll = async (context: Context, kept: Kept<Asked>): Promise<Outcome<VolumeSeen>> => {
  const { task, spec, mark, since } = kept
  const state = await progressOf(context, task)
  if (state.state === 'running')
    return later(context, ref('Task', task), { mark: { ...mark }, spec: { ...spec } as never }, since)
  const made = state.state === 'success' ? textOf(state.result, 'config', 'id', 'id') : undefined
  const copied = spec.source?.kind === 'image' && state.state !== 'forgotten'
  const disk = copied
    ? ((await diskFor(context, mark)) ?? (await registeredCopy(context, { ...spec, token: mark.token })))
    : made === undefined
      ? await diskFor(context, mark)
      : await diskOf(context, made)
  if (!disk) throw gone(mark.resource)
  return finished(context, disk, spec, mark)
}

/**
 * A volume is a first-class disk. Its mark is metadata of the create call; a disk from a snapshot takes none there, so
 * until the next call has written it the token in its name tells whose it is.
 */
export const volume = (context: Context): Realm<VolumeSpec, VolumeSeen> => {
  const { options, connection } = context
  const records = {
    raw: (id: NativeId) => diskOf(context, id),
    markOf: ({ metadata }: Disk) => readMark(metadata[DISK_KEY.mark]),
    one: (disk: Disk) => seenOf(context, disk),
    async find(mark: Mark) {
      const disk = await diskFor(context, mark)
      return disk && { ...(await seenOf(context, disk)), mark }
    },
    async list(cursor?: string) {
      const { disks, next } = await diskPage(context, cursor)
      const items: VolumeSeen[] = []
      for (const disk of disks) items.push(await seenOf(context, disk))
      return { items, complete: true, ...(next === undefined ? {} : { next }) }
    },
    remark: (disk: Disk, mark: Mark | null) =>
      mark
        ? describeDisk(context, disk, { [DISK_KEY.mark]: writeMark(mark) })
        : describeDisk(context, disk, {}, [DISK_KEY.mark]),
  }
  return markedRealm<VolumeSpec, VolumeSeen, Disk>(connection, records, {
    once: 'none',
    settleMs: options.settleMs,
    async create(spec, mark) {
      const present = await diskFor(context, mark)
      if (present) return finished(context, present, spec, mark)
      const task = await start(context, spec, mark)
      return later(context, task, { mark: { ...mark }, spec: { ...spec } as never })
    },
    poll: (task) => poll(context, task as unknown as Kept<Asked>),
    async update(disk, spec) {
      if (spec.sizeGiB * MIB < disk.sizeMiB - MIB + 1) refuse('Volumes on this cloud do not shrink.')
      if (spec.type !== null && (disk.metadata[DISK_KEY.type] ?? null) !== spec.type)
        refuse('The type of a volume does not change on this cloud.')
      await describeDisk(context, disk, { [DISK_KEY.name]: spec.name })
      return finished(context, disk, spec, records.markOf(disk)!)
    },
    async remove(disk) {
      if (disk.consumers.length > 0 && (await consumerOf(context, disk)))
        throw new CloudError('conflict', 'The volume is still attached to a server.')
      const { id, datastore } = disk
      const task = await startOnDisks(context, 'DeleteVStorageObject_Task', { id: { id }, datastore })
      await progressOf(context, task.id)
    },
    async read(disk) {
      const { name = disk.id, sizeGiB, zone: noted, type = null } = await seenOf(context, disk)
      const zone = noted ?? (await zoneReaching(context, disk.datastore))
      return reading({ name, sizeGiB, zone, type, source: null })
    },
  })
}
