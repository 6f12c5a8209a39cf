import type { Power, Seen } from '../../contract.ts'

/** VirtualMachinePowerState */
export const POWERS = ['poweredOn', 'poweredOff', 'suspended'] as const
/** VirtualMachineConnectionState */
export const CONNECTIONS = ['connected', 'disconnected', 'inaccessible', 'orphaned', 'invalid'] as const

interface State {
  health: Seen['health']
  power: Power
  fault?: string
  /** False for a state that vSphere invented since; it is shown as unknown and never acted upon. */
  known: boolean
}

const powerOf = (power: string | undefined): Power | null => {
  switch (power as (typeof POWERS)[number] | undefined) {
    case 'poweredOn':
      return 'running'
    case 'poweredOff':
      return 'stopped'
    case 'suspended':
      return 'suspended'
    default:
      return null
  }
}

/**
 * What a virtual machine is in our words. A host that does not answer says nothing about its machines: they are there,
 * and HA or its return will show them again.
 */
export const stateOf = (power: string | undefined, connection: string | undefined): State => {
  const found = powerOf(power)
  switch (connection as (typeof CONNECTIONS)[number] | undefined) {
    case undefined:
    case 'connected':
      return { health: 'ready', power: found ?? 'unknown', known: found !== null }
    case 'disconnected':
    case 'inaccessible':
      return { health: 'ready', power: 'unknown', known: found !== null }
    case 'orphaned':
      return {
        health: 'failed',
        power: 'unknown',
        fault: 'The host of the server does not know it any more.',
        known: true,
      }
    case 'invalid':
      return { health: 'failed', power: 'unknown', fault: 'The files of the server cannot be read.', known: true }
    default:
      return { health: 'ready', power: 'unknown', known: false }
  }
}
