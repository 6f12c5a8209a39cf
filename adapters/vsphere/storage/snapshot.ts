import { type Mark, type Realm, reading, type SnapshotSeen, type SnapshotSpec } from '../../contract.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, unlessGone } from '../../shared/refusals.ts'
import { child, childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { ourMark, readMark, withMark } from '../marks.ts'
import { ref } from '../wire/soap.ts'
import { type Kept, later, progressOf } from '../wire/tasks.ts'
import { askDisks, type Disk, diskOf, diskPage, ourDisk, startOnDisks } from './disk.ts'

/** vCenter names a snapshot within its disk only. */
const idOf = (volume: string, snapshot: string): string => `${volume}/${snapshot}`

/** The first line is the name, the last our mark, and between them is what the user wrote. */
const wordsOf = (description: string): { name: string; description: string } => {
  const [name = '', ...lines] = description.replace(/\n?^plimsoll \S+ \S+ \S+ \S+ \S+ \d+$/m, '').split('\n')
  return { name, description: lines.join('\n') }
}

/** A snapshot of a first-class disk. Its description carries the mark. */
export const snapshot = (context: Context): Realm<SnapshotSpec, SnapshotSeen> => {
  const { connection, options } = context

  const snapshotsOf = async (disk: Disk): Promise<Element[]> => {
    const answer = await askDisks(context, 'RetrieveSnapshotInfo', { id: { id: disk.id }, datastore: disk.datastore })
    return childrenOf(child(answer, 'returnval'), 'snapshots')
  }
  const seenOf = (disk: Disk, found: Element): SnapshotSeen => {
    const words = textOf(found, 'description') ?? ''
    const mark = ourMark(words, connection.deployment)
    const { name } = wordsOf(words)
    return {
      id: idOf(disk.id, textOf(found, 'id', 'id') ?? ''),
      ...(mark ? { mark } : {}),
      ...(name ? { name } : {}),
      health: 'ready',
      sizeGiB: Math.ceil(disk.sizeMiB / 1024),
    }
  }
  const raw = async (id: string): Promise<{ disk: Disk; found: Element } | null> => {
    const [volume = '', which] = id.split('/')
    const disk = await diskOf(context, volume)
    const found = disk && (await snapshotsOf(disk)).find((each) => textOf(each, 'id', 'id') === which)
    return disk && found ? { disk, found } : null
  }
  const find = async (mark: Mark, volume: string): Promise<SnapshotSeen | null> => {
    const disk = await diskOf(context, volume)
    const found =
      disk &&
      (await snapshotsOf(disk)).find(
        (each) => ourMark(textOf(each, 'description'), connection.deployment)?.token === mark.token,
      )
    return disk && found ? seenOf(disk, found) : null
  }

  return {
    once: 'none',
    settleMs: options.settleMs,
    find: (mark, spec) => find(mark, spec.volume),
    async get(id) {
      const found = await raw(id)
      return found && seenOf(found.disk, found.found)
    },
    async list(cursor) {
      const { disks, next } = await diskPage(context, cursor)
      const items: SnapshotSeen[] = []
      for (const disk of disks) items.push(...(await snapshotsOf(disk)).map((found) => seenOf(disk, found)))
      return { items, complete: true, ...(next === undefined ? {} : { next }) }
    },
    async create(spec, mark) {
      const present = await find(mark, spec.volume)
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
    async poll(task) {
      const { task: id, mark, volume, since } = task as unknown as Kept<{ mark: Mark; volume: string }>
      if ((await progressOf(context, id)).state === 'running')
        return later(context, ref('Task', id), { mark: { ...mark }, volume }, since)
      const made = await find(mark, volume)
      if (!made) throw gone(mark.resource)
      return made
    },
    async remove(id, mark) {
      const present = await raw(id)
      if (!present) return
      assertOurs(readMark(textOf(present.found, 'description')), connection.deployment, mark)
      const [, snapshotId = ''] = id.split('/')
      await unlessGone(async () => {
        const { disk } = present
        const parameters = { id: { id: disk.id }, datastore: disk.datastore, snapshotId: { id: snapshotId } }
        await progressOf(context, (await startOnDisks(context, 'DeleteSnapshot_Task', parameters)).id)
      })
    },
    async read(id) {
      const present = await raw(id)
      if (!present) return null
      const { name, description } = wordsOf(textOf(present.found, 'description') ?? '')
      return reading({ name: name || id, description, volume: present.disk.id })
    },
  }
}
