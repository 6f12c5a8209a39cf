import type { ImageSeen, Mark, NativeId, Outcome } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { inventoryOf } from '../inventory.ts'
import { KEY } from '../marks.ts'
import { bareMachine, type ImportPlace, importPlace, ours } from '../package/import-spec.ts'
import { addDisk, cardsOf, type Device, removeDevice, rootDisk } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { homeOf } from '../records/home.ts'
import { type Machine, machineByToken, machineOf, markOf } from '../records/machine.ts'
import { consumerOf, DISK_KEY, type Disk, ourDisk } from '../storage/disk.ts'
import type { Ref, Value } from '../wire/soap.ts'
import { progressOf, settled, taskIn } from '../wire/tasks.ts'

/*
 * An image of a volume: a machine like the template that the volume descends from, or a bare one, without disks; then the
 * volume's disk is copied into its folder, the copy becomes its disk, and it becomes a template. How far it is stands in the
 * machine's settings, so that any process goes on with it.
 */

/** An image of a volume as it was asked for: plain JSON, which is the task too. */
interface Wish {
  name: string
  volume: NativeId
  mark: Mark
  /** What makes its machine: as long as that runs, the machine may not show yet. */
  making?: string
}

const LATER_MS = 1_000
const later = (wish: Wish): Outcome<ImageSeen> => ({ task: { copy: { ...wish } as never }, pollAfterMs: LATER_MS })

/** An image of a volume in a task of an image's. */
export const copyIn = (task: unknown): Wish | undefined => (task as { copy?: Wish }).copy

/** Where the disk belongs, and the task that copies it; null: none was begun. */
interface Stage extends Pick<Device, 'controllerKey' | 'unitNumber'> {
  task: string | null
}
const write = ({ task, controllerKey, unitNumber }: Stage): string =>
  `${task ?? '-'} ${controllerKey ?? '-'} ${unitNumber ?? '-'}`
/** What the machine's settings tell of a copy; undefined: none is to be made. */
const readCopy = (text: string | undefined): Stage | undefined => {
  const [, task, controller, unit] = /^(\S+) (\d+|-) (\d+|-)$/.exec(text ?? '') ?? []
  if (!task) return undefined
  const numberOf = (part: string | undefined) => (part === '-' ? null : Number(part))
  return { task: task === '-' ? null : task, controllerKey: numberOf(controller), unitNumber: numberOf(unit) }
}

const fileIn = async (context: Context, machine: Ref): Promise<string> => {
  const { datastore, folder } = await homeOf(context, machine)
  return `[${datastore}] ${folder}/volume.vmdk`
}

/** @throws `conflict` while a server has it: a disk in use is not copied */
const sourceOf = async (context: Context, { volume }: Wish): Promise<Disk> => {
  const disk = await ourDisk(context, volume)
  if (await consumerOf(context, disk))
    refuse('The volume is in a server; detach it first, or make an image of the server.')
  return disk
}

/** Begins the machine without its disk; gives the task that makes it. */
const begin = async (context: Context, wish: Wish, place: ImportPlace): Promise<string> => {
  const { vim } = context
  const disk = await sourceOf(context, wish)
  const { pool, folder, datastore, policy } = place
  const base = await machineOf(context, disk.metadata[DISK_KEY.image] ?? '')
  const root = base?.template ? rootDisk(base.devices) : undefined
  const { controllerKey, unitNumber } = root ?? { controllerKey: null, unitNumber: null }
  const own = await ours(wish.name, wish.mark, { [KEY.copying]: write({ task: null, controllerKey, unitNumber }) })
  if (!base || !root) {
    const config = bareMachine(own, 'linux', place, [])
    return taskIn(await vim.call(folder, 'CreateVM_Task', { config, pool })).id
  }
  const { name, settings, ...config } = own
  const disks = base.devices.filter((device) => device.disk)
  const deviceChange = [...cardsOf(base.devices), ...disks].map(removeDevice)
  const profile: Value = policy === null ? null : { _type: 'VirtualMachineDefinedProfileSpec', profileId: policy }
  const spec = {
    location: { datastore: datastore.ref, pool, profile },
    template: false,
    config: { ...config, deviceChange, extraConfig: settings },
    powerOn: false,
  }
  return taskIn(await vim.call(base.ref, 'CloneVM_Task', { folder, name, spec })).id
}

const reconfigure = async (
  { vim, ...context }: Context,
  machine: Machine,
  spec: Record<string, Value>,
): Promise<void> => settled({ vim, ...context }, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))

const copy = async (context: Context, wish: Wish, machine: Machine, stage: Stage): Promise<void> => {
  const { file: sourceName } = await sourceOf(context, wish)
  const { datacenter } = await inventoryOf(context)
  const copier = (await context.vim.content()).diskFiles ?? refuse('This vCenter copies no disks.')
  const copying = await context.vim.call(copier, 'CopyVirtualDisk_Task', {
    sourceName,
    sourceDatacenter: datacenter.ref,
    destName: await fileIn(context, machine.ref),
    destDatacenter: datacenter.ref,
    force: true,
  })
  const begun = write({ ...stage, task: taskIn(copying).id })
  await reconfigure(context, machine, { extraConfig: extraConfig({ [KEY.copying]: begun }) })
}

/** Where a disk goes: to its place in the template, or to the first controller of disks. */
const placeOn = ({ devices }: Machine, { controllerKey, unitNumber }: Stage) => {
  const known = devices.some(({ key }) => key === controllerKey)
  const first = devices.find(({ type }) => /SCSI|LsiLogic|BusLogic|NVME/.test(type))
  return known ? { controllerKey, unitNumber } : { controllerKey: first?.key ?? null, unitNumber: 0 }
}

/** Takes one step with a machine that is there. */
const step = async (context: Context, wish: Wish, machine: Machine): Promise<void> => {
  const stage = readCopy(machine.own[KEY.copying])
  if (!stage) {
    await context.vim.call(machine.ref, 'MarkAsTemplate')
    return
  }
  const state = stage.task === null ? null : await progressOf(context, stage.task)
  if (state?.state === 'running') return
  // Nobody knows how far a copy is that vCenter has forgotten.
  if (state === null || state.state === 'forgotten') return copy(context, wish, machine, stage)
  const { sizeMiB } = await ourDisk(context, wish.volume)
  const { policy } = await importPlace(context)
  const file = await fileIn(context, machine.ref)
  await reconfigure(context, machine, {
    deviceChange: [addDisk(file, null, placeOn(machine, stage), sizeMiB * 1024, policy)],
    extraConfig: extraConfig({ [KEY.copying]: '' }),
  })
}

/** Takes away the copy of a disk that is in no machine yet. @throws `conflict` while it is being made */
export const abandonCopy = async (context: Context, machine: Machine): Promise<void> => {
  const { vim } = context
  if (!readCopy(machine.own[KEY.copying])?.task) return
  const { diskFiles } = await vim.content()
  if (!diskFiles) return
  const { datacenter } = await inventoryOf(context)
  const name = await fileIn(context, machine.ref)
  await unlessGone(async () =>
    settled(context, taskIn(await vim.call(diskFiles, 'DeleteVirtualDisk_Task', { name, datacenter: datacenter.ref }))),
  )
}

const FINAL = ['definitive', 'denied', 'capacity', 'not_found']

/** Images of volumes. Only `create` begins one: whoever polls may not want it any more. */
export const volumeImages = (context: Context, seen: (machine: Machine) => ImageSeen) => {
  const goOn = async (wish: Wish): Promise<Outcome<ImageSeen> | null> => {
    const machine = await machineByToken(context, (await importPlace(context)).folder, wish.name, wish.mark.token)
    if (!machine) return null
    if (!machine.complete) return later(wish)
    if (markOf(context, machine)?.token !== wish.mark.token) throw gone(wish.name)
    if (machine.template) return seen(machine)
    try {
      await step(context, wish, machine)
    } catch (error) {
      // Nobody knows of a machine that never becomes what was asked for but us.
      if (error instanceof CloudError && FINAL.includes(error.code)) await abandon(context, machine)
      throw error
    }
    return later(wish)
  }
  return {
    async create(wish: Wish): Promise<Outcome<ImageSeen>> {
      const going = await goOn(wish)
      if (going) return going
      const making = await begin(context, wish, await importPlace(context))
      await progressOf(context, making)
      return later({ ...wish, making })
    },
    async poll(wish: Wish): Promise<Outcome<ImageSeen>> {
      const going = await goOn(wish)
      if (going) return going
      // A long clone shows nothing of it until its end; what ended otherwise says so here.
      if (wish.making && (await progressOf(context, wish.making)).state === 'running') return later(wish)
      const late = await goOn(wish)
      if (!late) throw gone(wish.name)
      return late
    },
  }
}

const abandon = async (context: Context, machine: Machine): Promise<void> => {
  await abandonCopy(context, machine)
  await unlessGone(async () => settled(context, taskIn(await context.vim.call(machine.ref, 'Destroy_Task'))))
}
