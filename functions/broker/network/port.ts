import { refuseChange } from '../../../db/queries/line/adopt.ts'
import { isPublicAddress } from '../../../db/queries/network/floating-ips.ts'
import { type NetworkRow, networkLost, ROUTER_INTERFACE } from '../../../db/queries/network/network.ts'
import {
  type AddressPair,
  deletePorts,
  heldByServer,
  insertPort,
  leaveAddresses,
  notFree,
  type PortRow,
  type PortView,
  portById,
  portMoved,
  seenPortById,
  setPortStatus,
  updatePorts,
} from '../../../db/queries/network/ports.ts'
import type { Filters } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { charge, guard, type Write } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { changed, unwanted } from '../line/resources.ts'
import { plannedPairs, writePairs } from './address-pairs.ts'
import { type DhcpOptionWish, plannedOptions } from './dhcp-options.ts'
import type { FixedIpWish } from './fixed-ips.ts'
import { type Ground, type Known, readGround } from './ground.ts'
import { conflicting, missing, NetworkRefused } from './network-refusal.ts'
import { mayBeOutside } from './outside/external-network.ts'
import { comesToGrow } from './pools/growing.ts'
import { plannedAddresses, plannedGroups, writeAddresses, writeGroups } from './port-plan.ts'
import { planQos, qosOf, refuseUnshaped } from './qos/binding.ts'
import { cloudOf, isRouted } from './segments/sites.ts'
import { refuseLooseOnWire, refuseUnfilteredWire } from './segments/wire.ts'
import { filteredAs } from './unfiltered.ts'

export interface PortWish {
  id?: string
  projectId: string
  networkId: string
  name?: string
  description?: string
  /** Absent or null: one address of each family that the network has. */
  fixedIps?: FixedIpWish[] | null
  /** Of a routed network those subnets that lie where the port will be; absent: it has no place yet, and no address before. */
  subnetIds?: string[] | undefined
  /** Absent or null: the project's default group. */
  securityGroupIds?: string[] | null
  addressPairs?: AddressPair[]
  dhcpOptions?: DhcpOptionWish[]
  /** How its traffic goes; absent or null: as its network says. */
  qosPolicyId?: string | null
  deviceId?: string
  deviceOwner?: string
  macAddress?: string
  adminStateUp?: boolean
  /** Absent: as the network has it. */
  portSecurity?: boolean
  /** What the cloud that it is made for does with security groups; absent: as the cloud of its network. */
  filters?: Filters
  bindingHost?: string
  bindingProfile?: Record<string, unknown>
  status?: PortRow['status']
}

/** A port with its addresses, and the writes that admit it: for the batch of what wants it. */
export interface PlannedPort {
  /** As it will be read, but for what leads from it to other clouds. */
  port: PortView
  /** It lies in a segment, and its network may have others. */
  routed: boolean
  writes: Write[]
}

/** A port that is there and gets the addresses of its place, in place of those that it had elsewhere. */
export interface Placing {
  port: PortRow
  /** Those that lie there; undefined: any of its network. */
  subnetIds: string[] | undefined
  /** What holds it from then on; absent: what holds it now. */
  owner?: string
}

/**
 * Ports for one batch, in the order of the wishes; what they stand on is read once for all of them. Each is an address
 * reserved until a server takes it; then it is bound. Repeat the whole plan when the commit is refused because an
 * address was taken (`untilFree`). Guards: `network-gone`, `subnet-gone`, `security-group-gone`.
 */
export const planPorts = async (context: Context, wishes: PortWish[], known?: Known): Promise<PlannedPort[]> =>
  (await planPortsAt(context, wishes, [], known)).made

/** The same with ports that are there already and get addresses; guard `port-moved` where one is not as it was read. */
export const planPortsAt = async (
  context: Context,
  wishes: PortWish[],
  placings: Placing[],
  known?: Known,
): Promise<{ made: PlannedPort[]; placed: Write[] }> => {
  if (!wishes.length && !placings.length) return { made: [], placed: [] }
  const ground = await readGround(
    context,
    [
      ...wishes.map((wish) => ({
        networkId: wish.networkId,
        projectId: wish.projectId,
        wished: wish.fixedIps ?? null,
        subnetIds: wish.subnetIds,
        mac: wish.macAddress ?? null,
        groupIds: wish.securityGroupIds ?? [],
      })),
      ...placings.map(needOf),
    ],
    known,
  )
  const made: PlannedPort[] = []
  for (const [i, wish] of wishes.entries()) made.push(await plan(context, wish, ground, ground.macs[i]!))
  const placed: Write[] = []
  for (const placing of placings) placed.push(...(await planPlacing(context, placing, ground)))
  return { made, placed }
}

/** Addresses that ports which are there would get in another place, by the ids of the ports; nothing is written. */
export const chooseElsewhere = async (
  context: Context,
  placings: Placing[],
  known?: Known,
): Promise<Map<string, PortRow['fixedIps']>> => {
  const chosen = new Map<string, PortRow['fixedIps']>()
  if (!placings.length) return chosen
  const ground = await readGround(context, placings.map(needOf), known)
  for (const placing of placings) chosen.set(placing.port.id, await placedAt(context, placing, ground))
  return chosen
}

const needOf = ({ port: { networkId, projectId, macAddress }, subnetIds }: Placing) => ({
  networkId,
  projectId,
  wished: null,
  subnetIds,
  mac: macAddress,
  groupIds: [],
})

const placedAt = (
  context: Context,
  { port, owner = port.deviceOwner, subnetIds }: Placing,
  ground: Ground,
): Promise<PortRow['fixedIps']> => {
  const network = ground.networks.find(({ id }) => id === port.networkId)
  if (!network) throw missing('Network', port.networkId)
  return plannedAddresses(
    context,
    network,
    { wished: null, mac: port.macAddress, router: false, owner, subnetIds },
    ground,
  )
}

const planPlacing = async (context: Context, placing: Placing, ground: Ground): Promise<Write[]> => {
  const { db } = context
  const { port } = placing
  const fixedIps = await placedAt(context, placing, ground)
  return [
    guard(context, 'port-moved', portMoved(port.id, port.revision)),
    ...leaveAddresses(db, [port.id]),
    updatePorts(db, [port.id], { fixedIps, updatedAt: context.now() }),
    ...writeAddresses(context, port.id, fixedIps),
  ]
}

/** The same for one port. */
export const planPort = async (context: Context, wish: PortWish): Promise<PlannedPort> =>
  (await planPorts(context, [wish]))[0]!

const plan = async (context: Context, wish: PortWish, ground: Ground, macAddress: string): Promise<PlannedPort> => {
  const { db } = context
  const network = ground.networks.find(({ id }) => id === wish.networkId)
  if (!network) throw missing('Network', wish.networkId)
  if (!mayBeOutside(context, network)) {
    await refusePublic(context, network.id, wish.fixedIps ?? [])
    throw new NetworkRefused({
      kind: 'forbidden',
      type: 'ExternalNetworkAttachForbidden',
      reason: `It is not allowed to create an interface on external network ${network.id}`,
    })
  }
  const router = wish.deviceOwner === ROUTER_INTERFACE
  if (wish.portSecurity !== undefined && !router) refuseForeignSecurity(context, 'create', network)
  const wished = wish.fixedIps ?? null
  const bare = !ground.subnets.some(({ networkId }) => networkId === network.id)
  const deferred =
    wished === null && (isRouted(ground, network.id) || (bare && !router && (await comesToGrow(context, network))))
  const waits = deferred && wish.subnetIds === undefined
  const owner = wish.deviceOwner ?? ''
  const asked = { wished: waits ? [] : wished, mac: macAddress, router, owner, subnetIds: wish.subnetIds }
  const fixedIps = await plannedAddresses(context, network, asked, ground)
  const cloudId = cloudOf(ground, network, fixedIps[0]?.subnet_id)
  const there = router ? null : await filteredAs(ground, cloudId, wish)
  const portSecurity = wish.portSecurity ?? network.portSecurity
  if (wish.portSecurity) await refuseUnfilteredWire(context, ground, network.id)
  if (wish.portSecurity === false && network.portSecurity && !router)
    refuseLooseOnWire(context, ground, { ...wish, rule: 'create_port:port_security_enabled' })
  const wishedGroups = wish.securityGroupIds ?? null
  const securityGroupIds = await plannedGroups(context, wish.projectId, wishedGroups, portSecurity, ground)
  const filters = wish.filters ?? there
  const addressPairs = await plannedPairs(context, ground, {
    pairs: wish.addressPairs,
    verb: 'create',
    network,
    port: { projectId: wish.projectId, macAddress, portSecurity, filters, addressPairs: [] },
    cloudId,
  })
  const id = wish.id ?? context.newId()
  const qosPolicyId = wish.qosPolicyId ?? null
  const qos = await planQos(context, ground, { kind: 'port', id }, { from: null, to: qosPolicyId, cloudIds: [cloudId] })
  const dhcpOptions = await plannedOptions(ground, cloudId, { dhcpOptions: [] }, wish.dhcpOptions ?? [])
  const now = context.now()
  const port: PortRow = {
    id,
    projectId: wish.projectId,
    networkId: wish.networkId,
    name: wish.name ?? '',
    description: wish.description ?? '',
    tags: [],
    revision: 1,
    macAddress,
    macNamed: wish.macAddress !== undefined,
    ipAllocation: wished?.length === 0 ? 'none' : deferred ? 'deferred' : 'immediate',
    fixedIps,
    adminStateUp: wish.adminStateUp ?? true,
    deviceId: wish.deviceId ?? '',
    deviceOwner: wish.deviceOwner ?? '',
    dnsName: '',
    portSecurity,
    filters,
    bindingHost: wish.bindingHost ?? '',
    bindingProfile: wish.bindingProfile ?? {},
    status: wish.status ?? 'DOWN',
    qosPolicyId,
    dhcpOptions,
    createdAt: now,
    updatedAt: now,
  }
  if (qosOf(port, network) !== null) await refuseUnshaped(ground, cloudId, { kind: 'port', id })
  const writes: Write[] = [
    ...qos,
    guard(context, 'network-gone', networkLost(context.scope, network)),
    refuseChange([network.id]),
    charge(port.projectId, 'port', 1),
    insertPort(db, port),
    ...writeAddresses(context, port.id, fixedIps),
    ...writeGroups(context, port, securityGroupIds),
    ...writePairs(context, port.id, addressPairs),
  ]
  const lies = new Set(fixedIps.map((ip) => ip.subnet_id))
  const routed = ground.subnets.some(({ id, segmentId }) => segmentId !== null && lies.has(id))
  return {
    port: {
      ...inForce(port, securityGroupIds),
      ...{ addressPairs, host: port.bindingHost, reach: [], qosNetworkPolicyId: network.qosPolicyId },
    },
    routed,
    writes,
  }
}

/** On the way out that a cloud comes with, where nobody has a port, an administrator hears first that the address is one of a floating IP (neutron/db/ipam_backend_mixin.py). */
const refusePublic = async ({ db, scope }: Context, networkId: string, wished: FixedIpWish[]): Promise<void> => {
  const named = wished.flatMap(({ ip_address }) => ip_address ?? [])
  const taken = 'every' in scope && named.length ? await isPublicAddress(db, networkId, named) : null
  if (taken !== null)
    throw conflicting(
      'IpAddressInUse',
      `Unable to complete operation for network ${networkId}. The IP address ${taken} is in use.`,
    )
}

/** Port security is for the owner of the network to say, and for administrators (neutron/conf/policies/port.py). */
export const refuseForeignSecurity = (
  { scope }: Context,
  verb: 'create' | 'update',
  { projectId }: Pick<NetworkRow, 'projectId'>,
): void => {
  if ('every' in scope || scope.projectId === projectId) return
  const reason = `rule:${verb}_port:port_security_enabled is disallowed by policy`
  throw new NetworkRefused({ kind: 'forbidden', type: 'PolicyNotAuthorized', reason })
}

/** As `PortView` shows it: where nothing is filtered, nothing is said to be. */
const inForce = (
  port: PortRow,
  securityGroupIds: string[],
): Omit<PortView, 'host' | 'reach' | 'addressPairs' | 'qosNetworkPolicyId'> =>
  port.filters === 'none' ? { ...port, portSecurity: false, securityGroupIds: [] } : { ...port, securityGroupIds }

/** Repeats plan and commit while others are faster at taking the same address. */
export const untilFree = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let left = 8; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      const lost =
        error instanceof Refused &&
        error.refusal.kind === 'taken' &&
        error.refusal.columns.some((column) => column.startsWith('ip_allocations.') || column === 'ports.mac_address')
      if (!lost || left <= 1) throw error
    }
  }
}

/** Everything that goes when ports go: rows, addresses, quota, and what floating IPs know of them. Absent ports do no harm. */
export const removePorts = (context: Context, portIds: string[]): Write[] =>
  portIds.length ? [...deletePorts(context.db, portIds, context.now()), unwanted(context, 'port', portIds)] : []

/**
 * A server takes ports that are there, on a cloud that does with security groups what `filters` says. Guard `port-in-use` if
 * one is gone or plugged into something by then.
 */
export const takePorts = (
  context: Context,
  taken: Pick<PortRow, 'id' | 'filters'>[],
  device: { id: string; owner: string },
  filters: Filters,
): Write[] => {
  if (!taken.length) return []
  const ids = taken.map(({ id }) => id)
  const [deviceId, deviceOwner] = [device.id, device.owner]
  return [
    guard(context, 'port-in-use', notFree(ids)),
    updatePorts(context.db, ids, { deviceId, deviceOwner, filters, updatedAt: context.now() }),
    // What is realised of them was made as it was filtered then.
    ...taken.flatMap((port) =>
      port.filters === null || port.filters === filters ? [] : [changed(context, 'port', port.id)],
    ),
  ]
}

/** A server lets go of ports that outlive it: their addresses stay reserved, and what is realised of them stays too. */
export const freePorts = (context: Context, portIds: string[]): Write[] =>
  portIds.length
    ? [updatePorts(context.db, portIds, { deviceId: '', deviceOwner: '', status: 'DOWN', updatedAt: context.now() })]
    : []

/** What the server that holds them says of ports: they are up while it runs. */
export const notePorts = (context: Context, portIds: string[], status: 'ACTIVE' | 'DOWN'): Write[] =>
  portIds.length ? [setPortStatus(context.db, portIds, status)] : []

/** The condition under which ports may not go: a server holds one. For a guard `port-in-use`. */
export const portInUse = (context: Context, portIds: string[]): Write =>
  guard(context, 'port-in-use', heldByServer(portIds))

/** A port within the scope, or on a network of it; `NetworkRefused` (`PortNotFound`) if there is none. */
export const seenPort = async (context: Context, id: string): Promise<PortView> => {
  const port = await seenPortById(context.db, context.scope, id)
  if (!port) throw missing('Port', id)
  return port
}

/** A port within the scope; `NetworkRefused` (`PortNotFound`) if there is none. */
export const ownPort = async (context: Context, id: string): Promise<PortView> => {
  const port = await portById(context.db, context.scope, id)
  if (!port) throw missing('Port', id)
  return port
}
