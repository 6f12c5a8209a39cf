import type { Progress, Size } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { growDisk, rootDisk } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, ourMachine } from '../records/machine.ts'
import { progressOf, taskIn } from '../wire/tasks.ts'

/** What one step of a resize does. `wait`: something runs already. */
export type Step = 'wait' | 'stop' | 'start' | 'change' | 'done'

const KIB_PER_GIB = 1024 ** 2

/**
 * Pure. Processors and memory change while the machine is off: hot-add is off by default and many guests ignore it. The
 * root disk grows and never shrinks.
 */
export const nextStep = (
  seen: { power: string | undefined; cpus: number; ramMiB: number; rootKiB: number; size: string | undefined },
  size: Size,
  power: 'running' | 'stopped',
): Step => {
  const changed =
    seen.cpus !== size.vcpus ||
    seen.ramMiB !== size.ramMiB ||
    seen.rootKiB < size.diskGiB * KIB_PER_GIB ||
    seen.size !== size.native
  switch (seen.power) {
    case 'poweredOn':
      return changed ? 'stop' : power === 'running' ? 'done' : 'stop'
    case 'poweredOff':
      return changed ? 'change' : power === 'stopped' ? 'done' : 'start'
    // A suspended machine has its memory on disk: it has to run and shut down first.
    case 'suspended':
      return 'start'
    default:
      return 'wait'
  }
}

/** Takes one step, safe to repeat. */
export const resize = async (
  context: Context,
  id: string,
  size: Size,
  power: 'running' | 'stopped',
  steps: { stop(machine: Machine): Promise<void>; start(id: string): Promise<void> },
): Promise<Progress> => {
  if (!context.options.sizes.some(({ name }) => name === size.native)) refuse('The cloud does not know this size.')
  const machine = await ourMachine(context, id)
  const root = rootDisk(machine.devices)
  const rootKiB = root?.disk?.capacityKiB ?? size.diskGiB * KIB_PER_GIB
  const { cpus, ramMiB, own } = machine
  switch (nextStep({ power: machine.power, cpus, ramMiB, rootKiB, size: own[KEY.size] }, size, power)) {
    case 'done':
      return 'done'
    case 'wait':
      return 'going'
    case 'stop':
      await steps.stop(machine)
      return 'going'
    case 'start':
      await steps.start(id)
      return 'going'
    case 'change': {
      const wanted = size.diskGiB * KIB_PER_GIB
      const spec = {
        numCPUs: size.vcpus,
        memoryMB: size.ramMiB,
        deviceChange: root && rootKiB < wanted ? [growDisk(root, wanted)] : [],
        extraConfig: extraConfig({ [KEY.size]: size.native }),
      }
      await progressOf(context, taskIn(await context.vim.call(machine.ref, 'ReconfigVM_Task', { spec })).id)
      return 'going'
    }
  }
}
