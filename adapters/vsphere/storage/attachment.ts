import type { AttachmentSeen, AttachmentSpec, Realm } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark } from '../../shared/mark-line.ts'
import { assertOurs } from '../../shared/marks.ts'
import { pairIds, pairRealm } from '../../shared/pair-realm.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { type Machine, machineOf, ourMachine } from '../records/machine.ts'
import { serversPage } from '../records/machine-pages.ts'
import type { Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { consumerOf, ourDisk } from './disk.ts'

const { idOf, endsOf } = pairIds('/')

/** vSphere knows a disk's place on the controller; which device a guest makes of it is the guest's. */
const seenIn = (machine: Machine): AttachmentSeen[] =>
  machine.devices.flatMap(({ disk }) =>
    disk?.disk ? [{ id: idOf(machine.ref.id, disk.disk), health: 'ready' as const, device: null }] : [],
  )

/** A volume in a server, for which vSphere has no object. */
export const attachment = (context: Context): Realm<AttachmentSpec, AttachmentSeen> => {
  const { vim, options, connection } = context
  const raw = (id: string) => machineOf(context, endsOf(id).server)
  const run = async (machine: Machine, method: string, parameters: Record<string, Value>): Promise<void> =>
    settled(context, taskIn(await vim.call(machine.ref, method, parameters)))

  const realm: Realm<AttachmentSpec, AttachmentSeen> = pairRealm<AttachmentSpec, AttachmentSeen, Machine>({
    settleMs: options.settleMs,
    idOf: ({ server, volume }) => idOf(server, volume),
    raw,
    seenIn,
    async page(cursor, since) {
      const { machines, ...page } = await serversPage(context, 'attachment', cursor, since)
      return { items: machines, complete: true, ...page }
    },
    async join(spec, id) {
      const present = await realm.get(id)
      if (present) return present
      if (spec.boot) throw new CloudError('conflict', 'The server does not boot from the volume yet.')
      const machine = await ourMachine(context, spec.server)
      const disk = await ourDisk(context, spec.volume)
      const holder = await consumerOf(context, disk)
      if (holder !== null && holder !== spec.server)
        throw new CloudError('conflict', 'The volume is attached to another server.')
      await run(machine, 'AttachDisk_Task', { diskId: { id: disk.id }, datastore: disk.datastore })
      return (await realm.get(id)) ?? { id, health: 'pending', device: null }
    },
    async part(machine, id) {
      assertOurs(readMark(machine.own[KEY.mark]), connection.deployment)
      if (machine.own[KEY.boot] === endsOf(id).other) refuse('The server boots from the volume.')
      await unlessGone(() => run(machine, 'DetachDisk_Task', { diskId: { id: endsOf(id).other } }))
    },
  })
  return realm
}
