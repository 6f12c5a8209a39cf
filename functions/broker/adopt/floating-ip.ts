import type { Cloud, FloatingIpSeen, FloatingIpSpec, NativeId } from '../../../adapters/contract.ts'
import { externalNetworkOf } from '../../../db/queries/clouds/inventory.ts'
import { insertFloatingIp } from '../../../db/queries/network/floating-ips.ts'
import { type Adopter, type Item, NotAdoptable, type Plan } from './plan.ts'

/** Public addresses by the port that they lead to, listed once for all who ask. */
export const publicAddresses = (cloud: Cloud): (() => Promise<Map<NativeId, FloatingIpSeen[]>>) => {
  let listed: ReturnType<typeof byPort> | undefined
  return () => {
    listed ??= byPort(cloud).catch((error) => {
      listed = undefined
      throw error
    })
    return listed
  }
}

const byPort = async ({ floating_ip: realm }: Cloud): Promise<Map<NativeId, FloatingIpSeen[]>> => {
  const found: FloatingIpSeen[] = []
  let cursor: string | undefined
  do {
    const page = realm?.read ? await realm.list(cursor) : { items: [], next: undefined }
    found.push(...page.items.filter(({ health }) => health !== 'gone'))
    cursor = page.next
  } while (cursor !== undefined)
  return Map.groupBy(found, ({ port }) => port ?? '')
}

/** The public addresses of a server's port come with it, but for those that others here have. */
export const takeAddresses = async (plan: Plan, server: Item, port: NativeId): Promise<void> => {
  const leading = (await plan.options.addresses?.())?.get(port) ?? []
  const external = leading.length ? await externalNetworkOf(plan.context.db, plan.row.id) : null
  for (const { id, address } of leading) {
    const { bound, mark } = await plan.identify('floating_ip', id)
    if (!external) server.remarks.push(`The cloud has no external network, so ${address} does not come with it.`)
    else if (mark || (bound && bound.projectId !== plan.options.projectId))
      server.remarks.push(`Its public address ${address} is another project's.`)
    else await plan.take('floating_ip', id)
  }
}

/** A public address, and the port that it leads to. */
export const takeFloatingIp: Adopter = async (plan, item, sighting, read) => {
  const seen = sighting as FloatingIpSeen
  const { target } = read.spec as FloatingIpSpec
  const { context, row } = plan
  const external = await externalNetworkOf(context.db, row.id)
  if (!external) throw new NotAdoptable('The cloud has no external network.')
  const port = target && (await plan.identify('port', target.port))
  const known = port?.bound ? port.bound.projectId === item.projectId : target && plan.takes('port', target.port)
  // To know it without its port would be the wish to take it from there.
  if (target && !known) throw new NotAdoptable(`It leads to port ${target.port}, which is not managed here.`)
  const led = port && target ? { portId: port.resourceId, fixedIpAddress: target.address } : null
  const now = context.now()
  // After the bindings: that it is bound tells it from one that is only now led to a port which may not be changed.
  plan.also(() =>
    plan.admit(item, { floatingip: 1 }, () => [
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
    ]),
  )
}
