import { describe, expect, test } from 'vitest'
import type { Power } from '../../../adapters/contract.ts'
import type { Phase } from '../../../db/schema/index.ts'
import {
  MACHINE_ACTIONS,
  SERVER_STATUSES,
  type ServerFacts,
  type ServerStatus,
  serverStatus,
  statusOf,
  TASK_ACTIONS,
} from '../../../functions/broker/compute/lifecycle.ts'

const PHASES: Phase[] = ['intent', 'calling', 'bound', 'deleting', 'gone', 'failed']
const HEALTHS = ['pending', 'ready', 'failed', 'gone', null] as const
const POWERS: (Power | null)[] = ['running', 'stopped', 'paused', 'suspended', 'changing', 'unknown', null]
const VM_STATES = ['active', 'building', 'stopped', 'resized', 'paused', 'suspended', 'error', 'deleted']
const POWER_STATES = [0, 1, 3, 4, 6, 7]

const shown = (vmState: string, taskState: string | null = null, powerState = 1): ServerStatus => ({
  status: statusOf(vmState, taskState),
  vmState,
  taskState,
  powerState,
  progress: 0,
})
const facts = (some: Partial<ServerFacts> = {}): ServerFacts => ({
  phase: 'bound',
  want: 'present',
  health: 'ready',
  power: 'running',
  launched: true,
  action: null,
  resized: false,
  before: shown('active'),
  ...some,
})

/** Everything that can be known of a server, in every combination. */
function* everything(): Generator<ServerFacts> {
  const befores = [
    null,
    ...VM_STATES.map((vm) => shown(vm)),
    shown('active', 'powering-off'),
    shown('resized', 'resize_reverting'),
  ]
  for (const phase of PHASES)
    for (const want of ['present', 'absent'] as const)
      for (const health of HEALTHS)
        for (const power of POWERS)
          for (const launched of [true, false])
            for (const action of [null, ...TASK_ACTIONS, 'attach_volume'])
              for (const resized of [true, false])
                for (const condemned of [true, false])
                  for (const before of befores)
                    yield { phase, want, health, power, launched, action, resized, condemned, before }
}

describe('a server’s status', () => {
  test('is defined for everything that can be known', () => {
    let count = 0
    for (const known of everything()) {
      count++
      const { status, vmState, taskState, powerState, progress } = serverStatus(known)
      const sound =
        (SERVER_STATUSES.has(status) || (status === 'UNKNOWN' && known.power === 'unknown')) &&
        VM_STATES.includes(vmState) &&
        (taskState === null || typeof taskState === 'string') &&
        POWER_STATES.includes(powerState) &&
        (progress === 0 || progress === 100)
      if (!sound) throw new Error(JSON.stringify({ known, got: serverStatus(known) }))
    }
    expect(count).toBeGreaterThan(200_000)
  })

  test('tells when it will be gone, and only then that it is being deleted', () => {
    for (const known of everything()) {
      const { taskState, vmState } = serverStatus(known)
      const leaving = known.want === 'absent'
      if (leaving && known.phase === 'gone') expect([vmState, taskState]).toEqual(['deleted', null])
      else if ((taskState === 'deleting') !== leaving) throw new Error(JSON.stringify(known))
    }
  })

  test('is never settled while an action runs on a machine that is there', () => {
    for (const known of everything()) {
      if (known.phase !== 'bound' || known.want === 'absent' || known.health !== 'ready' || !known.launched) continue
      const { taskState } = serverStatus(known)
      const busy = known.action !== null && TASK_ACTIONS.includes(known.action)
      if ((taskState !== null) !== busy) throw new Error(JSON.stringify({ known, taskState }))
    }
  })

  test.each([
    [
      'is admitted',
      { phase: 'intent', launched: false, power: null, before: null },
      'BUILD',
      'building',
      'scheduling',
      0,
    ],
    ['is being made', { phase: 'calling', launched: false, power: null }, 'BUILD', 'building', 'spawning', 0],
    ['boots', { launched: false, power: 'changing' }, 'BUILD', 'building', 'spawning', 0],
    ['runs', {}, 'ACTIVE', 'active', null, 1],
    ['is off', { power: 'stopped' }, 'SHUTOFF', 'stopped', null, 4],
    ['is paused', { power: 'paused' }, 'PAUSED', 'paused', null, 3],
    ['is suspended', { power: 'suspended' }, 'SUSPENDED', 'suspended', null, 7],
    ['is being stopped', { action: 'stop', power: 'changing' }, 'ACTIVE', 'active', 'powering-off', 1],
    [
      'is being started',
      { action: 'start', power: 'stopped', before: shown('stopped', null, 4) },
      'SHUTOFF',
      'stopped',
      'powering-on',
      4,
    ],
    ['reboots softly', { action: 'reboot' }, 'REBOOT', 'active', 'rebooting', 1],
    ['reboots hard', { action: 'reboot', actionArgs: { hard: true } }, 'HARD_REBOOT', 'active', 'rebooting_hard', 1],
    ['is resized', { action: 'resize', power: 'stopped' }, 'RESIZE', 'active', 'resize_migrating', 4],
    [
      'is resized while off',
      { action: 'resize', power: 'stopped', before: shown('stopped', null, 4) },
      'RESIZE',
      'stopped',
      'resize_migrating',
      4,
    ],
    ['waits for a yes', { resized: true }, 'VERIFY_RESIZE', 'resized', null, 1],
    ['waits for a yes, off', { resized: true, power: 'stopped' }, 'VERIFY_RESIZE', 'resized', null, 4],
    [
      'goes back',
      { resized: true, action: 'revertResize', before: shown('resized') },
      'REVERT_RESIZE',
      'resized',
      'resize_reverting',
      1,
    ],
    ['was confirmed while changing', { power: 'changing', before: shown('resized') }, 'ACTIVE', 'active', null, 1],
    ['is rebuilt', { action: 'rebuild', power: 'changing' }, 'REBUILD', 'active', 'rebuild_spawning', 1],
    ['is rescued', { action: 'rescue', power: 'stopped' }, 'ACTIVE', 'active', 'rescuing', 4],
    ['runs from another disk', { rescued: true }, 'RESCUE', 'rescued', null, 1],
    ['is off with another disk', { rescued: true, power: 'stopped' }, 'RESCUE', 'rescued', null, 4],
    [
      'is off and takes no room',
      { shelved: true, power: 'stopped' },
      'SHELVED_OFFLOADED',
      'shelved_offloaded',
      null,
      4,
    ],
    ['was let run by somebody', { shelved: true, power: 'running' }, 'ACTIVE', 'active', null, 1],
    ['is copied', { action: 'createImage' }, 'ACTIVE', 'active', 'image_uploading', 1],
    ['could not be made', { phase: 'failed', launched: false, power: null }, 'ERROR', 'error', null, 0],
    ['broke', { health: 'failed', power: 'unknown' }, 'ERROR', 'error', null, 0],
    ['is called broken', { condemned: true, before: shown('error') }, 'ERROR', 'error', null, 1],
    ['healed', { before: shown('error', null, 0) }, 'ACTIVE', 'active', null, 1],
    ['is not told of', { power: 'unknown' }, 'UNKNOWN', 'active', null, 0],
    ['shall go', { want: 'absent' }, 'ACTIVE', 'active', 'deleting', 1],
    ['is gone', { want: 'absent', phase: 'gone' }, 'DELETED', 'deleted', null, 0],
  ] as [string, Partial<ServerFacts>, string, string, string | null, number][])(
    '%s',
    (_, some, status, vmState, taskState, powerState) => {
      expect(serverStatus(facts(some))).toMatchObject({ status, vmState, taskState, powerState })
    },
  )

  test('every machine action shows', () => {
    expect(MACHINE_ACTIONS).not.toContain('createImage')
    for (const action of MACHINE_ACTIONS) expect(serverStatus(facts({ action })).taskState).not.toBeNull()
  })
})
