import type { SubnetSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { getBinding } from '../../../db/queries/line/bindings.ts'
import { type NetworkView, networkById, zoneNames } from '../../../db/queries/network/network.ts'
import {
  noteZone,
  routersOnSubnet,
  type SubnetRow,
  subnetById,
  touchRoutersOn,
} from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { driveDue } from '../line/commit.ts'
import { type Need, steps } from '../line/steps.ts'
import { networkNeed } from './network.ts'

interface Loaded {
  subnet: SubnetRow
  network: NetworkView
}

/** A subnet as something else needs it. */
export const subnetNeed = ({ id, projectId, zone }: Pick<SubnetRow, 'id' | 'projectId' | 'zone'>): Need => ({
  kind: 'subnet',
  resourceId: id,
  zone,
  projectId,
})

/** The wire on which its segment lies, if it lies on one. */
const wireOf = ({ segmentId }: SubnetRow, { segments }: NetworkView, cloudId: string): Pick<SubnetSpec, 'wire'> => {
  const here = segments.find((each) => (segmentId === null ? each.cloudId === cloudId : each.id === segmentId))
  return here?.wire ? { wire: { name: here.wire, vlan: here.segmentationId } } : {}
}

/**
 * A subnet is realised in the zone of what first needed it; where a cloud does not care, in its emptiest. Routers that
 * wait for it are told when it is there.
 */
export const subnetSteps = steps<Loaded, SubnetSpec>({
  kind: 'subnet',
  returns: true,
  realm: (cloud) => cloud.subnet,
  load: async ({ db }, { resourceId }) => {
    const subnet = await subnetById(db, everyProject, resourceId)
    const network = subnet && (await networkById(db, everyProject, subnet.networkId))
    return network ? { subnet, network } : null
  },
  needs: async (context, { network }, { cloudId }) => {
    await networkSettled(context, network.id, cloudId)
    return [networkNeed(network)]
  },
  spec: async ({ db }, { subnet, network }, { cloudId, zone }, native) => ({
    name: subnet.name || subnet.id,
    network: native(networkNeed(network)),
    cidr: subnet.cidr,
    gateway: subnet.gatewayIp,
    zone: subnet.zone ?? zone ?? (await zoneNames(db, cloudId))[0] ?? '',
    dhcp: subnet.enableDhcp,
    dnsServers: subnet.dnsNameservers,
    ...wireOf(subnet, network, cloudId),
  }),
  keeps: ({ network }) => [{ kind: 'network', nativeId: network }],
  observe: ({ db, now }, { subnet }, { phase }, seen) => [
    ...(seen.zone && subnet.zone === null ? [noteZone(db, subnet.id, seen.zone)] : []),
    ...(phase === 'calling' ? [touchRoutersOn(db, subnet.id, now())] : []),
  ],
  act: async (context, { subnet }) => {
    driveDue(context, [{ kind: 'router', ids: await routersOnSubnet(context.db, subnet.id), want: 'present' }])
    return { settled: true, writes: [] }
  },
})

/** A network that is being widened for this very subnet has to be done with it. */
const networkSettled = async ({ db }: Context, resourceId: string, cloudId: string): Promise<void> => {
  const binding = await getBinding(db, { kind: 'network', resourceId, cloudId, scope: '' })
  if (binding?.phase === 'bound' && binding.applied < binding.revision && binding.dueAt !== null)
    throw new CloudError('throttled', 'The network is being changed.', { retryAfterMs: 500 })
}
