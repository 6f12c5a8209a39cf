import { insertServerPort, type ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { planPort, takePorts } from '../network/port.ts'
import type { Place } from './server-facts.ts'
import type { Understood } from './server-wish.ts'

/** `device_owner` of a server's ports, as Nova writes it. */
export const COMPUTE_OWNER = 'compute:nova'

interface Plugs extends Pick<Understood, 'nics' | 'groupIds'> {
  /** The cloud has security groups. */
  filters: boolean
  /** Addresses that others of the same batch have. */
  taken: Set<string>
}

/** Ports of a new server, made or taken, in the order in which the guest sees them, and where they are to be realised. */
export const plug = async (
  context: Context,
  { nics, groupIds, filters, taken }: Plugs,
  row: ServerRow,
  at: Place,
): Promise<Write[]> => {
  const writes: Write[] = []
  const brought = nics.flatMap(({ port }) => port?.id ?? [])
  writes.push(...takePorts(context, brought, { id: row.id, owner: COMPUTE_OWNER }))
  for (const [position, { network, fixedIp, port }] of nics.entries()) {
    const made = port
      ? null
      : await planPort(
          context,
          {
            projectId: row.projectId,
            networkId: network.id,
            fixedIps: fixedIp === null ? null : [{ ip_address: fixedIp }],
            securityGroupIds: filters && network.portSecurity ? groupIds : null,
            ...(filters ? {} : { portSecurity: false }),
            deviceId: row.id,
            deviceOwner: COMPUTE_OWNER,
          },
          taken,
        )
    const portId = port?.id ?? made!.port.id
    writes.push(
      ...(made?.writes ?? []),
      insertServerPort(context.db, { serverId: row.id, portId, position, owned: made !== null }),
      bindTo(context, 'port', { id: portId, projectId: row.projectId }, at),
    )
  }
  return writes
}
