import type { FloatingIpSeen, FloatingIpSpec } from '../../../adapters/contract.ts'
import { insertFloatingIp } from '../../../db/queries/floating-ips.ts'
import { externalNetworkOf } from '../../../db/queries/inventory.ts'
import { NotAdoptable, type Unit } from './plan.ts'

/** A public address of ours, and the port that it leads to. */
export const takeFloatingIp: Unit = async (plan, item, sighting, read) => {
  const seen = sighting as FloatingIpSeen
  const { target } = read.spec as FloatingIpSpec
  const { context, row } = plan
  const external = await externalNetworkOf(context.db, row.id)
  if (!external) throw new NotAdoptable('The cloud has no external network.')
  const port = target && (await plan.identify('port', target.port))
  // To know it without its port would be the wish to take it from there.
  if (target && !port?.bound) throw new NotAdoptable(`It leads to port ${target.port}, which is not managed here.`)
  const led = port && target ? { portId: port.resourceId, fixedIpAddress: target.address } : null
  const now = context.now()
  await plan.admit(item, { floatingip: 1 }, () => [
    insertFloatingIp(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      name: '',
      description: '',
      tags: [],
      revision: 1,
      floatingNetworkId: external.id,
      floatingIpAddress: seen.address,
      portId: led?.portId ?? null,
      fixedIpAddress: led?.fixedIpAddress ?? null,
      routerId: null,
      dnsName: '',
      dnsDomain: '',
      status: led ? 'ACTIVE' : 'DOWN',
      createdAt: now,
      updatedAt: now,
    }),
  ])
}
