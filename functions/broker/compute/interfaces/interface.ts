import { loneNetworks } from '../../../../db/queries/compute/places.ts'
import { insertServerAction } from '../../../../db/queries/compute/server-actions.ts'
import {
  insertInterface,
  insertServerPort,
  interfacesOf,
  portsOfServer,
  type ServerRow,
  serverMoved,
} from '../../../../db/queries/compute/servers.ts'
import { networkPlanOf } from '../../../../db/queries/network/network-plans.ts'
import { networksWithSubnets } from '../../../../db/queries/network/port-ground.ts'
import { type PortView, portById } from '../../../../db/queries/network/ports.ts'
import { defaultGroupOf } from '../../../../db/queries/network/security/security-groups.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import { type Filtering, filteringAt } from '../../clouds/filters.ts'
import { commit, guard, type Write } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { bindTo, unwanted } from '../../line/resources.ts'
import { untilStill } from '../../line/until-still.ts'
import { whyUnpaired } from '../../network/address-pairs.ts'
import type { Known } from '../../network/ground.ts'
import { refuseBeyond } from '../../network/limits.ts'
import { type Home, pinNetworks } from '../../network/network.ts'
import { conflicting } from '../../network/network-refusal.ts'
import { GROWTH_GUARDS } from '../../network/pools/growth.ts'
import { planPortsAt, takePorts, untilFree } from '../../network/port.ts'
import { whyNoPort } from '../../network/port-needs.ts'
import { subnetsAt } from '../../network/segments/sites.ts'
import { wiredOn } from '../../network/segments/wire.ts'
import { growNetworks, willGrow } from '../place/grow.ts'
import { mostPorts } from '../place/limits.ts'
import { requireCapability, requireState, who } from '../server-action.ts'
import { refuse } from '../server-refusal.ts'

const COMPUTE_OWNER = 'compute:nova'

export interface InterfaceWish {
  portId: string | null
  networkId: string | null
  fixedIp: string | null
}

/**
 * Plugs a port into a server that is there: one that the user brings, or one made for it on a network. Gives the port.
 * Throws `ServerRefused`, `NetworkRefused`, or `Refused` (`network-elsewhere`, `network-zone`, `port-in-use`).
 */
export const attachInterface = async (context: Context, server: ServerRow, wish: InterfaceWish): Promise<PortView> => {
  requireState(context, server, 'attach_interface')
  await requireCapability(context, server, 'interface', (cloud) => cloud.interface)
  const brought = wish.portId === null ? null : await freePort(context, wish.portId)
  const networkId = brought?.networkId ?? wish.networkId ?? (await loneNetwork(context, server.projectId))
  return untilStill(GROWTH_GUARDS, (before) =>
    untilFree(() => plugIn(context, server, { networkId, brought, fixedIp: wish.fixedIp }, before)),
  )
}

/** What is plugged in: on a network, a port that the user brings or a new one. */
interface Plug {
  networkId: string
  brought: PortView | null
  fixedIp: string | null
}

const freePort = async (context: Context, id: string): Promise<PortView> => {
  const port = (await portById(context.db, context.scope, id)) ?? refuse({ kind: 'unknown', what: 'port', id })
  if (port.deviceId !== '') refuse({ kind: 'port-in-use', id, serverId: port.deviceId })
  if (port.fixedIps.length === 0 && port.ipAllocation !== 'deferred') refuse({ kind: 'port-without-address', id })
  return port
}

const loneNetwork = async (context: Context, projectId: string): Promise<string> => {
  const [first, second] = await loneNetworks(context.db, projectId)
  if (second) refuse({ kind: 'many-networks' })
  return first?.id ?? refuse({ kind: 'no-network', projectId })
}

const plugIn = async (
  context: Context,
  server: ServerRow,
  { networkId, brought, fixedIp }: Plug,
  before: number,
): Promise<PortView> => {
  const { db } = context
  const { id: serverId, projectId } = server
  const home = await homeOf(context, server)
  const { cloudId } = home
  const held = await portsOfServer(db, serverId)
  if (held.length >= home.mostPorts)
    refuse({ kind: 'incapable', reason: `The cloud takes ${home.mostPorts} ports of a server at most.` })
  const { read: known, writes: grown } = await groundOf(context, server, { networkId, brought, fixedIp }, home, before)
  const lying = subnetsAt(known, networkId, { cloudId, zone: server.zone })
  refuseElsewhere(server, networkId, lying, brought)
  await refuseBeyond(
    context,
    cloudId,
    known.subnets.filter(({ id }) => lying?.includes(id) ?? true),
    wiredOn(known, cloudId),
  )
  const wish = {
    projectId,
    networkId,
    fixedIps: fixedIp === null ? null : [{ ip_address: fixedIp }],
    subnetIds: lying,
    filters: home.filters,
    deviceId: serverId,
    deviceOwner: COMPUTE_OWNER,
  }
  if (brought?.addressPairs.length) await refusePairs(context, home, brought)
  if (brought) await refuseUnkept(context, home, known, brought)
  const placings =
    brought && !brought.fixedIps.length ? [{ port: brought, owner: COMPUTE_OWNER, subnetIds: lying }] : []
  const { made, placed } = await planPortsAt(context, brought ? [] : [wish], placings, known)
  const device = { id: serverId, owner: COMPUTE_OWNER }
  const planned = brought
    ? {
        port: { ...brought, deviceId: serverId, deviceOwner: COMPUTE_OWNER },
        writes: [...placed, ...takePorts(context, [brought], device, home.filters)],
      }
    : made[0]!
  const { port } = planned
  await refuseUnlike(context, port, brought !== null, home)
  const position = 1 + Math.max(-1, ...held.map((each) => each.position))
  const row = { id: context.newId(), projectId, serverId, portId: port.id, createdAt: context.now() }
  await commit(
    context,
    { action: 'attach_interface', kind: 'server', resourceId: serverId, detail: { port_id: port.id } },
    [
      guard(context, 'server-moved', serverMoved(serverId, server)),
      ...grown,
      ...pinNetworks(context, [networkId], { ...home, subnetIds: lying ?? [] }),
      ...planned.writes,
      insertInterface(db, row),
      insertServerPort(db, { serverId, portId: port.id, position, owned: brought === null }),
      bindTo(context, 'port', { id: port.id, projectId }, { cloudId, zone: server.zone }),
      bindTo(context, 'interface', row, { cloudId, zone: server.zone }),
      history(context, server, 'attach_interface', port.id),
    ],
  )
  return port
}

/** What there is of the network, once it has what it lacks where the server is, if it grows; and the writes for that. */
const groundOf = async (
  context: Context,
  { projectId, zone: at }: ServerRow,
  { networkId, brought, fixedIp }: Plug,
  { cloudId, zone }: Home,
  before: number,
) => {
  const { db, scope } = context
  const known = await networksWithSubnets(db, scope, [networkId], [projectId])
  const [network] = known.networks
  // A named address says where it is, and so does one that the port has.
  if (!network || fixedIp !== null || brought?.fixedIps.length) return { read: known, writes: [] }
  const read = { ...known, projectId, plan: await networkPlanOf(db, projectId) }
  const growing = willGrow(network, read) ? [network] : []
  return growNetworks(context, growing, read, { at: { cloudId, zone: at }, zonal: zone !== null, before })
}

/** What somebody asked of a port's filtering is kept to, or it is not plugged in. */
const refuseUnlike = async (
  { db }: Context,
  { portSecurity, securityGroupIds, projectId }: PortView,
  isBrought: boolean,
  { whyNone, whyAlways }: Filtering,
): Promise<void> => {
  const why = portSecurity ? (isBrought ? whyNone : null) : whyAlways
  if (why === null) return
  const own = portSecurity ? await defaultGroupOf(db, projectId) : null
  const byItself = securityGroupIds.length > 0 && securityGroupIds.every((id) => id === own?.id)
  if (!byItself) refuse({ kind: 'incapable', reason: why })
}

/** Pairs of a port are kept to where it goes, or it is not plugged in. */
const refusePairs = async (context: Context, { cloudId, filters }: Home & Filtering, { addressPairs }: PortView) => {
  const cloud = await adapterOf(context, cloudId)
  const why = cloud && whyUnpaired(cloud, filters, addressPairs)
  if (why) refuse({ kind: 'incapable', reason: why })
}

/** So is what else a port has, or its network says of it; one that is made for the server is asked when it is planned. */
const refuseUnkept = async (
  context: Context,
  { cloudId }: Home,
  { networks }: Pick<Known, 'networks'>,
  port: PortView,
) => {
  const why = await whyNoPort(context, cloudId, [port], networks)
  if (why !== null) refuse({ kind: 'incapable', reason: why })
}

/** Of a routed network there has to be a segment where the server is, and the port's own (neutron/services/segments/exceptions.py). */
const refuseElsewhere = (
  { zone, hostId }: ServerRow,
  networkId: string,
  lying: string[] | undefined,
  port: PortView | null,
): void => {
  if (lying === undefined) return
  const host = zone ?? hostId
  if (!lying.length)
    throw conflicting(
      'HostNotConnectedToAnySegment',
      `Host ${host} is not connected to any segments on routed provider network '${networkId}'.  It should be connected to one.`,
    )
  if (port?.fixedIps.some(({ subnet_id }) => !lying.includes(subnet_id)))
    throw conflicting(
      'HostNotCompatibleWithFixedIps',
      `Host ${host} is not connected to a segment where the existing fixed_ips on port ${port.id} will function given the routed network topology.`,
    )
}

/** Where its networks have to be, and how many ports it may have there. */
const homeOf = async (
  context: Context,
  { cloudId, zone, projectId }: ServerRow,
): Promise<Home & Filtering & { mostPorts: number }> => {
  const adapter = (await adapterOf(context, cloudId))?.adapter
  const filtering = await filteringAt(context, cloudId, projectId)
  return {
    cloudId: cloudId!,
    zone: adapter?.zonalSubnets ? zone : null,
    ...(filtering ?? { filters: 'none', whyNone: null, whyAlways: null }),
    mostPorts: mostPorts(adapter?.limits.server ?? { ports: 0 }),
  }
}

const history = (context: Context, server: ServerRow, action: string, portId: string): Write =>
  insertServerAction(context.db, { ...who(context, server), action, args: { port_id: portId }, now: context.now() })

/**
 * Takes a port out of a server. What was made for it goes, what a user brought is the user's again, when the cloud has let go.
 * A port that the server was built with is adopted as an interface first: `kinds/interface` goes on from there.
 */
export const detachInterface = async (context: Context, server: ServerRow, portId: string): Promise<void> => {
  const { db } = context
  const held = (await portsOfServer(db, server.id)).find((port) => port.portId === portId)
  if (!held) refuse({ kind: 'no-interface', id: server.id, portId })
  requireState(context, server, 'detach_interface')
  await requireCapability(context, server, 'interface', (cloud) => cloud.interface)
  const plugged = (await interfacesOf(db, server.id)).find((each) => each.portId === portId)
  const row = plugged ?? {
    id: context.newId(),
    projectId: server.projectId,
    serverId: server.id,
    portId,
    createdAt: context.now(),
  }
  const cloudId = server.cloudId!
  try {
    await commit(
      context,
      { action: 'detach_interface', kind: 'server', resourceId: server.id, detail: { port_id: portId } },
      [
        guard(context, 'server-moved', serverMoved(server.id, server)),
        history(context, server, 'detach_interface', portId),
        ...(plugged
          ? [unwanted(context, 'interface', row.id)]
          : [insertInterface(db, row), bindTo(context, 'interface', row, { cloudId, zone: server.zone })]),
      ],
    )
  } catch (error) {
    // Another request takes it out already.
    if (!(error instanceof Refused && error.refusal.kind === 'taken')) throw error
  }
}
