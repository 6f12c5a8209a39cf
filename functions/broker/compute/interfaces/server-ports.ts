import { insertServerPort, type ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { bindTo } from '../../line/resources.ts'
import { type PlannedPort, type PortWish, takePorts } from '../../network/port.ts'
import type { Place } from '../server-facts.ts'
import type { Understood } from '../server-wish.ts'

/** `device_owner` of a server's ports, as Nova writes it. */
export const COMPUTE_OWNER = 'compute:nova'

type Plugs = Pick<Understood, 'nics' | 'groupIds'> & {
  /** Of a routed network the subnets that lie where the server goes; undefined: it is not routed. */
  lying: (networkId: string) => string[] | undefined
  /** What the cloud does with security groups. */
  filters: Filters
}

/** The ports that are to be made for a new server, in the order of its interfaces. */
export const portsWished = ({ nics, groupIds, filters, lying }: Plugs, row: ServerRow): PortWish[] =>
  nics.flatMap(({ network, fixedIp, port }) =>
    port
      ? []
      : {
          projectId: row.projectId,
          networkId: network.id,
          fixedIps: fixedIp === null ? null : [{ ip_address: fixedIp }],
          subnetIds: lying(network.id),
          securityGroupIds: filters !== 'none' && network.portSecurity ? groupIds : null,
          filters,
          deviceId: row.id,
          deviceOwner: COMPUTE_OWNER,
        },
  )

/**
 * Ports of a new server, made or taken, in the order in which the guest sees them, and where they are to be realised.
 * `made` holds what was planned of `portsWished`.
 */
export const plug = (
  context: Context,
  { nics, filters }: Pick<Plugs, 'nics' | 'filters'>,
  made: PlannedPort[],
  row: ServerRow,
  at: Place,
): Write[] => {
  const brought = nics.flatMap(({ port }) => port ?? [])
  const writes = takePorts(context, brought, { id: row.id, owner: COMPUTE_OWNER }, filters)
  const left = [...made]
  for (const [position, { port }] of nics.entries()) {
    const planned = port ? null : left.shift()!
    const portId = port?.id ?? planned!.port.id
    writes.push(
      ...(planned?.writes ?? []),
      insertServerPort(context.db, { serverId: row.id, portId, position, owned: planned !== null }),
      bindTo(context, 'port', { id: portId, projectId: row.projectId }, at),
    )
  }
  return writes
}
