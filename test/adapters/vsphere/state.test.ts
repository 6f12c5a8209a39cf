import { describe, expect, it } from 'vitest'
import { nextStep } from '../../../adapters/vsphere/compute/resize.ts'
import { sizeOf } from '../../../adapters/vsphere/offers.ts'
import { readOptions } from '../../../adapters/vsphere/options.ts'
import type { Machine } from '../../../adapters/vsphere/records/machine.ts'
import { CONNECTIONS, POWERS, stateOf } from '../../../adapters/vsphere/records/server-state.ts'

describe('the state of a machine', () => {
  it.each(CONNECTIONS.flatMap((connection) => POWERS.map((power) => [power, connection] as const)))(
    '%s and %s is known',
    (power, connection) => {
      const { known, health, fault } = stateOf(power, connection)
      expect(known).toBe(true)
      expect(health === 'failed').toBe(fault !== undefined)
    },
  )

  it('is what the host says while it can be asked', () => {
    expect(POWERS.map((power) => stateOf(power, 'connected').power)).toEqual(['running', 'stopped', 'suspended'])
    expect(stateOf('poweredOn', 'disconnected')).toMatchObject({ health: 'ready', power: 'unknown' })
    expect(stateOf('poweredOn', 'orphaned').health).toBe('failed')
  })

  it.each([
    ['quantum', 'connected'],
    ['poweredOn', 'entangled'],
    [undefined, undefined],
  ])('%s and %s is unknown and no error', (power, connection) => {
    expect(stateOf(power, connection)).toMatchObject({ power: 'unknown', known: false })
  })
})

describe('sizes', () => {
  const { options } = readOptions({
    sizes: [
      { name: 'a', vcpus: 1, ram_mib: 512 },
      { name: 'b', vcpus: 2, ram_mib: 1024 },
      { name: 'b2', vcpus: 2, ram_mib: 1024, disk_gib: 40 },
    ],
  })
  const named = (cpus: number, ramMiB: number, size?: string) =>
    sizeOf({ options }, { cpus, ramMiB, own: size ? { 'plimsoll.size': size } : {} } as Pick<
      Machine,
      'cpus' | 'ramMiB' | 'own'
    >)

  it('are the one that the machine was made with as long as it has that hardware', () => {
    expect([named(2, 1024, 'b2'), named(2, 1024), named(1, 512, 'b2'), named(3, 7)]).toEqual([
      'b2',
      'b',
      'a',
      'custom-3x7',
    ])
  })

  const size = { native: 'b', vcpus: 2, ramMiB: 1024, diskGiB: 20 }
  const GIB = 1024 ** 2
  it.each([
    ['poweredOn', 1, 10, 'running', 'stop'],
    ['poweredOff', 1, 10, 'running', 'change'],
    ['poweredOff', 2, 10, 'running', 'change'],
    ['poweredOff', 2, 20, 'running', 'start'],
    ['poweredOn', 2, 20, 'running', 'done'],
    ['poweredOn', 2, 20, 'stopped', 'stop'],
    ['poweredOff', 2, 40, 'stopped', 'done'],
    ['suspended', 1, 10, 'stopped', 'start'],
    [undefined, 1, 10, 'running', 'wait'],
  ] as const)('change a machine that is %s, %i cpus, %i GiB, wanted %s: %s', (power, cpus, disk, wanted, step) => {
    expect(nextStep({ power, cpus, ramMiB: 1024, rootKiB: disk * GIB, size: 'b' }, size, wanted)).toBe(step)
  })
})
