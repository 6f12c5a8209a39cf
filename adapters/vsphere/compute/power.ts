import type { NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { nextTowardsOff } from '../../shared/shutdown.ts'
import type { Context } from '../context.ts'
import { type Machine, ourMachine } from '../records/machine.ts'
import { ref } from '../wire/soap.ts'
import { progressOf, taskIn } from '../wire/tasks.ts'

/** Long after a guest was asked to shut down it is asked anew: it was started since, and not by us. */
const FORGOTTEN_MS = 600_000

/** Where it is noted when the guest was asked to shut down, in milliseconds since 1970. */
const shutdownKey = ({ storePrefix }: Context, id: NativeId): string => `${storePrefix}/shutdown/${id}`

/** One call that changes the power of a machine; that it is as wanted already is success. */
const change = async (context: Context, id: NativeId, method: string): Promise<void> => {
  const answer = await context.vim.call(ref('VirtualMachine', id), method)
  if (!method.endsWith('_Task')) return
  try {
    await progressOf(context, taskIn(answer).id)
  } catch (error) {
    // Somebody was faster: the next look says whether it is as it was wanted.
    if (!(error instanceof CloudError && error.detail.cloudCode === 'InvalidPowerState')) throw error
  }
}

/** Puts the power on, or back on. */
export const powerOn = (context: Context, id: NativeId): Promise<void> => change(context, id, 'PowerOnVM_Task')

/**
 * Takes one step towards off: the guest is asked to shut down if it has VMware Tools, and its power is cut once it has
 * had `options.shutdownMs`.
 */
export const stop = async (context: Context, machine: Machine): Promise<void> => {
  const { surroundings, options } = context
  const patienceMs = options.shutdownMs
  const id = machine.ref.id
  if (machine.power === 'poweredOff') return
  const listens = machine.power === 'poweredOn' && machine.tools
  const patience = { listens, patienceMs, forgottenMs: 10 * patienceMs + FORGOTTEN_MS }
  const next = await nextTowardsOff(surroundings, shutdownKey(context, id), patience)
  if (next !== 'wait') await change(context, id, next === 'ask' ? 'ShutdownGuest' : 'PowerOffVM_Task')
}

/** What may be done to the power of a server that is ours. */
export const powerActions = (context: Context) => ({
  async start(id: NativeId): Promise<void> {
    const machine = await ourMachine(context, id)
    await context.surroundings.store.delete(shutdownKey(context, id))
    if (machine.power !== 'poweredOn') await powerOn(context, id)
  },
  stop: async (id: NativeId): Promise<void> => stop(context, await ourMachine(context, id)),
  async reboot(id: NativeId, hard: boolean): Promise<void> {
    const machine = await ourMachine(context, id)
    if (machine.power !== 'poweredOn') return powerOn(context, id)
    await change(context, id, hard || !machine.tools ? 'ResetVM_Task' : 'RebootGuest')
  },
  async suspend(id: NativeId): Promise<void> {
    const machine = await ourMachine(context, id)
    if (machine.power === 'suspended') return
    if (machine.power !== 'poweredOn') throw new CloudError('conflict', 'Only a server that runs is suspended.')
    await change(context, id, 'SuspendVM_Task')
  },
  async resume(id: NativeId): Promise<void> {
    const machine = await ourMachine(context, id)
    if (machine.power !== 'poweredOn') await powerOn(context, id)
  },
})
