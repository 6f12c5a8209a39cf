import type { ServerSpec } from '../../contract.ts'
import { driveFiles, driveImage } from '../../shared/config-drive.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { datacenterPath, inventoryOf } from '../inventory.ts'
import { DRIVE_CONTENT, KEY } from '../marks.ts'
import type { Options } from '../options.ts'
import type { Device } from '../records/devices.ts'
import { base64 } from '../records/guestinfo.ts'
import { HOME, homeIn, homeOf } from '../records/home.ts'
import type { Machine } from '../records/machine.ts'
import { look, text } from '../wire/properties.ts'
import type { Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'

/*
 * A config drive is a disc in a drive of the machine: a file in the machine's own folder, which is there once the machine is.
 * What it is to say travels among the machine's settings until then, so that any process goes on with it. Where the operator
 * says so there is no disc, and the files are settings that the guest reads by VMware Tools.
 */

const FILE = 'config-drive.iso'

/** The drives of a machine that have its config drive in them. */
export const drivesIn = (devices: Device[]): Device[] => devices.filter(({ disc }) => disc?.file.endsWith(`/${FILE}`))

/** Where a guest finds a file of `openstack/latest`, in base64: `guestinfo.openstack.meta_data.json`. */
const told = (name: string): string => `guestinfo.openstack.${name}`
/** What takes such files away. User data are where cloud-init looks for them anyway. */
export const UNTOLD = Object.fromEntries(
  ['meta_data.json', 'network_data.json', 'vendor_data.json'].map((name) => [told(name), '']),
)

/** A spec without the disc of its config drive, and the settings that a machine has in place of it. */
export const driveByGuestinfo = (
  { configDrive }: Pick<Options, 'configDrive'>,
  spec: ServerSpec,
): { spec: ServerSpec; settings: Record<string, string> } => {
  if (configDrive !== 'guestinfo' || !spec.drive) return { spec, settings: {} }
  const files = driveFiles({ drive: spec.drive, userData: null })
  const settings = files.map(({ path, data }) => [told(path.at(-1)!), base64(new TextDecoder().decode(data))])
  return { spec: { ...spec, drive: null }, settings: { [KEY.drive]: 'guestinfo', ...Object.fromEntries(settings) } }
}

/** Whether a machine has its config drive on a disc, or is to have it there. */
export const hasDisc = ({ own }: Pick<Machine, 'own'>): boolean => own[KEY.drive] === 'true'

/** Settings of a machine that is to have a config drive on a disc. */
export const driveSettings = (drive: NonNullable<ServerSpec['drive']>): Record<string, string> => ({
  [KEY.drive]: 'true',
  [DRIVE_CONTENT]: base64(JSON.stringify(drive)),
})

const setting = (key: string): string => `config.extraConfig["${key}"]`
const CONTENT = setting(DRIVE_CONTENT)
const USER_DATA = setting('guestinfo.userdata')
/** Drives of a controller by its type, as many as it takes. */
const UNITS: Readonly<Record<string, number>> = { VirtualIDEController: 2, VirtualAHCIController: 30 }

/** A drive with that disc: where a controller has room, or at a controller of its own. Pure. */
export const addDisc = (devices: Device[], fileName: string): Value[] => {
  const free = devices.flatMap(({ key, type }) => {
    const taken = devices.filter(({ controllerKey }) => controllerKey === key).map(({ unitNumber }) => unitNumber)
    const unit = Array.from({ length: UNITS[type] ?? 0 }, (_, i) => i).find((i) => !taken.includes(i))
    return unit === undefined ? [] : [{ controllerKey: key, unitNumber: unit }]
  })
  const own = { controllerKey: -301, unitNumber: 0 }
  const busNumber = devices.filter(({ type }) => type === 'VirtualAHCIController').length
  const controller: Value = {
    operation: 'add',
    device: { _type: 'VirtualAHCIController', key: own.controllerKey, busNumber },
  }
  return [
    ...(free.length ? [] : [controller]),
    {
      operation: 'add',
      device: {
        _type: 'VirtualCdrom',
        key: -302,
        backing: { _type: 'VirtualCdromIsoBackingInfo', fileName },
        connectable: { startConnected: true, allowGuestControl: true, connected: true },
        ...(free[0] ?? own),
      },
    },
  ]
}

/** Writes the file, over one that an earlier call wrote, and puts it into a drive of the machine. */
export const insertDrive = async (context: Context, machine: Machine): Promise<void> => {
  const { vim } = context
  const [found] = await look(vim, [machine.ref], [HOME, CONTENT, USER_DATA])
  const content = textOf(found?.props.get(CONTENT), 'value')
  if (!content) return refuse('Nobody knows any more what the config drive of the server is to say.')
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0))
  const drive = JSON.parse(new TextDecoder().decode(bytes)) as ServerSpec['drive']
  const userData = textOf(found?.props.get(USER_DATA), 'value') || null
  const { datastore, folder } = homeIn(found && text(found, HOME))
  const where = new URLSearchParams({ dcPath: await datacenterPath(context), dsName: datastore })
  const path = `${folder}/${FILE}`.split('/').map(encodeURIComponent).join('/')
  await vim.upload(`/folder/${path}?${where}`, new Uint8Array(driveImage({ drive: drive ?? null, userData })))
  const spec = { deviceChange: addDisc(machine.devices, `[${datastore}] ${folder}/${FILE}`) }
  await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
}

/** Takes away the file of a machine that is about to go: vCenter leaves in a folder what is none of a machine's own. */
export const removeDrive = async (context: Context, machine: Machine): Promise<void> => {
  if (!hasDisc(machine)) return
  const { vim } = context
  const { files } = await vim.content()
  if (!files) return
  const { datacenter } = await inventoryOf(context)
  for (const name of await filesOf(context, machine))
    await unlessGone(async () =>
      settled(context, taskIn(await vim.call(files, 'DeleteDatastoreFile_Task', { name, datacenter: datacenter.ref }))),
    )
}

/** The file wherever the machine has it, or where it was written if it is in no drive yet. */
const filesOf = async (context: Context, { ref, devices }: Machine): Promise<string[]> => {
  const inDrives = drivesIn(devices).flatMap(({ disc }) => disc?.file ?? [])
  if (inDrives.length) return inDrives
  const { datastore, folder } = await homeOf(context, ref)
  return [`[${datastore}] ${folder}/${FILE}`]
}
