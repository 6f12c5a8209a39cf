import * as z from 'zod'
import type { Capability } from '../../../../adapters/contract.ts'
import { hostNamed } from '../../../../db/queries/clouds/aggregates.ts'
import { cloudById } from '../../../../db/queries/clouds/clouds.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { refuseLocked } from '../../../broker/compute/server-action.ts'
import { badRequest, conflict, Fault, notFound } from '../../../http/fault.ts'
import { boolean, matching, text } from '../../parameters.ts'
import { fieldsIf, perVersion } from '../fields.ts'
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

const EVACUATED = ['active', 'stopped', 'error']
const host = () => matching(/^[a-zA-Z0-9-._]*$/)

/** nova/api/openstack/compute/migrate_server.py: a host that nobody has is told first. */
const moved = (name: string, window: Window, body: (version: number) => z.ZodType<{ host?: string | null } | null>) =>
  action<{ host?: string | null } | null>({
    name,
    ...window,
    body: perVersion(body),
    handle: async ({ context }, server, asked) => {
      refuseLocked(context, server)
      if (asked?.host && !(await hostNamed(context.db, asked.host)))
        throw badRequest(`Compute host ${asked.host} could not be found.`)
      throw conflict(MOVING)
    },
  })

const inState = (words: string, { id, vmState }: ServerRow) =>
  conflict(`Cannot '${words}' instance ${id} while it is in vm_state ${vmState}`)

/**
 * Only what is on a host that is down is evacuated, and a cloud is up while it answers (nova/compute/api.py, `evacuate`). One that is
 * down has machines of its own to move it to, and nobody else's.
 */
const evacuate = action<{ host?: string | undefined; force?: boolean }>({
  name: 'evacuate',
  ...admin('os-evacuate'),
  body: perVersion((version) =>
    z.strictObject({
      host: host().optional(),
      adminPass: text(0, 255).optional(),
      ...(version < 14 ? { onSharedStorage: boolean() } : {}),
      ...fieldsIf(version >= 29 && version < 68, { force: boolean().optional() }),
    }),
  ),
  handle: async ({ context }, server, asked) => {
    refuseLocked(context, server)
    if (asked.force && !asked.host) throw badRequest("Can't force to a non-provided destination")
    if (asked.host && !(await hostNamed(context.db, asked.host)))
      throw notFound(`Compute host ${asked.host} not found.`)
    const cloud = server.cloudId === null ? null : await cloudById(context.db, server.cloudId)
    if (asked.host && asked.host === cloud?.name) throw badRequest("The target host can't be the same one.")
    if (!cloud || !EVACUATED.includes(server.vmState)) throw inState('evacuate', server)
    if (cloud.breakerOpenUntil <= context.now()) throw badRequest(`Compute service of ${cloud.name} is still in use.`)
    throw conflict(MOVING)
  },
})

/** Shown in the capabilities of each cloud before anybody tries. */
export const refusedActions: Action[] = [
  // Deleted servers are not kept, so that there is none to restore (nova/compute/api.py, `restore`).
  action({
    name: 'restore',
    handle: ({ context }, server) => {
      refuseLocked(context, server)
      throw inState('restore', server)
    },
  }),
  never('trigger_crash_dump', 'The clouds behind this broker cannot make a server dump its memory.', { since: 17 }),
  moved('migrate', admin('os-migrate-server:migrate'), (version) =>
    version >= 56 ? z.strictObject({ host: host().nullish() }).nullable() : z.unknown().transform(() => null),
  ),
  moved('os-migrateLive', admin('os-migrate-server:migrate_live'), (version) =>
    z.strictObject({
      host: host().nullable(),
      block_migration: version >= 25 ? z.union([z.literal('auto'), boolean()]) : boolean(),
      ...(version < 25 ? { disk_over_commit: boolean() } : {}),
      ...fieldsIf(version >= 30 && version < 68, { force: boolean().optional() }),
    }),
  ),
  evacuate,
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
