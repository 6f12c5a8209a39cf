import {
  type Mark,
  type Outcome,
  type Realm,
  reading,
  type VolumeSeen,
  type VolumeSpec,
  type VolumeType,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { datastoreIn, zoneReaching } from '../inventory.ts'
import { mayMark, ourMark, plainName, readMark, tokenIn, tokenName, writeMark } from '../marks.ts'
import { type Ref, ref } from '../wire/soap.ts'
import { type Kept, later, progressOf } from '../wire/tasks.ts'
import {
  consumerOf,
  DISK_KEY,
  type Disk,
  describeDisk,
  diskOf,
  diskPage,
  ourDisk,
  queryDisks,
  runOnDisks,
  startOnDisks,
} from './disk.ts'

const MIB = 1024

/** What a task is to end in. */
interface Asked {
  spec: VolumeSpec
  mark: Mark
}

/** The operator's names for storage policies. Which datastores a policy fits is found out when a disk is made. */
export const volumeTypes = ({ options }: Pick<Context, 'options'>): VolumeType[] =>
  Object.keys(options.volumeTypes).map((name) => ({ name }))

/**
 * A volume is a first-class disk. Its mark is metadata of the create call; a disk from a snapshot takes none there, so
 * until the next call has written it the token in its name tells whose it is.
 */
export const volume = (context: Context): Realm<VolumeSpec, VolumeSeen> => {
  const { options, mapping, connection } = context

  const seenOf = async (disk: Disk): Promise<VolumeSeen> => {
    const mark = ourMark(disk.metadata[DISK_KEY.mark], connection.deployment)
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

  const policyFor = (type: string | null): string | null => {
    if (type === null) return mapping.storagePolicy ?? options.storagePolicy
    return options.volumeTypes[type] ?? refuse(`The cloud has no volume type ${type}.`)
  }
  const profileOf = (policy: string | null) =>
    policy === null ? null : [{ _type: 'VirtualMachineDefinedProfileSpec', profileId: policy }]

  const metadataFor = (spec: VolumeSpec, mark: Mark): Record<string, string> => ({
    [DISK_KEY.mark]: writeMark(mark),
    [DISK_KEY.name]: spec.name,
    [DISK_KEY.zone]: spec.zone,
    ...(spec.type === null ? {} : { [DISK_KEY.type]: spec.type }),
  })

  const diskFor = async (mark: Mark): Promise<Disk | null> => {
    const { ids } = await queryDisks(context, [['name', 'endsWith', `(${mark.token})`]], 10)
    for (const id of ids) {
      const disk = await diskOf(context, id)
      if (!disk || tokenIn(disk.name) !== mark.token) continue
      const written = disk.metadata[DISK_KEY.mark]
      // Metadata without our mark were taken away by somebody; none at all is a disk that is not finished.
      if (Object.keys(disk.metadata).length === 0 || ourMark(written, connection.deployment)?.token === mark.token)
        return disk
    }
    return null
  }

  const find = async (mark: Mark): Promise<VolumeSeen | null> => {
    const disk = await diskFor(mark)
    return disk && { ...(await seenOf(disk)), mark }
  }

  const finished = async (disk: Disk, spec: VolumeSpec, mark: Mark): Promise<VolumeSeen> => {
    if (!disk.metadata[DISK_KEY.mark]) await describeDisk(context, disk, metadataFor(spec, mark))
    const sizeMiB = spec.sizeGiB * MIB
    if (disk.sizeMiB < sizeMiB)
      await runOnDisks(context, 'ExtendDisk_Task', {
        id: { id: disk.id },
        datastore: disk.datastore,
        newCapacityInMB: sizeMiB,
      })
    const now = await diskOf(context, disk.id)
    if (!now) throw gone(disk.id)
    return seenOf(now)
  }

  const start = async (spec: VolumeSpec, mark: Mark): Promise<Ref> => {
    const policy = policyFor(spec.type)
    const name = tokenName(spec.name, mark.token)
    switch (spec.source?.kind) {
      case undefined: {
        const backingSpec = {
          _type: 'VslmCreateSpecDiskFileBackingSpec',
          datastore: (await datastoreIn(context, spec.zone)).ref,
          provisioningType: 'thin',
        }
        return startOnDisks(context, 'CreateDisk_Task', {
          spec: {
            name,
            keepAfterDeleteVm: true,
            backingSpec,
            capacityInMB: spec.sizeGiB * MIB,
            profile: profileOf(policy),
            metadata: Object.entries(metadataFor(spec, mark)).map(([key, value]) => ({ key, value })),
          },
        })
      }
      case 'snapshot': {
        const [disk = '', snapshot = ''] = spec.source!.id.split('/')
        const source = await diskOf(context, disk)
        if (!source) throw gone(spec.source!.id)
        if (spec.sizeGiB * MIB < source.sizeMiB) refuse('A volume is not smaller than the snapshot it is made from.')
        return startOnDisks(context, 'CreateDiskFromSnapshot_Task', {
          id: { id: disk },
          datastore: source.datastore,
          snapshotId: { id: snapshot },
          name,
          profile: profileOf(policy),
        })
      }
      case 'volume':
        return refuse('This cloud copies no volume directly; make a snapshot of it first.')
      case 'image':
        return refuse('Volumes on this cloud begin empty or from a snapshot.')
    }
  }

  const poll = async ({ task, spec, mark, since }: Kept<Asked>): Promise<Outcome<VolumeSeen>> => {
    const state = await progressOf(context, task)
    if (state.state === 'running')
      return later(context, ref('Task', task), { mark: { ...mark }, spec: { ...spec } as never }, since)
    const made = state.state === 'success' ? textOf(state.result, 'config', 'id', 'id') : undefined
    const disk = made === undefined ? await diskFor(mark) : await diskOf(context, made)
    if (!disk) throw gone(mark.resource)
    return finished(disk, spec, mark)
  }

  return {
    once: 'none',
    settleMs: options.settleMs,
    find,
    async get(id) {
      const disk = await diskOf(context, id)
      return disk && seenOf(disk)
    },
    async list(cursor) {
      const { disks, next } = await diskPage(context, cursor)
      const items: VolumeSeen[] = []
      for (const disk of disks) items.push(await seenOf(disk))
      return { items, complete: true, ...(next === undefined ? {} : { next }) }
    },
    async create(spec, mark) {
      const present = await diskFor(mark)
      if (present) return finished(present, spec, mark)
      return later(context, await start(spec, mark), { mark: { ...mark }, spec: { ...spec } as never })
    },
    poll: (task) => poll(task as unknown as Kept<Asked>),
    async update(id, spec) {
      const disk = await ourDisk(context, id)
      if (spec.sizeGiB * MIB < disk.sizeMiB - MIB + 1) refuse('Volumes on this cloud do not shrink.')
      if (spec.type !== null && (disk.metadata[DISK_KEY.type] ?? null) !== spec.type)
        refuse('The type of a volume does not change on this cloud.')
      await describeDisk(context, disk, { [DISK_KEY.name]: spec.name })
      const mark = readMark(disk.metadata[DISK_KEY.mark])!
      return finished(disk, spec, mark)
    },
    async remove(id, mark) {
      const disk = await diskOf(context, id)
      if (!disk) return
      assertOurs(readMark(disk.metadata[DISK_KEY.mark]), connection.deployment, mark)
      if (disk.consumers.length > 0 && (await consumerOf(context, disk)))
        throw new CloudError('conflict', 'The volume is still attached to a server.')
      await unlessGone(async () => {
        const task = await startOnDisks(context, 'DeleteVStorageObject_Task', { id: { id }, datastore: disk.datastore })
        await progressOf(context, task.id)
      })
    },
    async read(id) {
      const disk = await diskOf(context, id)
      if (!disk) return null
      const seen = await seenOf(disk)
      const zone = seen.zone ?? (await zoneReaching(context, disk.datastore))
      return reading({ name: seen.name ?? id, sizeGiB: seen.sizeGiB, zone, type: seen.type ?? null, source: null })
    },
    async mark(id, mark) {
      const disk = await diskOf(context, id)
      if (!disk) {
        if (mark) throw gone(id)
        return
      }
      const present = readMark(disk.metadata[DISK_KEY.mark])
      if (mark ? !mayMark(present, mark) : present?.deployment !== connection.deployment) return
      await describeDisk(context, disk, mark ? { [DISK_KEY.mark]: writeMark(mark) } : {}, mark ? [] : [DISK_KEY.mark])
    },
  }
}
