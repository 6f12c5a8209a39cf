import { takeOutside } from '../../../../db/queries/network/floating-ips.ts'
import { type NetworkRow, networkLost } from '../../../../db/queries/network/network.ts'
import type { FixedIp } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { guard, type Write } from '../../line/commit.ts'
import type { FixedIpWish } from '../fixed-ips.ts'
import { readGround } from '../ground.ts'
import { badRequestFor } from '../network-refusal.ts'
import { plannedAddresses } from '../port-plan.ts'

/** Addresses outside, of a gateway or a public address, and what gives them; repeat the plan where they were taken (`untilFree`). */
export interface Outside {
  fixedIps: FixedIp[]
  /** For the batch, behind what makes the port of the device: triggers do, on the row of the router or the floating IP. */
  writes: Write[]
}

const take = (context: Context, network: NetworkRow, deviceId: string, fixedIps: FixedIp[]): Outside => ({
  fixedIps,
  writes: [
    guard(context, 'network-gone', networkLost(context.scope, network)),
    ...takeOutside(context.db, deviceId, fixedIps),
  ],
})

const groundFor = (context: Context, { id, projectId }: NetworkRow, self: string, wished: FixedIpWish[] | null) =>
  readGround(context, [{ networkId: id, projectId, wished, mac: null, groupIds: [], self }])

/**
 * The addresses of a router on an external network of an administrator's: those wished, else one of each family.
 *
 * @param own those that it has there: they are free to it
 */
export const gatewayAddresses = async (
  context: Context,
  network: NetworkRow,
  routerId: string,
  wished: FixedIpWish[] | null,
  own: FixedIp[],
): Promise<Outside> => {
  const ground = await groundFor(context, network, routerId, wished)
  for (const { subnet_id, ip_address } of own) ground.used.delete(`${subnet_id}/${ip_address}`)
  const mac = ground.macs[0]!
  const bare = !ground.subnets.length && wished === null
  const fixedIps = bare
    ? []
    : await plannedAddresses(context, network, { wished, mac, router: true, owner: 'network:router_gateway' }, ground)
  return take(context, network, routerId, fixedIps)
}

/** One address of an IPv4 subnet there (neutron/db/l3_db.py, `_create_floatingip`). */
export const publicAddress = async (
  context: Context,
  network: NetworkRow,
  floatingIpId: string,
  { address, subnetId }: { address: string | null; subnetId: string | null },
): Promise<Outside> => {
  const named = { ...(address ? { ip_address: address } : {}), ...(subnetId ? { subnet_id: subnetId } : {}) }
  const wished = address || subnetId ? [named] : null
  const ground = await groundFor(context, network, floatingIpId, wished)
  const subnetIds = ground.subnets.filter(({ ipVersion }) => ipVersion === 4).map(({ id }) => id)
  if (!subnetIds.length) throw badRequestFor('floatingip', `Network ${network.id} does not contain any IPv4 subnet`)
  const asked = { wished, mac: ground.macs[0]!, router: true, owner: 'network:floatingip', subnetIds }
  return take(context, network, floatingIpId, await plannedAddresses(context, network, asked, ground))
}
