import { finishActions, type ServerAction } from '../../../db/queries/compute/server-actions.ts'
import {
  deleteInterfaces,
  deleteServerPorts,
  interfacesOf,
  portsOfServer,
  type ServerRow,
  updateServer,
} from '../../../db/queries/compute/servers.ts'
import { goneAlong } from '../../../db/queries/line/bindings.ts'
import { freeNetworks } from '../../../db/queries/network/unpin.ts'
import type { Context } from '../../context.ts'
import { endAttachments } from '../block-storage/attachment.ts'
import { charge, type Write } from '../line/commit.ts'
import { unwanted } from '../line/resources.ts'
import { freePorts, removePorts } from '../network/port.ts'
import { serverStatus } from './lifecycle.ts'
import { quotaHeld, statusShown } from './server-facts.ts'
import { leaveGroup } from './server-group.ts'

/**
 * For the batch in which a server is gone: a tombstone, its quota, and everything that hung on it. Ports that were made
 * for it go, ports that users brought stay theirs.
 */
export const endServer = async (context: Context, server: ServerRow, open: ServerAction[]): Promise<Write[]> => {
  const { db } = context
  const { id, projectId } = server
  const now = context.now()
  const [ports, plugged, attachments, left] = [
    await portsOfServer(db, id),
    await interfacesOf(db, id),
    await endAttachments(context, id),
    await leaveGroup(context, id),
  ]
  const plugs = plugged.map((each) => each.id)
  const owned = ports.filter((port) => port.owned).map(({ portId }) => portId)
  const brought = ports.filter((port) => !port.owned).map(({ portId }) => portId)
  const held = quotaHeld(server, open)
  const status = serverStatus({
    phase: 'gone',
    want: 'absent',
    health: null,
    power: null,
    launched: server.launchedAt !== null,
    action: null,
    resized: false,
    before: statusShown(server),
  })
  return [
    // What failed before it ran leaves nothing tied behind it.
    ...(server.launchedAt === null && server.fault !== null && server.cloudId !== null
      ? freeNetworks(db, { serverId: id, cloudId: server.cloudId, going: owned }, now)
      : []),
    updateServer(db, id, {
      ...status,
      deletedAt: now,
      terminatedAt: server.terminatedAt ?? now,
      updatedAt: now,
      oldFlavor: null,
    }),
    charge(projectId, 'instances', -1),
    charge(projectId, 'cores', -held.cores),
    charge(projectId, 'ram', -held.ram),
    ...attachments,
    ...left,
    ...(plugged.length
      ? [
          goneAlong(db, 'interface', plugs, now),
          unwanted(context, 'interface', plugs),
          deleteInterfaces(db, { serverId: id }),
        ]
      : []),
    ...freePorts(context, brought),
    deleteServerPorts(db, id),
    ...removePorts(context, owned),
    finishActions(db, id, 'all', null, now),
  ]
}
