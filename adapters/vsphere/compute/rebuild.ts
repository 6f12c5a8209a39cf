import type { NativeId, Progress } from '../../contract.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { inventoryOf } from '../inventory.ts'
import { isLibraryImage, KEY } from '../marks.ts'
import { type Device, exchangeDisk, growDisk, rootDisk } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf, ourMachine } from '../records/machine.ts'
import type { Value } from '../wire/soap.ts'
import { progressOf, settled, taskIn } from '../wire/tasks.ts'

const KIB_PER_GIB = 1024 ** 2

/**
 * How far a rebuild is, among the machine's settings, where it survives us: which one, what it did last, what it waits
 * for (a task, while the disk is copied), and whether the server ran when it began.
 */
interface Stage {
  token: string
  last: 'copying' | 'swapped' | 'done'
  task: string
  power: 'running' | 'stopped'
}
const write = ({ token, last, task, power }: Stage): string => [token, last, task || '-', power].join(' ')
/** What the machine's settings tell of a rebuild; undefined: it was never rebuilt. */
export const readStage = (text: string | undefined): Stage | undefined => {
  const [, token, last, task, power] = /^(\S+) (copying|swapped|done) (\S+) (running|stopped)$/.exec(text ?? '') ?? []
  if (!token) return undefined
  return { token, last: last as Stage['last'], task: task === '-' ? '' : task!, power: power as Stage['power'] }
}

/** `[datastore] machine/rebuild-<token>.vmdk`, beside the disk that it replaces. */
const freshFile = (root: Device, token: string): string => {
  const file = root.disk?.file ?? ''
  return `${file.slice(0, Math.max(file.lastIndexOf('/'), file.indexOf(']') + 1) + 1).trimEnd()}rebuild-${token}.vmdk`
}

const rootOf = (machine: Machine): Device => rootDisk(machine.devices) ?? refuse('The server has no disk of its own.')

const imageOf = async (context: Context, id: NativeId): Promise<{ file: string; capacityKiB: number }> => {
  if (isLibraryImage(id))
    refuse('This cloud rebuilds from templates; a package of a content library only makes new servers.')
  const machine = await machineOf(context, id)
  if (!machine?.template) throw gone(id)
  const { disk } = rootOf(machine)
  return { file: disk?.file ?? '', capacityKiB: disk?.capacityKiB ?? 0 }
}

const reconfigure = async (
  context: Context,
  machine: Machine,
  spec: Record<string, Value>,
  settings: Record<string, string>,
): Promise<void> => {
  const asked = { spec: { ...spec, extraConfig: extraConfig(settings) } }
  await settled(context, taskIn(await context.vim.call(machine.ref, 'ReconfigVM_Task', asked)))
}

/** What the size of the machine promises for its root disk; 0: as much as the image has. */
const promisedKiB = ({ options }: Context, { own }: Machine): number =>
  (options.sizes.find(({ name }) => name === own[KEY.size])?.diskGiB ?? 0) * KIB_PER_GIB

/** Begins to copy the image's disk beside the old one. @throws `definitive` for an image that the size has no room for */
const copy = async (
  context: Context,
  machine: Machine,
  image: NativeId,
  token: string,
  power: Stage['power'],
): Promise<Progress> => {
  const source = await imageOf(context, image)
  const promised = promisedKiB(context, machine)
  if (promised > 0 && source.capacityKiB > promised)
    refuse(`The image needs a root disk of ${Math.ceil(source.capacityKiB / KIB_PER_GIB)} GiB.`)
  await abandonRebuild(context, machine)
  const { datacenter } = await inventoryOf(context)
  const copier = (await context.vim.content()).diskFiles ?? refuse('This vCenter copies no disks.')
  const copying = await context.vim.call(copier, 'CopyVirtualDisk_Task', {
    sourceName: source.file,
    sourceDatacenter: datacenter.ref,
    destName: freshFile(rootOf(machine), token),
    destDatacenter: datacenter.ref,
    force: true,
  })
  const stage: Stage = { token, last: 'copying', task: taskIn(copying).id, power }
  await reconfigure(context, machine, {}, { [KEY.rebuild]: write(stage) })
  return 'going'
}

/** Goes on from a copy that is made, or is still being made: the power is cut, then the disks are exchanged. */
const exchange = async (context: Context, machine: Machine, image: NativeId, stage: Stage): Promise<Progress> => {
  const { state } = await progressOf(context, stage.task)
  if (state === 'running') return 'going'
  // Nobody knows how far a copy is that vCenter has forgotten.
  if (state === 'forgotten') return copy(context, machine, image, stage.token, stage.power)
  if (machine.power !== 'poweredOff') {
    await settled(context, taskIn(await context.vim.call(machine.ref, 'PowerOffVM_Task')))
    return 'going'
  }
  const { file, capacityKiB } = await imageOf(context, image)
  const old = rootOf(machine)
  const before = await machineOf(context, machine.own[KEY.image] ?? '')
  const lent = [file, before?.template ? rootDisk(before.devices)?.disk?.file : undefined].includes(old.disk?.file)
  const policy = context.mapping.storagePolicy ?? context.options.storagePolicy
  const deviceChange = exchangeDisk(old, !lent, freshFile(old, stage.token), capacityKiB, policy)
  const swapped: Stage = { ...stage, last: 'swapped', task: '' }
  await reconfigure(context, machine, { deviceChange }, { [KEY.rebuild]: write(swapped), [KEY.image]: image })
  return 'going'
}

/**
 * Takes one step towards a fresh root disk: a copy of the image's is made beside the old one while the server goes on,
 * then its power is cut, the disks are exchanged in one call (the old file is destroyed by it), and the power comes back
 * if it was on. Cards, volumes, UUID, name and what the guest is told stay as they are. A repeat for the same token finds
 * in the machine's settings that it is done.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ (CopyVirtualDisk_Task, VirtualDeviceConfigSpec)
 */
export const rebuild = async (
  context: Context,
  id: NativeId,
  image: NativeId,
  token: string,
  start: (id: NativeId) => Promise<void>,
): Promise<Progress> => {
  const machine = await ourMachine(context, id)
  const written = readStage(machine.own[KEY.rebuild])
  const stage = written?.token === token ? written : undefined
  if (!stage) return copy(context, machine, image, token, machine.power === 'poweredOn' ? 'running' : 'stopped')
  if (stage.last === 'done') return 'done'
  if (stage.last === 'copying') return exchange(context, machine, image, stage)
  const root = rootOf(machine)
  const promised = promisedKiB(context, machine)
  if (machine.power === 'poweredOff' && (root.disk?.capacityKiB ?? 0) < promised) {
    const settings = { [KEY.rebuild]: write(stage), [KEY.image]: image }
    await reconfigure(context, machine, { deviceChange: [growDisk(root, promised)] }, settings)
    return 'going'
  }
  if (machine.power !== 'poweredOn' && stage.power === 'running') {
    await start(id)
    return 'going'
  }
  await reconfigure(context, machine, {}, { [KEY.rebuild]: write({ ...stage, last: 'done' }) })
  return 'done'
}

/** Takes away the copy that another rebuild made and never used. @throws `conflict` while it is being made */
export const abandonRebuild = async (context: Context, machine: Machine): Promise<void> => {
  const { vim } = context
  const stage = readStage(machine.own[KEY.rebuild])
  if (stage?.last !== 'copying') return
  const { datacenter } = await inventoryOf(context)
  const copier = (await vim.content()).diskFiles
  if (!copier) return
  const name = freshFile(rootOf(machine), stage.token)
  await unlessGone(async () =>
    settled(context, taskIn(await vim.call(copier, 'DeleteVirtualDisk_Task', { name, datacenter: datacenter.ref }))),
  )
}
