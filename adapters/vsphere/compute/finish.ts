import type { NativeId, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import { consumerOf, DISK_KEY, ourDisk } from '../storage/disk.ts'
import type { Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { powerOn } from './power.ts'

/*
 * A server that boots from a volume is a clone of the template that the volume was made of, without its disk and without
 * power: the volume takes the place of the disk on the controller, and then the power comes.
 */

/** The template of a volume. @throws `definitive` for one that was not made of an image, or whose image is gone */
export const templateOf = async (context: Context, volume: NativeId): Promise<Machine> => {
  const disk = await ourDisk(context, volume)
  const image = disk.metadata[DISK_KEY.image] ?? refuse('The volume was not made of an image, so no machine fits it.')
  const machine = await machineOf(context, image)
  return machine?.template ? machine : refuse('The template that the volume was made of is gone.')
}

/** Settings of a machine that is not finished: where the disk belongs that it boots from. */
export const makingSettings = (
  { boot }: Pick<ServerSpec, 'boot'>,
  root: { controllerKey: number | null; unitNumber: number | null } | undefined,
): Record<string, string> =>
  boot ? { [KEY.boot]: boot.volume, [KEY.making]: `${root?.controllerKey ?? ''}/${root?.unitNumber ?? ''}` } : {}

/** Its volume is not in it, or has not started it yet. */
export const isMaking = ({ own }: Pick<Machine, 'own'>): boolean => own[KEY.making] !== undefined

/** Takes one step, told by the settings and devices of the machine alone. */
export const finish = async (context: Context, machine: Machine): Promise<void> => {
  const { id } = machine.ref
  const making = machine.own[KEY.making] ?? ''
  const run = async (method: string, parameters: Record<string, Value>): Promise<void> =>
    settled(context, taskIn(await context.vim.call(machine.ref, method, parameters)))
  const boot = machine.own[KEY.boot] ?? ''
  if (!machine.devices.some(({ disk }) => disk?.disk === boot)) {
    const disk = await ourDisk(context, boot)
    const holder = await consumerOf(context, disk)
    if (holder !== null && holder !== id) throw new CloudError('conflict', 'The volume is attached to another server.')
    const [controllerKey, unitNumber] = making.split('/').map((part) => (part === '' ? null : Number(part)))
    return run('AttachDisk_Task', {
      diskId: { id: disk.id },
      datastore: disk.datastore,
      controllerKey: controllerKey ?? null,
      unitNumber: unitNumber ?? null,
    })
  }
  if (machine.power !== 'poweredOn') return powerOn(context, id)
  return run('ReconfigVM_Task', { spec: { extraConfig: extraConfig({ [KEY.making]: '' }) } })
}
