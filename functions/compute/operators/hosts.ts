import * as z from 'zod'
import { type CloudSeen, cloudsSeen } from '../../../db/queries/clouds/clouds.ts'
import { zonesHolding } from '../../../db/queries/compute/usage.ts'
import type { Context } from '../../context.ts'
import { notFound, notImplemented } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { query } from '../parameters.ts'
import { enableCloud } from '../services.ts'

/* Hosts, as `nova host-list` asked for them: https://docs.openstack.org/api-ref/compute/#hosts-os-hosts-deprecated */

/** The last microversion that has them: services and hypervisors tell the same since. */
const LAST = 42

/** nova/api/openstack/compute/schemas/hosts.py */
const change = z
  .strictObject({
    status: z.enum(['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE']).optional(),
    maintenance_mode: z.enum(['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE']).optional(),
  })
  .refine((said) => Object.keys(said).length > 0, 'says neither status nor maintenance_mode')

const PATH = '/os-hosts/:host'

/** What a cloud has and what servers take of it, summed over its zones. */
const roomOf = async ({ db }: Context, host: string) => {
  const held = (await zonesHolding(db, { taken: true, servers: false })).filter(({ zone }) => zone.cloud === host)
  if (!held.length) return null
  const sum = (of: (each: (typeof held)[number]) => number | null | undefined) =>
    held.reduce((total, each) => total + (of(each) ?? 0), 0)
  const used = {
    cpu: sum(({ taken }) => taken?.vcpus),
    memory_mb: sum(({ taken }) => taken?.ramMib),
    disk_gb: sum(({ taken }) => taken?.diskGib),
  }
  const total = {
    cpu: used.cpu + sum(({ zone }) => zone.freeVcpus),
    memory_mb: used.memory_mb + sum(({ zone }) => zone.freeRamMib),
    disk_gb: used.disk_gb,
  }
  return { used, total }
}

const assertHost = async (context: Context, host: string): Promise<CloudSeen> => {
  const known = (await cloudsSeen(context.db, context.scope)).find(({ name }) => name === host)
  if (!known) throw notFound(`Compute host ${host} could not be found.`)
  return known
}

const refused = (verb: 'startup' | 'shutdown' | 'reboot'): Operation =>
  operation({
    name: `host.${verb}`,
    method: 'GET',
    path: `${PATH}/${verb}`,
    who: 'admin',
    summary: 'Refused: a cloud is not switched on or off from here. Up to 2.42.',
    status: 200,
    until: LAST,
    handle: async ({ context, params }) => {
      await assertHost(context, params.host!)
      throw notImplemented('Virt driver does not implement host power management.')
    },
  })

/** To Nova's operators a cloud is a host. */
export const hostOperations: Operation[] = [
  operation({
    name: 'host.list',
    method: 'GET',
    path: '/os-hosts',
    who: 'admin',
    summary: 'Clouds as hosts; filter `zone`. Up to 2.42.',
    status: 200,
    until: LAST,
    query: query(['zone']),
    handle: async ({ context, query: asked }) => {
      const clouds = await cloudsSeen(context.db, context.scope)
      const hosts = clouds.map(({ name }) => ({ host_name: name, service: 'compute', zone: name }))
      return { body: { hosts: hosts.filter(({ zone }) => !asked.zone || zone === asked.zone) } }
    },
  }),
  operation({
    name: 'host.show',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'What a cloud has, and what servers take of it. Up to 2.42.',
    status: 200,
    until: LAST,
    handle: async ({ context, params }) => {
      const host = params.host!
      const room = await roomOf(context, host)
      if (!room) await assertHost(context, host)
      const none = { cpu: 0, memory_mb: 0, disk_gb: 0 }
      const { total, used } = room ?? { total: none, used: none }
      const line = (project: string, resources: typeof used) => ({ resource: { host, project, ...resources } })
      return { body: { host: [line('(total)', total), line('(used_now)', used), line('(used_max)', used)] } }
    },
  }),
  operation({
    name: 'host.update',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary: 'Keeps new servers from a cloud, or lets them there again; `maintenance_mode` is refused. Up to 2.42.',
    status: 200,
    until: LAST,
    body: change,
    handle: async ({ context, params, body: { status, maintenance_mode: mode } }) => {
      const host = params.host!
      const cloud = await assertHost(context, host)
      if (mode !== undefined) throw notImplemented('Virt driver does not implement host maintenance mode.')
      const enabled = status?.toLowerCase() === 'enable'
      await enableCloud(context, cloud, enabled, null)
      return { body: { host, status: enabled ? 'enabled' : 'disabled' } }
    },
  }),
  refused('startup'),
  refused('shutdown'),
  refused('reboot'),
]
