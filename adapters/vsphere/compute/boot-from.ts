import type { NativeId, Progress } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { ourMachine } from '../records/machine.ts'
import { consumerOf, ourDisk } from '../storage/disk.ts'
import type { Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'

/**
 * Takes one step towards booting from another volume: off, the one out, the other in at the same place, and the power that is
 * wanted. Where that place is stands in the machine's settings meanwhile, so that any process goes on with it.
 */
export const bootFrom = async (
  context: Context,
  id: NativeId,
  volume: NativeId,
  power: 'running' | 'stopped',
  start: (id: NativeId) => Promise<void>,
): Promise<Progress> => {
  const { vim } = context
  const machine = await ourMachine(context, id)
  const { own, devices, ref } = machine
  const before = own[KEY.boot] ?? refuse('The server boots from a disk of its own.')
  const run = async (method: string, parameters: Record<string, Value> = {}): Promise<Progress> => {
    await settled(context, taskIn(await vim.call(ref, method, parameters)))
    return 'going'
  }
  const write = (settings: Record<string, string>) =>
    run('ReconfigVM_Task', { spec: { extraConfig: extraConfig(settings) } })
  const place = own[KEY.exchange]
  if (before === volume && place === undefined) {
    const is = machine.power === 'poweredOn' ? 'running' : 'stopped'
    if (is === power) return 'done'
    if (power === 'stopped') return run('PowerOffVM_Task')
    await start(id)
    return 'going'
  }
  if (machine.power !== 'poweredOff') return run('PowerOffVM_Task')
  const old = devices.find(({ disk }) => disk?.disk === before)
  if (place === undefined) return write({ [KEY.exchange]: `${old?.controllerKey ?? ''}/${old?.unitNumber ?? ''}` })
  if (old && before !== volume) return run('DetachDisk_Task', { diskId: { id: before } })
  if (!devices.some(({ disk }) => disk?.disk === volume)) {
    const disk = await ourDisk(context, volume)
    const holder = await consumerOf(context, disk)
    if (holder !== null && holder !== id) throw new CloudError('conflict', 'The volume is attached to another server.')
    const [controllerKey, unitNumber] = place.split('/').map((part) => (part === '' ? null : Number(part)))
    return run('AttachDisk_Task', {
      diskId: { id: disk.id },
      datastore: disk.datastore,
      controllerKey: controllerKey ?? null,
      unitNumber: unitNumber ?? null,
    })
  }
  return write({ [KEY.boot]: volume, [KEY.exchange]: '' })
}
