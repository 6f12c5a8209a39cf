import { whereIn } from '../../../db/queries/network/network-listing.ts'
import { isRouterPort, listPorts } from '../../../db/queries/network/ports.ts'
import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { bySlaac } from './fixed-ips.ts'
import { conflicting } from './network-refusal.ts'
import { planPortChange } from './port-change.ts'

/** So many ports are changed in one batch. */
const MOST = 50

/**
 * Writes by which ports lose the addresses that hosts make by themselves in a subnet that goes: they are no reason to keep it,
 * but for the foot of a router (neutron/db/db_base_plugin_v2.py, `delete_subnet`). Guard `port-moved`. Throws `NetworkRefused`
 * where a server has such a port and its cloud takes no address off it.
 */
export const dropAutoAddresses = async (context: Context, subnet: SubnetRow): Promise<Write[]> => {
  if (!bySlaac(subnet)) return []
  const listing = { ...whereIn('fixed_ips', [`subnet_id=${subnet.id}`]), limit: MOST + 1 }
  const ports = await listPorts(context.db, everyProject, listing)
  if (ports.length > MOST)
    throw conflicting(
      'SubnetInUse',
      `Unable to complete operation on subnet ${subnet.id}: More than ${MOST} ports have an IP allocation from this subnet.`,
    )
  const writes: Write[] = []
  for (const port of ports.filter((each) => !isRouterPort(each))) {
    const fixedIps = port.fixedIps.filter(({ subnet_id }) => subnet_id !== subnet.id)
    writes.push(...(await planPortChange(context, port, { set: {}, fixedIps })))
  }
  return writes
}
