import { forgetGone } from '../../../../db/queries/line/bindings.ts'
import { holdAddresses, leaveHeld, takeHeld } from '../../../../db/queries/network/arriving-addresses.ts'
import { leaveAddresses, portMoved, updatePorts } from '../../../../db/queries/network/ports.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import { guard, type Write } from '../../line/commit.ts'
import { bindTo, changed, unwantedOn } from '../../line/resources.ts'
import { pinNetworks } from '../../network/network.ts'
import { subnetsAt } from '../../network/segments/sites.ts'
import { type CarriedPorts, isFree } from '../place/carried-ports.ts'
import type { Place } from '../server-facts.ts'

/* Ports of a server that comes home: each is on two clouds for a while, and shows what it has on one of them. */

type Port = CarriedPorts['ports'][number]

/** Ports that get another address with the place; the others have, and keep, one that lies there too. */
const movingTo = (carried: CarriedPorts, to: Place): Port[] => {
  const lying = (networkId: string) => subnetsAt(carried.known, networkId, to)
  return carried.ports.filter(
    (port) =>
      isFree(carried, port) &&
      !(port.fixedIps.length && port.fixedIps.every((ip) => lying(port.networkId)?.includes(ip.subnet_id) ?? true)),
  )
}

/**
 * Writes with which ports are made where a machine arrives, and addresses are held for them there: `plan` chooses them. Repeated
 * where others are faster at an address (`untilFree`). Throws `NetworkRefused`: there is none.
 */
export const arrivingPorts = async (
  context: Context,
  carried: CarriedPorts,
  to: Place & { filters: Filters },
  plan: (ports: { port: Port; subnetIds: string[] | undefined }[]) => Promise<Map<string, Port['fixedIps']>>,
): Promise<Write[]> => {
  const { ports, known } = carried
  if (!ports.length) return []
  const lying = (networkId: string) => subnetsAt(known, networkId, to)
  const zonal = (await adapterOf(context, to.cloudId))?.adapter.zonalSubnets === true
  const networkIds = [...new Set(ports.map(({ networkId }) => networkId))]
  const chosen = await plan(movingTo(carried, to).map((port) => ({ port, subnetIds: lying(port.networkId) })))
  const pinned = { cloudId: to.cloudId, zone: zonal ? to.zone : null, filters: to.filters }
  return [
    ...pinNetworks(context, networkIds, { ...pinned, subnetIds: networkIds.flatMap((id) => lying(id) ?? []) }),
    ...ports.flatMap((port) => {
      const fixedIps = chosen.get(port.id) ?? []
      return [
        guard(context, 'port-moved', portMoved(port.id, port.revision)),
        ...(fixedIps.length ? [holdAddresses(context.db, port.id, fixedIps)] : []),
        forgetGone(context.db, { kind: 'port', resourceId: port.id, cloudId: to.cloudId, scope: '' }),
        bindTo(context, 'port', port, to),
      ]
    }),
  ]
}

/** Writes with which ports show what they have where their server is from now on. */
export const portsArrived = (
  context: Context,
  ports: { id: string; held: Port['fixedIps'] }[],
  filters: Filters,
): Write[] => {
  const { db } = context
  const updatedAt = context.now()
  return ports.flatMap(({ id, held }) => [
    ...(held.length ? [...leaveAddresses(db, [id]), takeHeld(db, id)] : []),
    updatePorts(db, [id], { filters, updatedAt, ...(held.length ? { fixedIps: held } : {}) }),
    changed(context, 'port', id),
  ])
}

/** Writes with which ports are let go of on a cloud; what was held for them there is taken until it has. */
export const portsLeave = (context: Context, portIds: string[], cloudId: string): Write[] =>
  portIds.length
    ? [...portIds.flatMap((id) => leaveHeld(context.db, id)), unwantedOn(context, 'port', portIds, cloudId)]
    : []
