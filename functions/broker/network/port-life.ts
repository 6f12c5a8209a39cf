import { isExternalPort, isRouterPort, type PortView, reachOfPorts } from '../../../db/queries/network/ports.ts'
import type { Context } from '../../context.ts'
import { commit } from '../line/commit.ts'
import { untilStill } from '../line/until-still.ts'
import { commitOr, conflicting } from './network-refusal.ts'
import { ownPort, type PortWish, planPorts, portInUse, removePorts, seenPort, untilFree } from './port.ts'
import { type PortChange, planPortChange } from './port-change.ts'

/** Ports of a user, all or none. */
export const createPorts = (context: Context, wishes: PortWish[]): Promise<PortView[]> =>
  untilFree(async () => {
    const planned = await planPorts(context, wishes)
    const ports = planned.map(({ port }) => port)
    await commit(
      context,
      { action: 'create', kind: 'port', resourceId: ports[0]!.id, detail: { ids: ports.map(({ id }) => id) } },
      planned.flatMap(({ writes }) => writes),
    )
    const reaching = await reachOfPorts(
      context.db,
      planned.flatMap(({ routed, port }) => (routed ? port.id : [])),
    )
    return ports.map((port) => ({ ...port, reach: reaching.get(port.id) ?? port.reach }))
  })

/**
 * Changes a port above the line, and on its cloud; planned anew while others take the addresses that it was to get.
 *
 * @param change what becomes of it, or how that follows from what it is by then
 */
export const changePort = (
  context: Context,
  id: string,
  change: PortChange | ((port: PortView) => PortChange),
): Promise<PortView> =>
  untilStill('port-moved', () =>
    untilFree(async () => {
      const port = await ownPort(context, id)
      const writes = await planPortChange(context, port, typeof change === 'function' ? change(port) : change)
      await commit(context, { action: 'update', kind: 'port', resourceId: id }, writes)
      return ownPort(context, id)
    }),
  )

/** By its project, or that of its network. Refused while a server or a router holds it: they let go of it themselves. */
export const deletePort = async (context: Context, id: string): Promise<void> => {
  const port = await seenPort(context, id)
  if (isRouterPort(port) || isExternalPort(port))
    throw conflicting(
      'L3PortInUse',
      `Port ${id} cannot be deleted directly via the port API: has device owner ${port.deviceOwner}.`,
    )
  const writes = [portInUse(context, [id]), ...removePorts(context, [id])]
  await commitOr(context, { action: 'delete', kind: 'port', resourceId: id }, writes, {
    'port-in-use': () =>
      conflicting(
        'PortInUse',
        `Unable to complete operation on port ${id} for network ${port.networkId}. Port already has an attached device ${port.deviceId}.`,
      ),
  })
}
