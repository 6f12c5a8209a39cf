import type { Power } from '../../../adapters/contract.ts'
import { table } from '../../../adapters/table.ts'
import type { Phase } from '../../../db/schema/index.ts'

/** Everything from which a server's status follows. */
export interface ServerFacts {
  phase: Phase
  want: 'present' | 'absent'
  health: 'pending' | 'ready' | 'failed' | 'gone' | null
  /** What the cloud last said; null before it said anything. */
  power: Power | null
  /** It ran at least once. */
  launched: boolean
  /** Oldest action that is not finished, in Nova's word. */
  action: string | null
  actionArgs?: { hard?: boolean }
  /** A resize waits to be confirmed or reverted. */
  resized: boolean
  /** It runs from another disk than its own. */
  rescued?: boolean
  /** It is off, and its room is free for others. */
  shelved?: boolean
  /** An admin said that it is broken; the cloud's word does not change that. */
  condemned?: boolean
  /** What it was before; kept while the cloud says `changing`. */
  before: ServerStatus | null
}
export interface ServerStatus {
  status: string
  vmState: string
  taskState: string | null
  powerState: number
  progress: number
}

/** nova/compute/power_state.py */
export const POWER_STATES = { none: 0, running: 1, paused: 3, shutdown: 4, crashed: 6, suspended: 7 } as const

const REBUILD = { rebuilding: 'REBUILD', rebuild_block_device_mapping: 'REBUILD', rebuild_spawning: 'REBUILD' }
const RESIZE = { resize_prep: 'RESIZE', resize_migrating: 'RESIZE', resize_migrated: 'RESIZE', resize_finish: 'RESIZE' }

/** The word that users see, by vm_state and then task_state (nova/api/openstack/common.py, _STATE_MAP). */
const STATUS = table<Record<string, string> & { default: string }>({
  active: {
    default: 'ACTIVE',
    rebooting: 'REBOOT',
    rebooting_hard: 'HARD_REBOOT',
    updating_password: 'PASSWORD',
    migrating: 'MIGRATING',
    ...REBUILD,
    ...RESIZE,
  },
  building: { default: 'BUILD' },
  stopped: { default: 'SHUTOFF', ...REBUILD, ...RESIZE },
  resized: { default: 'VERIFY_RESIZE', resize_reverting: 'REVERT_RESIZE' },
  paused: { default: 'PAUSED', migrating: 'MIGRATING' },
  suspended: { default: 'SUSPENDED' },
  rescued: { default: 'RESCUE' },
  error: { default: 'ERROR', ...REBUILD },
  deleted: { default: 'DELETED' },
  'soft-delete': { default: 'SOFT_DELETED' },
  shelved: { default: 'SHELVED' },
  shelved_offloaded: { default: 'SHELVED_OFFLOADED' },
})

/** Every status that a server can be asked for by, in upper case. */
export const SERVER_STATUSES: ReadonlySet<string> = new Set(
  Object.values(STATUS).flatMap((tasks) => Object.values(tasks)),
)

/**
 * The status that Nova shows for two states (nova/api/openstack/common.py); `UNKNOWN` for a state that it does not
 * know.
 */
export const statusOf = (vmState: string, taskState: string | null): string => {
  const tasks = STATUS[vmState]
  return tasks ? ((taskState && tasks[taskState]) ?? tasks.default) : 'UNKNOWN'
}

/** vm_state and power_state of a machine that is left alone. */
const RESTING: Record<Exclude<Power, 'changing' | 'unknown'>, [vmState: string, powerState: number]> = {
  running: ['active', POWER_STATES.running],
  stopped: ['stopped', POWER_STATES.shutdown],
  paused: ['paused', POWER_STATES.paused],
  suspended: ['suspended', POWER_STATES.suspended],
}

/** Status and task while an action is under way (nova/compute/task_states.py). */
const TASKS: Record<string, (facts: ServerFacts) => string> = table({
  start: () => 'powering-on',
  stop: () => 'powering-off',
  reboot: ({ actionArgs }) => (actionArgs?.hard ? 'rebooting_hard' : 'rebooting'),
  pause: () => 'pausing',
  unpause: () => 'unpausing',
  suspend: () => 'suspending',
  resume: () => 'resuming',
  resize: () => 'resize_migrating',
  revertResize: () => 'resize_reverting',
  rebuild: () => 'rebuild_spawning',
  rescue: () => 'rescuing',
  unrescue: () => 'unrescuing',
  shelve: () => 'shelving',
  unshelve: () => 'unshelving',
  createImage: () => 'image_uploading',
})

/** What converge does to a machine, in Nova's words; every other action is history or another kind's work. */
export const MACHINE_ACTIONS: readonly string[] = Object.keys(TASKS).filter((action) => action !== 'createImage')
/** Actions that show in a server's task_state while they are open. */
export const TASK_ACTIONS: readonly string[] = Object.keys(TASKS)

/** The one place where a server's status comes from: a total function of intent, phase and observation. */
export const serverStatus = (facts: ServerFacts): ServerStatus => {
  if (facts.phase === 'gone' && facts.want === 'absent') return state('deleted', null, POWER_STATES.none)
  if (facts.want === 'absent') return { ...present(facts), taskState: 'deleting' }
  return present(facts)
}

const present = (facts: ServerFacts): ServerStatus => {
  const { phase, health, power, launched, before } = facts
  if (phase === 'failed' || health === 'failed' || health === 'gone') return state('error', null, POWER_STATES.none)
  if (!launched && (phase !== 'bound' || power === null || power === 'changing' || power === 'unknown'))
    return state('building', phase === 'intent' ? 'scheduling' : 'spawning', POWER_STATES.none)
  const task = facts.action === null ? null : (TASKS[facts.action]?.(facts) ?? null)
  const [vmState, powerState] =
    power === null || power === 'changing' || power === 'unknown'
      ? [kept(facts), before?.powerState ?? POWER_STATES.none]
      : RESTING[power]
  // While an action runs the vm_state is the one it started from.
  const base = task && before ? kept(facts) : vmState
  if (facts.condemned && !task) return state('error', null, powerState)
  const settled = state(settledAs(base, task, facts), task, powerState)
  // A cloud that does not know says so; the vm_state stays what it was, so that it can still be deleted or started.
  return power === 'unknown' ? { ...settled, status: 'UNKNOWN', powerState: POWER_STATES.none } : settled
}

/** Where a resize or a rescue leaves a machine, running or not. */
const ON_OR_OFF = new Set(['active', 'stopped'])

/** What a machine is besides on or off. */
const settledAs = (base: string, task: string | null, { resized, rescued, shelved }: ServerFacts): string => {
  if (resized && ON_OR_OFF.has(base)) return 'resized'
  if (task) return base
  if (rescued && ON_OR_OFF.has(base)) return 'rescued'
  return shelved && base === 'stopped' ? 'shelved_offloaded' : base
}

/** The vm_state to keep while the cloud says nothing new; one that is being built and ran already is active. */
const kept = ({ before, resized }: ServerFacts): string => {
  if (before === null || before.vmState === 'building') return 'active'
  if (before.vmState === 'resized' && !resized)
    return before.powerState === POWER_STATES.shutdown ? 'stopped' : 'active'
  return before.vmState
}

const state = (vmState: string, taskState: string | null, powerState: number): ServerStatus => {
  const status = statusOf(vmState, taskState)
  const complete = taskState === null && (status === 'ACTIVE' || status === 'VERIFY_RESIZE')
  return { status, vmState, taskState, powerState, progress: complete ? 100 : 0 }
}
