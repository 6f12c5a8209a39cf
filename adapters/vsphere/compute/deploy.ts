import type { Mark, Outcome, ServerSeen, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { writeMark } from '../../shared/mark-line.ts'
import { gone, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { placeOf } from '../inventory.ts'
import { KEY, tokenIn } from '../marks.ts'
import { deployItem } from '../package/library.ts'
import { isRunning, runExclusively } from '../records/exclusive-work.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineByToken, uuidOf } from '../records/machine.ts'
import type { Value } from '../wire/soap.ts'
import { progressOf, settled, taskIn } from '../wire/tasks.ts'
import { finish, isMaking } from './finish.ts'
import { takeSeat } from './group-seats.ts'
import { type NewCard, newCardsFor } from './new-cards.ts'

type Place = Awaited<ReturnType<typeof placeOf>>
/** A server of a library's package as it was asked for: plain JSON, which is the task too. */
interface Wish {
  spec: ServerSpec
  mark: Mark
}
/** What servers of every kind have in common. */
interface Common {
  /** @throws `definitive` for what cannot be made as it is asked */
  placeFor(spec: ServerSpec): Promise<Place>
  /** The settings and devices of the machine, as a clone would be given them. */
  configFor(
    spec: ServerSpec,
    mark: Mark,
    machine: Machine,
    newCards: NewCard[],
    place: Place,
  ): Promise<Record<string, Value>>
  seen(machine: Machine): Promise<ServerSeen>
}

const LATER_MS = 2_000
/** What vCenter says while it still copies the disks of the machine. */
const COPYING = ['MethodDisabled', 'TaskInProgress', 'VAppTaskInProgress', 'InvalidState']

const later = (wish: Wish): Outcome<ServerSeen> => ({ task: { deploy: { ...wish } as never }, pollAfterMs: LATER_MS })

/** A server of a package in a task of a server's. */
export const deployIn = (task: unknown): Wish | undefined => (task as { deploy?: Wish }).deploy

const work = ({ mark }: Wish) => `deploy/${mark.token}`

const machineFor = (context: Context, { spec, mark }: Wish, { folder }: Place) =>
  machineByToken(context, folder, spec.name, mark.token)

const run = async (
  context: Context,
  machine: Machine,
  method: string,
  parameters: Record<string, Value> = {},
): Promise<void> => settled(context, taskIn(await context.vim.call(machine.ref, method, parameters)))

/** The settings, the cards and the size. */
const configure = async (
  context: Context,
  { configFor }: Common,
  { spec, mark }: Wish,
  machine: Machine,
  place: Place,
): Promise<void> => {
  const newCards = await newCardsFor(context, spec.ports, await uuidOf(mark.token))
  const { annotation: _, ...config } = await configFor(spec, mark, machine, newCards, place)
  const settings = (config.extraConfig as { key: string }[]).filter(({ key }) => key !== KEY.mark)
  const task = taskIn(
    await context.vim.call(machine.ref, 'ReconfigVM_Task', { spec: { ...config, extraConfig: settings as Value } }),
  )
  await progressOf(context, task.id)
}

const step = async (context: Context, common: Common, wish: Wish, machine: Machine, place: Place): Promise<void> => {
  const { spec, mark } = wish
  if (machine.own[KEY.size] !== spec.size.native) return configure(context, common, wish, machine, place)
  if (isMaking(machine)) return finish(context, machine)
  if (machine.power !== 'poweredOn') return run(context, machine, 'PowerOnVM_Task')
  const whole = {
    annotation: `Plimsoll server ${mark.resource}`,
    extraConfig: extraConfig({ [KEY.mark]: writeMark(mark) }),
  }
  return run(context, machine, 'ReconfigVM_Task', { spec: whole })
}

/** What is there already, a step further; null: nothing. */
const present = async (context: Context, common: Common, wish: Wish): Promise<Outcome<ServerSeen> | null> => {
  if (await isRunning(context, work(wish))) return later(wish)
  const place = await common.placeFor(wish.spec)
  const machine = await machineFor(context, wish, place)
  if (!machine) return null
  if (!machine.complete) return later(wish)
  const marked = machine.own[KEY.mark] !== undefined && !machine.unfinished
  if (marked) return common.seen(machine)
  if (tokenIn(machine.name) !== wish.mark.token) return null
  try {
    await step(context, common, wish, machine, place)
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    if (COPYING.includes(error.detail.cloudCode ?? '') || error.code === 'conflict') return later(wish)
    // It never becomes what was asked for, and nobody knows of it but us.
    if (error.code === 'definitive')
      await unlessGone(async () => progressOf(context, taskIn(await context.vim.call(machine.ref, 'Destroy_Task')).id))
    throw error
  }
  return later(wish)
}

/**
 * Servers out of a content library. Its call makes a machine that is off and has a name and notes but no settings, and
 * answers when the disks are copied, so one process waits for it (see `runExclusively`). Then, a step at a time: the
 * settings, the cards and the size; the power; and last the mark among the settings. Until that is there the server is
 * unfinished, which its notes say, and the next call for it goes on.
 */
export const deployments = (context: Context, common: Common) => {
  return {
    async create(spec: ServerSpec, mark: Mark): Promise<Outcome<ServerSeen>> {
      const wish: Wish = { spec, mark }
      const found = await present(context, common, wish)
      if (found) return found
      const place = await common.placeFor(spec)
      const host = await takeSeat(context, spec.group, mark.token, place, spec.name)
      await runExclusively(context, work(wish), () => deployItem(context, spec, mark, place, host))
      return (await present(context, common, wish)) ?? later(wish)
    },
    /** Goes on with what is there; it never deploys, since nobody may want it any more. */
    async poll(wish: Wish): Promise<Outcome<ServerSeen>> {
      const found = await present(context, common, wish)
      if (!found) throw gone(wish.spec.name)
      return found
    },
  }
}
