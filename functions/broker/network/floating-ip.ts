import { type Binding, getBinding } from '../../../db/queries/line/bindings.ts'
import { forgetRepeatable } from '../../../db/queries/line/repeatables.ts'
import { endMeters } from '../../../db/queries/money/meters.ts'
import {
  addressGone,
  addressTaken,
  deleteFloatingIp,
  type FloatingIpRow,
  type FloatingIpView,
  floatingIpById,
  insertFloatingIp,
  updateFloatingIp,
} from '../../../db/queries/network/floating-ips.ts'
import { isWayOut, type NetworkRow, networkById } from '../../../db/queries/network/network.ts'
import { routerBetween, routerLost } from '../../../db/queries/network/routers.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { POLICY_MOVED, stillSaid } from '../clouds/policy.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { bindTo, changed, unwanted } from '../line/resources.ts'
import { untilStill } from '../line/until-still.ts'
import { MONEY_GUARDS, whyOverspent } from '../money/allowance.ts'
import { buyPart, type PartRefusal, projectMeans } from '../money/parts.ts'
import { readIp } from './address.ts'
import { refuseUnmapped } from './network.ts'
import { badRequestFor, commitOr, conflicting, missing, NetworkRefused } from './network-refusal.ts'
import { publicAddress } from './outside/addresses.ts'
import { seenPort, untilFree } from './port.ts'
import { segmentClouds, wayOutElsewhere } from './segments/segment-cloud.ts'

/** Neutron answers with the address: this is how long a client waits for a cloud to give one, in milliseconds. */
const PATIENCE = 20_000

export interface FloatingIpWish {
  projectId: string
  networkId: string
  portId: string | null
  fixedIpAddress: string | null
  /** Of an external network that an administrator made: the address that it is to be, or the subnet of it. */
  address?: string | null
  subnetId?: string | null
  description: string
}

/** A public address within the scope; `NetworkRefused` (`FloatingIPNotFound`) if there is none. */
export const ownFloatingIp = async (context: Context, id: string): Promise<FloatingIpView> => {
  const address = await floatingIpById(context.db, context.scope, id)
  if (!address) throw missing('FloatingIP', id)
  return address
}

/** One of the few calls that wait for a cloud. What the cloud refuses leaves nothing behind. */
export const createFloatingIp = async (context: Context, wish: FloatingIpWish): Promise<FloatingIpView> => {
  const { id, cloudId } = await withinMeans(() =>
    untilStill([POLICY_MOVED, ...MONEY_GUARDS], () => untilFree(() => admit(context, wish))),
  )
  return obtain(context, id, cloudId)
}

const admit = async (context: Context, wish: FloatingIpWish): Promise<{ id: string; cloudId: string }> => {
  const { db } = context
  const network = await networkById(db, context.scope, wish.networkId)
  if (!network) throw missing('Network', wish.networkId)
  if (!network.external || !network.cloudId)
    throw badRequestFor('floatingip', `Network ${network.id} is not a valid external network`)
  await refuseUnmapped(context, wish.projectId, network)
  const now = context.now()
  const id = context.newId()
  const row: FloatingIpRow = {
    id,
    projectId: wish.projectId,
    name: '',
    description: wish.description,
    tags: [],
    revision: 0,
    floatingNetworkId: network.id,
    floatingIpAddress: null,
    fixedIpAddress: null,
    portId: null,
    routerId: null,
    dnsName: '',
    dnsDomain: '',
    status: 'DOWN',
    createdAt: now,
    updatedAt: now,
  }
  const outside = await addressOf(context, network, id, wish)
  const lead = wish.portId === null ? null : await leadTo(context, row, wish.portId, wish.fixedIpAddress)
  const means = await projectMeans(context, wish.projectId)
  const part = {
    what: 'address',
    cloudId: network.cloudId,
    type: '',
    count: 1,
    words: 'A public address costs',
  } as const
  const { refusal, guards: paid } = await buyPart(context, wish.projectId, means, part)
  if (refusal) throw tooDear(refusal)
  await commitOr(
    context,
    { action: 'create', kind: 'floating_ip', resourceId: id, attended: true },
    [
      charge(row.projectId, 'floatingip', 1),
      insertFloatingIp(db, { ...row, ...lead?.set }),
      ...outside,
      bindTo(context, 'floating_ip', row, { cloudId: network.cloudId }),
      ...(lead?.guards ?? []),
      ...(paid.length ? [stillSaid(context, wish.projectId, means.said), ...paid] : []),
    ],
    lead?.reasons ?? {},
  )
  return { id, cloudId: network.cloudId }
}

/** What is written of the address that it is to be; nothing where its cloud chooses it. */
const addressOf = async (
  context: Context,
  network: NetworkRow,
  id: string,
  { address = null, subnetId = null }: FloatingIpWish,
): Promise<Write[]> => {
  if (!isWayOut(network)) return (await publicAddress(context, network, id, { address, subnetId })).writes
  if (address !== null || subnetId !== null)
    throw badRequestFor('floatingip', 'The cloud chooses the address: neither address nor subnet can be named')
  return []
}

const tooDear = ({ kind, reason }: PartRefusal): NetworkRefused =>
  new NetworkRefused({ kind, type: 'SpendingLimited', reason })

/** What others were faster to spend, so often that nobody looks again, is too dear. */
const withinMeans = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const reason = whyOverspent(error)
    throw reason === null ? error : tooDear({ kind: 'cost', reason })
  }
}

const obtain = async (context: Context, id: string, cloudId: string): Promise<FloatingIpView> => {
  const ref = { kind: 'floating_ip' as const, resourceId: id, cloudId, scope: '' }
  const until = context.now() + PATIENCE
  for (;;) {
    await context.converge(context, ref)
    const row = await ownFloatingIp(context, id)
    if (row.floatingIpAddress !== null) return row
    const binding = await getBinding(context.db, ref)
    // Due and not done: another worker holds it, maybe one that died with it.
    const next = Math.max(binding?.dueAt ?? 0, context.now() + 200)
    if (!binding || binding.phase === 'failed' || next > until) {
      await takeBack(context, id)
      throw refusalOf(row, binding)
    }
    await context.sleep(Math.min(next - context.now(), PATIENCE))
  }
}

/** The answer is a refusal, so nothing stays, nor the key: who repeats the request asks anew. */
const takeBack = ({ once, ...context }: Context, id: string): Promise<void> =>
  removeFloatingIp(context, id, once ? [forgetRepeatable(context.db, once.key)] : [])

const refusalOf = (row: FloatingIpRow, binding: Binding | null): NetworkRefused => {
  const error = binding?.error
  if (binding?.phase !== 'failed')
    return new NetworkRefused({
      kind: 'unavailable',
      type: 'ServiceUnavailable',
      reason: error?.message ?? 'The cloud has not given an address in time.',
    })
  if (error?.code === 'capacity')
    return conflicting(
      'IpAddressGenerationFailure',
      `No more IP addresses available on network ${row.floatingNetworkId}.`,
    )
  return conflicting('FloatingIPRefused', error?.message ?? 'The cloud refused to give an address.')
}

/** What has to hold, and be written, for an address to lead to a port. */
const leadTo = async (context: Context, address: FloatingIpRow, portId: string, wished: string | null) => {
  const port = await seenPort(context, portId)
  if (port.projectId !== address.projectId && !context.caller?.isAdmin)
    throw badRequestFor(
      'floatingip',
      `Cannot process floating IP association with Port ${portId}, since that port is owned by a different project`,
    )
  const fixed = fixedAddress(port, wished)
  await refuseElsewhere(context, address, portId, fixed.subnet_id)
  const routerId = await routerBetween(context.db, fixed.subnet_id, address.floatingNetworkId)
  if (!routerId) throw unreachable(address, fixed.subnet_id, portId)
  return {
    set: { portId, fixedIpAddress: fixed.ip_address, routerId },
    guards: [
      guard(context, 'port-gone', addressGone(portId, fixed.ip_address)),
      guard(context, 'router-lost', routerLost(routerId, fixed.subnet_id, address.floatingNetworkId)),
      guard(context, 'floating-ip-taken', addressTaken(address.id, portId, fixed.ip_address)),
    ] as Write[],
    reasons: {
      'port-gone': () => missing('Port', portId),
      'router-lost': () => unreachable(address, fixed.subnet_id, portId),
      'floating-ip-taken': () =>
        conflicting(
          'FloatingIPPortAlreadyAssociated',
          `Cannot associate floating IP ${address.floatingIpAddress ?? ''} (${address.id}) with port ${portId} using fixed IP ${fixed.ip_address}, as that fixed IP already has a floating IP on external network ${address.floatingNetworkId}.`,
        ),
    },
  }
}

/** A public address is of one cloud; a port of a routed network has its address on one of several. */
const refuseElsewhere = async (context: Context, address: FloatingIpRow, portId: string, subnetId: string) => {
  const [there] = await segmentClouds(context, [subnetId])
  if (!there) return
  const network = await networkById(context.db, everyProject, address.floatingNetworkId)
  if (network && network.cloudId !== there)
    throw await wayOutElsewhere(
      context,
      'FloatingIPPortElsewhere',
      `Floating IP ${address.floatingIpAddress ?? address.id} is of cloud ${network.cloudName}, and port ${portId} has its address on`,
      there,
    )
}

const unreachable = (address: FloatingIpRow, subnetId: string, portId: string) =>
  new NetworkRefused({
    kind: 'missing',
    type: 'ExternalGatewayForFloatingIPNotFound',
    reason: `External network ${address.floatingNetworkId} is not reachable from subnet ${subnetId}.  Therefore, cannot associate Port ${portId} with a Floating IP.`,
  })

const fixedAddress = (port: Awaited<ReturnType<typeof seenPort>>, wished: string | null) => {
  const found = port.fixedIps.filter(({ ip_address }) => readIp(ip_address)?.version === 4)
  if (wished !== null) {
    const named = found.find(({ ip_address }) => ip_address === wished)
    if (!named) throw badRequestFor('floatingip', `Port ${port.id} does not have fixed ip ${wished}`)
    return named
  }
  if (found.length > 1)
    throw badRequestFor(
      'floatingip',
      `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`,
    )
  if (!found[0])
    throw badRequestFor('floatingip', `Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`)
  return found[0]
}

export interface FloatingIpChange {
  description?: string
  /** Absent: where it leads now. Null: nowhere. */
  portId?: string | null
  fixedIpAddress?: string | null
}

/** Where an address leads is applied by the cloud after the answer, or when the port gets its place there. */
export const changeFloatingIp = async (
  context: Context,
  id: string,
  change: FloatingIpChange,
): Promise<FloatingIpView> => {
  const address = await ownFloatingIp(context, id)
  const portId = change.portId === undefined ? address.portId : change.portId
  const moves = change.portId !== undefined || change.fixedIpAddress !== undefined
  const lead = moves && portId !== null ? await leadTo(context, address, portId, change.fixedIpAddress ?? null) : null
  const nowhere = { portId: null, fixedIpAddress: null, routerId: null, status: 'DOWN' as const }
  const writes: Write[] = [
    ...(lead?.guards ?? []),
    updateFloatingIp(context.db, id, {
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(moves ? (lead ? { ...nowhere, ...lead.set } : nowhere) : {}),
      updatedAt: context.now(),
    }),
    ...(moves ? [changed(context, 'floating_ip', id)] : []),
  ]
  await commitOr(context, { action: 'update', kind: 'floating_ip', resourceId: id }, writes, lead?.reasons ?? {})
  return ownFloatingIp(context, id)
}

/** Gives a public address up: the row at once, what its cloud has of it afterwards. `more` joins the batch. */
export const removeFloatingIp = async (context: Context, id: string, more: Write[] = []): Promise<void> => {
  await ownFloatingIp(context, id)
  await commit(context, { action: 'delete', kind: 'floating_ip', resourceId: id }, [
    unwanted(context, 'floating_ip', id),
    endMeters(context.db, id, context.now()),
    ...deleteFloatingIp(context.db, id),
    ...more,
  ])
}
