import {
  type AutoTopology,
  allocatableFrom,
  autoTopologyOf,
  defaultWayOut,
  deleteAutoTopology,
  insertAutoTopology,
  networkServes,
} from '../../../db/queries/network/allocatable.ts'
import { networkGone, updateNetwork } from '../../../db/queries/network/network.ts'
import { subnetsOnRouter } from '../../../db/queries/network/routers.ts'
import { defaultSubnetPool } from '../../../db/queries/network/subnet-pools.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { removeNetwork } from './network.ts'
import { conflicting, NetworkRefused } from './network-refusal.ts'
import { createRouter, removeRouter } from './router.ts'
import { addInterface, removeInterface } from './router-interface.ts'
import { createNetworks } from './segments/multi-provider.ts'
import { createSubnets } from './subnet.ts'

/* A network with a way out that a project is given when it first asks (neutron/services/auto_allocate/db.py). */

const failure = (reason: string) => conflicting('AutoAllocationFailure', `Deployment error: ${reason}.`)

/** What a topology is made of: the default way out, and the default subnet pool of each family. Throws `NetworkRefused`. */
export const autoAllocatable = async ({ db }: Context, projectId: string) => {
  const { way, pool } = await allocatableFrom(db, projectId)
  const external = way ? await defaultWayOut(db) : null
  if (external === null) throw failure('No default router:external network')
  if (!pool) throw failure('No default subnetpools defined')
  const pools: { ipVersion: 4 | 6; id: string }[] = []
  for (const ipVersion of [4, 6] as const) {
    const id = await defaultSubnetPool(db, { projectId }, ipVersion)
    if (id !== null) pools.push({ ipVersion, id })
  }
  return { external, pools }
}

/** Parts of a topology, as far as it was made. */
type Parts = { networkId?: string; routerId?: string }

/** The subnets of its own network that its router joins, and whether that joins others. */
const joined = async (context: Context, { networkId, routerId }: Required<Parts>) => {
  const all = await subnetsOnRouter(context.db, routerId)
  const own = all.filter((subnet) => subnet.networkId === networkId)
  return { own, others: all.length > own.length }
}

/** Takes away what is there of a topology; somebody may have taken some of it away already. */
const takeAway = async (context: Context, { networkId, routerId }: Parts): Promise<void> => {
  const ignoringGone = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work
    } catch (error) {
      if (!(error instanceof NetworkRefused) || error.refusal.kind !== 'missing') throw error
    }
  }
  if (networkId !== undefined && routerId !== undefined) {
    for (const { id } of (await joined(context, { networkId, routerId })).own)
      await ignoringGone(removeInterface(context, routerId, { subnetId: id }))
    await ignoringGone(removeRouter(context, routerId))
  }
  if (networkId !== undefined) await ignoringGone(removeNetwork(context, networkId))
}

/** As Neutron tells that it will not do: what is asked for was its own choice, and no word of its caller's. */
const worded = (error: unknown, reason: string): unknown =>
  error instanceof NetworkRefused &&
  (['invalid', 'missing'].includes(error.refusal.kind) || error.refusal.type === 'SubnetAllocationError')
    ? failure(reason)
    : error

const build = async (
  context: Context,
  projectId: string,
  { external, pools }: Awaited<ReturnType<typeof autoAllocatable>>,
  parts: Parts,
): Promise<AutoTopology> => {
  const plain = { projectId, description: '' }
  const [network] = await createNetworks(context, [
    {
      ...{ ...plain, name: 'auto_allocated_network', adminStateUp: false, shared: false, portSecurity: true },
      ...{ grows: false, segments: [] },
    },
  ])
  parts.networkId = network!.id
  const wishes = pools.map(({ id, ipVersion }) => ({
    ...{ ...plain, networkId: network!.id, name: `auto_allocated_subnet_v${ipVersion}`, ipVersion, enableDhcp: true },
    ...{ dnsNameservers: [], hostRoutes: [], ipv6AddressMode: null, ipv6RaMode: null, segmentId: null, pool: { id } },
  }))
  const reason = 'Unable to provide tenant private network'
  const subnets = await createSubnets(context, wishes).catch((error) => Promise.reject(worded(error, reason)))
  try {
    const gateway = { networkId: external }
    const router = await createRouter(context, { ...plain, name: 'auto_allocated_router', adminStateUp: true, gateway })
    parts.routerId = router.id
    for (const { id } of subnets) await addInterface(context, router.id, { subnetId: id })
    return { projectId, networkId: network!.id, routerId: router.id }
  } catch (error) {
    throw worded(error, 'Unable to provide external connectivity')
  }
}

/** What a project was given, or is given now; what came to be of one that could not be made whole goes again. Throws `NetworkRefused`. */
export const autoTopology = async (context: Context, projectId: string): Promise<AutoTopology> => {
  const { db } = context
  const known = await autoTopologyOf(db, projectId)
  if (known) return known
  const parts: Parts = {}
  try {
    const made = await build(context, projectId, await autoAllocatable(context, projectId), parts)
    await commit(context, { action: 'create', kind: 'auto_allocated_topology', resourceId: made.networkId }, [
      guard(context, 'network-gone', networkGone(made.networkId)),
      insertAutoTopology(db, made),
      updateNetwork(db, made.networkId, { adminStateUp: true, updatedAt: context.now() }),
    ])
    return made
  } catch (error) {
    // Why it could not be made is told, whatever of it cannot be taken away.
    await takeAway(context, parts).catch((left) =>
      context.log('warn', 'a part of a topology was left', { ...parts, error: String(left) }),
    )
    const other =
      error instanceof Refused && error.refusal.kind === 'taken' ? await autoTopologyOf(db, projectId) : null
    if (other) return other
    throw error
  }
}

/** Takes away what a project was given; refused while something else is on its network, or its router joins another. */
export const removeAutoTopology = async (context: Context, projectId: string): Promise<void> => {
  const known = await autoTopologyOf(context.db, projectId)
  if (!known) return
  if (await networkServes(context.db, known))
    throw conflicting(
      'NetworkInUse',
      `Unable to complete operation on network ${known.networkId}. There are one or more ports still in use on the network.`,
    )
  if ((await joined(context, known)).others)
    throw conflicting('RouterInUse', `Router ${known.routerId} still has ports`)
  await takeAway(context, known)
  await commit(context, { action: 'delete', kind: 'auto_allocated_topology', resourceId: known.networkId }, [
    deleteAutoTopology(context.db, projectId),
  ])
}
