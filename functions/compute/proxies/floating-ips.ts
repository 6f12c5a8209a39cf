import * as z from 'zod'
import { type FloatingIpView, listFloatingIps } from '../../../db/queries/network/floating-ips.ts'
import { listPools, type PoolView } from '../../../db/queries/network/network.ts'
import { everything } from '../../../db/queries/network/network-listing.ts'
import { createFloatingIp, ownFloatingIp, removeFloatingIp } from '../../broker/network/floating-ip.ts'
import { NetworkRefused } from '../../broker/network/network-refusal.ts'
import type { Context } from '../../context.ts'
import { forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { isUuid } from '../servers/fields.ts'
import { LAST } from './listing.ts'

/* To Nova a pool is an external network: nova/network/neutron.py, api/openstack/compute/floating_ips.py */

const poolsFor = (context: Context): Promise<PoolView[]> => listPools(context.db, context.scope)

const view = (address: FloatingIpView, pools: PoolView[]) => ({
  id: address.id,
  ip: address.floatingIpAddress,
  instance_id: address.portDetails?.device_id || null,
  fixed_ip: address.fixedIpAddress,
  pool: pools.find(({ id }) => id === address.floatingNetworkId)?.name ?? address.floatingNetworkId,
})

const noSuch = (id: string) => notFound(`Floating IP not found for ID ${id}`)

const addressOf = async ({ context, params }: Input): Promise<FloatingIpView> => {
  const id = params.id!
  if (!isUuid(id)) throw noSuch(id)
  return ownFloatingIp(context, id).catch((error) => {
    throw error instanceof NetworkRefused && error.refusal.kind === 'missing' ? noSuch(id) : error
  })
}

const wish = z.strictObject({ pool: z.string().nullish() })
type Wish = z.infer<typeof wish>

/** The pool of that name or id; without one the default, which is the only one where there is one. */
const poolOf = (pools: PoolView[], named: string | null | undefined): PoolView => {
  const found = named
    ? pools.find(({ id, name }) => id === named || name === named)
    : (pools.find(({ isDefault }) => isDefault) ?? (pools.length === 1 ? pools[0] : undefined))
  if (!found) throw notFound('Floating IP pool not found.')
  return found
}

const create = async ({ context, body }: Input<Wish>) => {
  const projectId = context.caller?.projectId
  if (!projectId) throw forbidden('The token is for no project.')
  const pools = await poolsFor(context)
  const pool = poolOf(pools, body.pool)
  const made = await createFloatingIp(context, {
    projectId,
    networkId: pool.id,
    portId: null,
    fixedIpAddress: null,
    description: '',
  })
  return { body: { floating_ip: view(made, pools) } }
}

/** https://docs.openstack.org/api-ref/compute/#floating-ips-os-floating-ips-deprecated */
export const floatingIpOperations: Operation[] = [
  operation({
    name: 'floating_ip_pool.list',
    method: 'GET',
    path: '/os-floating-ip-pools',
    who: 'reader',
    summary: 'Where public addresses come from: the external networks, by their names.',
    status: 200,
    until: LAST,
    handle: async ({ context }) => ({
      body: { floating_ip_pools: (await poolsFor(context)).map(({ id, name }) => ({ name: name || id })) },
    }),
  }),
  operation({
    name: 'floating_ip.list',
    method: 'GET',
    path: '/os-floating-ips',
    who: 'reader',
    summary: 'Public addresses of the project.',
    status: 200,
    until: LAST,
    handle: async ({ context }) => {
      const projectId = context.caller?.projectId ?? ''
      const [addresses, pools] = await Promise.all([
        listFloatingIps(context.db, { projectId }, everything),
        poolsFor(context),
      ])
      return { body: { floating_ips: addresses.map((address) => view(address, pools)) } }
    },
  }),
  operation<Wish>({
    name: 'floating_ip.create',
    method: 'POST',
    path: '/os-floating-ips',
    who: 'member',
    summary: 'Takes a public address of a pool. Waits for the cloud.',
    status: 200,
    until: LAST,
    body: wish,
    handle: create,
    // A pool that is empty is not found, as in Nova.
    refuse: (error) =>
      error instanceof NetworkRefused && error.refusal.type === 'IpAddressGenerationFailure'
        ? notFound(error.refusal.reason)
        : undefined,
  }),
  operation({
    name: 'floating_ip.show',
    method: 'GET',
    path: '/os-floating-ips/:id',
    who: 'reader',
    summary: 'One public address.',
    status: 200,
    until: LAST,
    handle: async (input) => {
      const address = await addressOf(input)
      const pools = await poolsFor(input.context)
      return { body: { floating_ip: view(address, pools) } }
    },
  }),
  operation({
    name: 'floating_ip.delete',
    method: 'DELETE',
    path: '/os-floating-ips/:id',
    who: 'member',
    summary: 'Gives a public address back to its cloud, wherever it leads.',
    status: 202,
    until: LAST,
    handle: async (input) => {
      await removeFloatingIp(input.context, (await addressOf(input)).id)
      return {}
    },
  }),
]
