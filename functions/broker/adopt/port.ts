import type { PortSeen, PortSpec } from '../../../adapters/contract.ts'
import { allocate, allowPairs, insertPort, joinGroups } from '../../../db/queries/network/ports.ts'
import { COMPUTE_OWNER } from '../compute/interfaces/server-ports.ts'
import { networkFor } from './network.ts'
import { type Adopter, NotAdoptable } from './plan.ts'
import { groupFor } from './security-group.ts'

/** A port with its network, subnets and groups. One that is in a server comes with that server, or after it. */
export const takePort: Adopter = async (plan, item, sighting, read) => {
  const seen = sighting as PortSeen
  const spec = read.spec as PortSpec
  const { db } = plan.context
  const now = plan.context.now()
  let deviceId = ''
  if (seen.server !== null) {
    const server = plan.takes('server', seen.server) ? await plan.identify('server', seen.server) : null
    if (!server) throw new NotAdoptable(`The port is in server ${seen.server}: adopt that, and it comes with it.`)
    deviceId = server.resourceId
  }
  const network = await networkFor(plan, spec.network)
  const fixedIps: { subnet_id: string; ip_address: string }[] = []
  for (const { subnet, address } of spec.addresses)
    fixedIps.push({ subnet_id: (await plan.take('subnet', subnet)).resourceId, ip_address: address })
  const groups: string[] = []
  for (const group of spec.securityGroups) groups.push((await groupFor(plan, group)).resourceId)
  const pairs = (spec.addressPairs ?? []).map(({ address, mac }) => ({ address, mac: mac ?? '' }))
  const filters = spec.portSecurity ? 'enforced' : await plan.filters()
  await plan.admit(item, { port: 1 }, () => [
    insertPort(db, {
      id: item.resourceId,
      projectId: item.projectId,
      networkId: network.resourceId,
      name: spec.name,
      description: '',
      tags: [],
      revision: 1,
      macAddress: seen.mac,
      macNamed: false,
      ipAllocation: 'immediate',
      fixedIps,
      adminStateUp: true,
      deviceId,
      deviceOwner: deviceId ? COMPUTE_OWNER : '',
      dnsName: '',
      qosPolicyId: null,
      dhcpOptions: [],
      portSecurity: spec.portSecurity,
      filters,
      bindingHost: '',
      bindingProfile: {},
      status: deviceId ? 'ACTIVE' : 'DOWN',
      createdAt: now,
      updatedAt: now,
    }),
    ...(fixedIps.length ? [allocate(db, item.resourceId, fixedIps)] : []),
    ...(groups.length ? [joinGroups(db, item.resourceId, groups)] : []),
    ...(pairs.length ? [allowPairs(db, item.resourceId, pairs)] : []),
  ])
}
