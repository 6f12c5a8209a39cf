import type { AttachmentSeen, AttachmentSpec, Realm } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY, readMark } from '../marks.ts'
import { type Machine, machineOf, ourMachine } from '../records/machine.ts'
import { serversPage } from '../records/machine-pages.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { consumerOf, ourDisk } from './disk.ts'

/** vSphere has no object for an attachment: its native id is made of both ends. */
const idOf = (server: string, volume: string): string => `${server}/${volume}`
const ends = (id: string): { server: string; volume: string } => {
  const [server = '', volume = ''] = id.split('/')
  return { server, volume }
}

/** vSphere knows a disk's place on the controller; which device a guest makes of it is the guest's. */
const seenIn = (machine: Machine): AttachmentSeen[] =>
  machine.devices.flatMap(({ disk }) =>
    disk?.disk ? [{ id: idOf(machine.ref.id, disk.disk), health: 'ready' as const, device: null }] : [],
  )

/** A volume in a server. It carries no mark of its own: both ends have to carry ours before anything changes. */
export const attachment = (context: Context): Realm<AttachmentSpec, AttachmentSeen> => {
  const { vim, options, connection } = context

  const get = async (id: string): Promise<AttachmentSeen | null> => {
    const machine = await machineOf(context, ends(id).server)
    return (machine && seenIn(machine).find((seen) => seen.id === id)) ?? null
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    get,
    find: (_mark, spec) => get(idOf(spec.server, spec.volume)),
    async list(cursor, since) {
      const { machines, ...page } = await serversPage(context, 'attachment', cursor, since)
      return { items: machines.flatMap(seenIn), complete: true, ...page }
    },
    async create(spec) {
      const id = idOf(spec.server, spec.volume)
      const present = await get(id)
      if (present) return present
      const machine = await ourMachine(context, spec.server)
      const disk = await ourDisk(context, spec.volume)
      const holder = await consumerOf(context, disk)
      if (holder !== null && holder !== spec.server)
        throw new CloudError('conflict', 'The volume is attached to another server.')
      const parameters = { diskId: { id: disk.id }, datastore: disk.datastore }
      await settled(context, taskIn(await vim.call(machine.ref, 'AttachDisk_Task', parameters)))
      return (await get(id)) ?? { id, health: 'pending', device: null }
    },
    async remove(id) {
      const { server, volume } = ends(id)
      const machine = await machineOf(context, server)
      if (!machine || !seenIn(machine).some((seen) => seen.id === id)) return
      assertOurs(readMark(machine.own[KEY.mark]), connection.deployment)
      await unlessGone(async () =>
        settled(context, taskIn(await vim.call(machine.ref, 'DetachDisk_Task', { diskId: { id: volume } }))),
      )
    },
  }
}
