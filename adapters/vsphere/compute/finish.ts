import type { NativeId, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { DRIVE_CONTENT, KEY } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import { consumerOf, DISK_KEY, ourDisk } from '../storage/disk.ts'
import type { Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { driveSettings, drivesIn, hasDisc, insertDrive } from './drive.ts'
import { powerOn } from './power.ts'

/*
 * A server that boots from a volume is a clone of the template that the volume was made of, without its disk and without
 * power: the volume takes the place of the disk on the controller. One with a config drive is given that in the folder that
 * the clone made for it. Then the power comes.
 */

/** The template of a volume. @throws `definitive` for one that was not made of an image, or whose image is gone */
export const templateOf = async (context: Context, volume: NativeId): Promise<Machine> => {
  const disk = await ourDisk(context, volume)
  const image = disk.metadata[DISK_KEY.image] ?? refuse('The volume was not made of an image, so no machine fits it.')
  const machine = await machineOf(context, image)
  return machine?.template ? machine : refuse('The template that the volume was made of is gone.')
}

/** Settings of a machine that is not finished: where the disk belongs that it boots from, and what its drive is to say. */
export const makingSettings = (
  { boot, drive }: Pick<ServerSpec, 'boot' | 'drive'>,
  root: { controllerKey: number | null; unitNumber: number | null } | undefined,
): Record<string, string> => ({
  ...(boot ? { [KEY.boot]: boot.volume } : {}),
  ...(drive ? driveSettings(drive) : {}),
  ...(boot
    ? { [KEY.making]: `${root?.controllerKey ?? ''}/${root?.unitNumber ?? ''}` }
    : drive
      ? { [KEY.making]: '/' }
      : {}),
})

/** Its volume or its config drive is not in it, or it was not started with them yet. */
export const isMaking = ({ own }: Pick<Machine, 'own'>): boolean => own[KEY.making] !== undefined

/** Takes one step, told by the settings and devices of the machine alone. */
export const finish = async (context: Context, machine: Machine): Promise<void> => {
  const { id } = machine.ref
  const making = machine.own[KEY.making] ?? ''
  const run = async (method: string, parameters: Record<string, Value>): Promise<void> =>
    settled(context, taskIn(await context.vim.call(machine.ref, method, parameters)))
  const boot = machine.own[KEY.boot]
  if (boot !== undefined && !machine.devices.some(({ disk }) => disk?.disk === boot)) {
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
  if (hasDisc(machine) && drivesIn(machine.devices).length === 0) return insertDrive(context, machine)
  if (machine.power !== 'poweredOn') return powerOn(context, id)
  return run('ReconfigVM_Task', { spec: { extraConfig: extraConfig({ [KEY.making]: '', [DRIVE_CONTENT]: '' }) } })
}
