import { type Mark, type NativeId, type Realm, reading, type SnapshotSeen, type SnapshotSpec } from '../../contract.ts'
import { readMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { child, childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { ourMark, withMark } from '../marks.ts'
import { type Kept, later, made, progressOf } from '../wire/tasks.ts'
import { askDisks, type Disk, diskOf, diskPage, ourDisk, startOnDisks } from './disk.ts'

/** vCenter names a snapshot within its disk only. */
const idOf = (volume: string, snapshot: string): string => `${volume}/${snapshot}`

/** The first line is the name, the last our mark, and between them is what the user wrote. */
const wordsOf = (description: string): { name: string; description: string } => {
  const [name = '', ...lines] = description.replace(/\n?^plimsoll \S+ \S+ \S+ \S+ \S+ \d+$/m, '').split('\n')
  return { name, description: lines.join('\n') }
}

/** A snapshot as it is read: with the disk that it is in. */
interface Found {
  disk: Disk
  info: Element
}

const snapshotsOf = async (context: Context, disk: Disk): Promise<Found[]> => {
  const answer = await askDisks(context, 'RetrieveSnapshotInfo', { id: { id: disk.id }, datastore: disk.datastore })
  return childrenOf(child(answer, 'returnval'), 'snapshots').map((info) => ({ disk, info }))
}

const seenOf = ({ connection }: Context, { disk, info }: Found): SnapshotSeen => {
  const words = textOf(info, 'description') ?? ''
  const mark = ourMark(words, connection.deployment)
  const { name } = wordsOf(words)
  return {
    id: idOf(disk.id, textOf(info, 'id', 'id') ?? ''),
    ...(mark ? { mark } : {}),
    ...(name ? { name } : {}),
    health: 'ready',
    sizeGiB: Math.ceil(disk.sizeMiB / 1024),
  }
}

const raw = async (context: Context, id: NativeId): Promise<Found | null> => {
  const [volume = '', which] = id.split('/')
  const disk = await diskOf(context, volume)
  const all = disk ? await snapshotsOf(context, disk) : []
  return all.find(({ info }) => textOf(info, 'id', 'id') === which) ?? null
}

const find = async (context: Context, mark: Mark, volume: NativeId): Promise<SnapshotSeen | null> => {
  const disk = await diskOf(context, volume)
  const all = disk ? await snapshotsOf(context, disk) : []
  const { deployment } = context.connection
  const found = all.find(({ info }) => ourMark(textOf(info, 'description'), deployment)?.token === mark.token)
  return found ? seenOf(context, found) : null
}

/** A snapshot of a first-class disk. Its description carries the mark. */
export const snapshot = (context: Context): Realm<SnapshotSpec, SnapshotSeen> => {
  const { connection, options } = context
  const records = {
    raw: (id: NativeId) => raw(context, id),
    markOf: ({ info }: Found) => readMark(textOf(info, 'description')),
    one: (found: Found) => seenOf(context, found),
    find: (mark: Mark, spec: SnapshotSpec) => find(context, mark, spec.volume),
    async list(cursor?: string) {
      const { disks, next } = await diskPage(context, cursor)
      const items: SnapshotSeen[] = []
      for (const disk of disks) {
        items.push(...(await snapshotsOf(context, disk)).map((found) => seenOf(context, found)))
      }
      return { items, complete: true, ...(next === undefined ? {} : { next }) }
    },
  }
  return markedRealm<SnapshotSpec, SnapshotSeen, Found>(connection, records, {
    once: 'none',
    settleMs: options.settleMs,
    async create(spec, mark) {
      const present = await find(context, mark, spec.volume)
      if (present) return present
      const disk = await ourDisk(context, spec.volume)
      const words = [spec.name.replaceAll('\n', ' '), ...(spec.description ? [spec.description] : [])].join('\n')
      const task = await startOnDisks(context, 'VStorageObjectCreateSnapshot_Task', {
        id: { id: disk.id },
        datastore: disk.datastore,
        description: withMark(words, mark),
      })
      return later(context, task, { mark: { ...mark }, volume: spec.volume })
    },
    poll(task) {
      const kept = task as unknown as Kept<{ mark: Mark; volume: string }>
      return made(context, kept, kept.mark.resource, { find: () => find(context, kept.mark, kept.volume) })
    },
    async remove({ disk, info }) {
      const snapshotId = { id: textOf(info, 'id', 'id') ?? '' }
      const parameters = { id: { id: disk.id }, datastore: disk.datastore, snapshotId }
      await progressOf(context, (await startOnDisks(context, 'DeleteSnapshot_Task', parameters)).id)
    },
    read(found) {
      const { name, description } = wordsOf(textOf(found.info, 'description') ?? '')
      return reading({ name: name || seenOf(context, found).id, description, volume: found.disk.id })
    },
  })
}
