import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { type Binding, forgetGone } from '../../../../db/queries/line/bindings.ts'
import { type NetworkPlanRow, networkPlanOf } from '../../../../db/queries/network/network-plans.ts'
import { type NetworkGround, networksWithSubnets } from '../../../../db/queries/network/port-ground.ts'
import { type PortView, portsHeldBy, portsLedTo, updatePorts } from '../../../../db/queries/network/ports.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import type { Write } from '../../line/commit.ts'
import { bindTo, unwantedOn } from '../../line/resources.ts'
import { pinNetworks } from '../../network/network.ts'
import { planPortsAt } from '../../network/port.ts'
import { isAt, sitesFor, subnetsAt } from '../../network/segments/sites.ts'
import type { Place } from '../server-facts.ts'
import { growNetworks, willGrow } from './grow.ts'

/* A server goes to another place before it exists, and takes its ports along. */

export interface CarriedPorts {
  projectId: string
  ports: PortView[]
  known: NetworkGround
  /** How networks of the project become routed by themselves. */
  plan: NetworkPlanRow | null
  /** Ids of those that public addresses lead to. */
  led: Set<string>
}

/** The ports of a server, and what there is of their networks. */
export const carriedPorts = async ({ db }: Context, { id, projectId }: ServerRow): Promise<CarriedPorts> => {
  const ports = await portsHeldBy(db, id)
  const networkIds = [...new Set(ports.map(({ networkId }) => networkId))]
  const known = await networksWithSubnets(db, everyProject, networkIds, [projectId])
  const portIds = ports.map((port) => port.id)
  const [plan, led] = await Promise.all([networkPlanOf(db, projectId), portsLedTo(db, portIds)])
  return { projectId, ports, known, plan, led: new Set(led) }
}

/** It got its address with its place, and nobody named anything of it: with another place it gets another. */
export const isFree = ({ led }: CarriedPorts, { id, ipAllocation, macNamed }: PortView): boolean =>
  ipAllocation === 'deferred' && !macNamed && !led.has(id)

/** Networks of ports that get a segment where these go. */
const growing = ({ known, plan, projectId }: CarriedPorts, ports: PortView[]) =>
  known.networks.filter(
    (network) =>
      ports.some(({ networkId }) => networkId === network.id) && willGrow(network, { ...known, plan, projectId }),
  )

/** Whether all ports can be in a place: there, or by an address that they get there. */
export const canGo = (carried: CarriedPorts, { cloudId, zone }: Place): boolean =>
  carried.ports.every((port) => {
    const { networks, subnets } = carried.known
    const { networkId, fixedIps } = port
    if (isFree(carried, port) && growing(carried, [port]).length) return true
    const subnetIds = isFree(carried, port) ? [] : fixedIps.map((ip) => ip.subnet_id)
    const sites = sitesFor(carried.known, networkId, { subnetIds })
    if (sites) return sites.some((site) => isAt(site, { cloudId, zone }))
    const home = networks.find(({ id }) => id === networkId)?.cloudId
    const zoned = subnets.find((subnet) => subnet.networkId === networkId && subnet.zone !== null)
    return home === cloudId && isAt({ cloudId, zone: zoned?.zone ?? null }, { cloudId, zone })
  })

/**
 * Writes with which the ports go along: each keeps its id, is let go of where it was, and has an address of the segment in
 * the new place. Plan and commit are repeated where others are faster at an address (`untilFree`).
 */
export const carryPorts = async (
  context: Context,
  carried: CarriedPorts,
  from: Binding,
  to: Place & { filters: Filters },
): Promise<Write[]> => {
  const { db } = context
  const { ports, plan, projectId } = carried
  const zonal = (await adapterOf(context, to.cloudId))?.adapter.zonalSubnets === true
  const free = ports.filter((port) => isFree(carried, port))
  const ground = { at: to, zonal, before: 0 }
  const grown = await growNetworks(context, growing(carried, free), { ...carried.known, plan, projectId }, ground)
  const known = grown.read
  const lying = (networkId: string) => subnetsAt(known, networkId, to)
  const stays = ({ networkId, fixedIps }: PortView) =>
    fixedIps.length > 0 && fixedIps.every((ip) => lying(networkId)?.includes(ip.subnet_id) ?? true)
  const moving = ports.filter((port) => isFree(carried, port) && !stays(port))
  const abroad = to.cloudId !== from.cloudId
  const leaving = (abroad ? ports : moving).map(({ id }) => id)
  if (!leaving.length) return []
  const { placed } = await planPortsAt(
    context,
    [],
    moving.map((port) => ({ port, subnetIds: lying(port.networkId) })),
    known,
  )
  const networkIds = [...new Set(ports.map(({ networkId }) => networkId))]
  const home = { cloudId: to.cloudId, zone: zonal ? to.zone : null, filters: to.filters }
  return [
    ...grown.writes,
    ...pinNetworks(context, networkIds, { ...home, subnetIds: networkIds.flatMap((id) => lying(id) ?? []) }),
    ...placed,
    unwantedOn(context, 'port', leaving, from.cloudId),
    ...(abroad
      ? [
          updatePorts(db, leaving, { filters: to.filters, updatedAt: context.now() }),
          ...ports.flatMap((port) => [
            forgetGone(db, { kind: 'port', resourceId: port.id, cloudId: to.cloudId, scope: '' }),
            bindTo(context, 'port', port, to),
          ]),
        ]
      : []),
  ]
}
