import type { Capability } from '../../../../adapters/contract.ts'
import { refuseLocked } from '../../../broker/compute/server-action.ts'
import { conflict, Fault } from '../../../http/fault.ts'
import { type Action, action } from './action.ts'

type Why = string | Capability
interface Window {
  since?: number
  until?: number
  adminRule?: string
}

const never = (name: string, why: Why, window: Window = {}): Action =>
  action({
    name,
    ...window,
    handle: ({ context }, server) => {
      refuseLocked(context, server)
      throw conflict(why)
    },
  })

const MOVING = 'The clouds behind this broker move machines between their hosts by themselves.'
const admin = (rule: string): Window => ({ adminRule: rule })

/** Shown in the capabilities of each cloud before anybody tries. */
export const refusedActions: Action[] = [
  never('restore', 'Deleted servers are not kept: there is nothing to restore.'),
  never('trigger_crash_dump', 'The clouds behind this broker cannot make a server dump its memory.', { since: 17 }),
  never('migrate', MOVING, admin('os-migrate-server:migrate')),
  never('os-migrateLive', MOVING, admin('os-migrate-server:migrate_live')),
  never('evacuate', MOVING, admin('os-evacuate')),
  never(
    'injectNetworkInfo',
    'Guests read their network from the cloud.',
    admin('os-admin-actions:inject_network_info'),
  ),
  action({
    name: 'resetNetwork',
    adminRule: 'os-admin-actions:reset_network',
    handle: () => {
      throw new Fault(410, 'This action was removed.')
    },
  }),
]
