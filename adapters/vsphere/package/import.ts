import type { ImageData, ImageSeen, Mark, Outcome } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { gone, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { runExclusively, runningShare } from '../records/exclusive-work.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineByToken } from '../records/machine.ts'
import type { Ref, Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { diskSpec, type ImportPlace, importPlace } from './import-spec.ts'
import { assertArrived, type Device, leaseIn, readyDevices, sendFile } from './lease.ts'
import { type FileItem, machineSpec } from './ovf-spec.ts'
import { openUpload, type Upload, type UploadedFile } from './upload.ts'

/** An uploaded image as it was asked for: plain JSON, which is the task too. */
interface Wish {
  name: string
  data: ImageData
  mark: Mark
}

const LATER_MS = 2_000
/** How often vCenter is told of an upload: a lease that hears nothing for five minutes ends. */
const TOLD_MS = 30_000
/** A machine that a dead process has left behind is let go by vCenter when its lease runs out, after five minutes. */
const LEFT_MS = 20_000

/** What vCenter says while a lease still holds the machine. */
const HELD = ['MethodDisabled', 'TaskInProgress', 'VAppTaskInProgress', 'InvalidState', 'InvalidPowerState']
const isHeldByLease = (error: unknown): boolean =>
  error instanceof CloudError && HELD.includes(error.detail.cloudCode ?? '')

const later = (wish: Wish, pollAfterMs = LATER_MS, share?: number): Outcome<ImageSeen> => ({
  task: { import: { ...wish } as never },
  pollAfterMs,
  ...(share === undefined ? {} : { share }),
})

/** Uploaded data in a task of an image's. */
export const wishIn = (task: unknown): Wish | undefined => (task as { import?: Wish }).import

const work = ({ mark }: Wish): string => `import/${mark.token}`

const machineFor = (context: Context, { name, mark }: Wish, { folder }: Pick<ImportPlace, 'folder'>) =>
  machineByToken(context, folder, name, mark.token)

const toTemplate = async ({ vim }: Context, machine: Machine): Promise<void> => {
  if (!machine.template) await vim.call(machine.ref, 'MarkAsTemplate')
}

const destroyed = (context: Context, machine: Ref): Promise<void> =>
  unlessGone(async () => settled(context, taskIn(await context.vim.call(machine, 'Destroy_Task'))))

/** What is there already: an image, one that is being made, one that is taken away again, or nothing. */
const present = async (
  context: Context,
  wish: Wish,
  seen: (machine: Machine) => ImageSeen,
): Promise<Outcome<ImageSeen> | null> => {
  const share = await runningShare(context, work(wish))
  if (share !== null) return later(wish, LATER_MS, share)
  const machine = await machineFor(context, wish, await importPlace(context))
  if (!machine) return null
  if (!machine.complete) return later(wish, LEFT_MS)
  if (!machine.own[KEY.importing]) {
    await toTemplate(context, machine)
    return seen({ ...machine, template: true })
  }
  try {
    await destroyed(context, machine.ref)
  } catch (error) {
    if (!isHeldByLease(error)) throw error
    return later(wish, LEFT_MS)
  }
  return later(wish)
}

/** All of an import, by one process. @param alive shows that it goes on; throws once another process has taken over */
const importAll = async (context: Context, wish: Wish, alive: (share?: number) => Promise<void>): Promise<void> => {
  const { vim } = context
  const place = await importPlace(context)
  const upload = await openUpload(context, wish.data)
  const { spec, items } = await specOf(context, upload, wish, place)
  const lease = leaseIn(await vim.call(place.pool, 'ImportVApp', { spec, folder: place.folder }))
  let made: Ref | undefined
  try {
    const { machine, devices } = await readyDevices(context, lease, alive)
    made = machine
    const sends = matched(upload, items, devices)
    const total = sends.reduce((sum, { file }) => sum + file.size, 0)
    let sent = 0
    let shown = context.surroundings.now()
    const told = async (bytes: number): Promise<void> => {
      sent += bytes
      if (context.surroundings.now() - shown < TOLD_MS) return
      shown = context.surroundings.now()
      await alive(sent / total)
      // A lease that has ended shows in the upload; an answer that was lost changes nothing.
      await vim.call(lease, 'HttpNfcLeaseProgress', { percent: Math.floor((99 * sent) / total) }).catch(() => {})
    }
    for (const { device, file, create } of sends)
      await sendFile(context, device, file, { blob: wish.data.blob, create }, told)
    await assertArrived(context, lease, sends)
    await alive()
  } catch (error) {
    // vCenter takes the machine away with the lease; what it leaves, the next attempt removes.
    await vim.call(lease, 'HttpNfcLeaseAbort').catch(() => {})
    if (made) await destroyed(context, made).catch(() => {})
    throw error
  }
  await vim.call(lease, 'HttpNfcLeaseComplete')
  const machine = await machineFor(context, wish, place)
  if (!machine) throw gone(wish.name)
  const whole = { extraConfig: extraConfig({ [KEY.importing]: '' }) }
  await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec: whole })))
  await toTemplate(context, machine)
}

const specOf = async (
  context: Context,
  upload: Upload,
  { data, name, mark }: Wish,
  place: ImportPlace,
): Promise<{ spec: Value; items: FileItem[] | null }> =>
  upload.kind === 'disk'
    ? { spec: await diskSpec(upload, data, name, mark, place), items: null }
    : machineSpec(context, upload, name, mark, place)

/**
 * Images out of uploaded data. ImportVApp makes a machine with our name, UUID and mark and gives a lease, under which its
 * disks are sent to the host; then it becomes a template. An upload cannot be resumed and a lease belongs to the session
 * that asked for it, so one process does all of it (see `runExclusively`): on Node behind the calls, with no limit; on
 * Workers within one call, and only as long as its invocation lives.
 *
 * Until its disks are there the machine says so in its settings. One that was left like this is removed, and imported
 * anew by the next `create`; one that has its disks only has to become a template.
 */
export const imports = (context: Context, seen: (machine: Machine) => ImageSeen) => ({
  async create(name: string, data: ImageData, mark: Mark): Promise<Outcome<ImageSeen>> {
    const wish: Wish = { name, data, mark }
    const found = await present(context, wish, seen)
    if (found) return found
    await openUpload(context, data)
    await runExclusively(context, work(wish), (alive) => importAll(context, wish, alive))
    return (await present(context, wish, seen)) ?? later(wish)
  },
  /** Looks, and finishes what is nearly done; it never begins an import, since nobody may want it any more. */
  async poll(wish: Wish): Promise<Outcome<ImageSeen>> {
    const found = await present(context, wish, seen)
    if (!found) throw gone(wish.name)
    return found
  },
})

/** Each file with the device that it is for. @throws `ambiguous` if the lease leaves one out */
const matched = (
  { files }: Upload,
  items: FileItem[] | null,
  devices: Device[],
): { device: Device; file: UploadedFile; create: boolean }[] => {
  const wanted = items ?? [{ path: files[0]!.name, device: null, create: false }]
  return wanted.map(({ path, device: name, create }) => {
    const device = devices.find(({ importKey, disk }) => (name === null ? disk : importKey === name))
    const file = files.find((each) => each.name === path)
    if (!device || !file)
      throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
        operatorMessage: `the lease has no device for ${path}`,
      })
    return { device, file, create }
  })
}
