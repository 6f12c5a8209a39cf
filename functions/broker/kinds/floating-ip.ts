import type { FloatingIpSeen, FloatingIpSpec } from '../../../adapters/contract.ts'
import { bindingsOn } from '../../../db/queries/line/bindings.ts'
import {
  addressesOutside,
  type FloatingIpRow,
  floatingIpById,
  noteFloatingIp,
} from '../../../db/queries/network/floating-ips.ts'
import { isWayOut, type NetworkRow, networkById } from '../../../db/queries/network/network.ts'
import { forgetLingering } from '../../../db/queries/network/ports.ts'
import { type SubnetRow, subnetsById } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { steps } from '../line/steps.ts'
import { networkNeed } from './network.ts'
import { subnetNeed } from './subnet.ts'

interface Loaded {
  address: FloatingIpRow
  /** Native id of the port it shall lead to; null: none, or the port is not realised yet. */
  port: string | null
  /** Where it is of an external network that an administrator made; null: of what its cloud has. */
  from: { network: NetworkRow; subnet: SubnetRow; address: string } | null
}

const outsideOf = async ({ db }: Context, address: FloatingIpRow): Promise<Loaded['from']> => {
  const network = await networkById(db, everyProject, address.floatingNetworkId)
  if (!network || isWayOut(network)) return null
  const [ip] = await addressesOutside(db, address.id)
  const [subnet] = ip ? await subnetsById(db, [ip.subnet_id]) : []
  return ip && subnet ? { network, subnet, address: ip.ip_address } : null
}

/** A public address is taken first and led somewhere afterwards: the two fail for different reasons. */
export const floatingIpSteps = steps<Loaded, FloatingIpSpec, FloatingIpSeen>({
  kind: 'floating_ip',
  realm: (cloud) => cloud.floating_ip,
  load: async (context, { resourceId, cloudId }) => {
    const { db } = context
    const address = await floatingIpById(db, everyProject, resourceId)
    if (!address) return null
    const bound = address.portId ? await bindingsOn(db, cloudId, [address.portId]) : []
    const port = bound.find(({ kind, phase, want }) => kind === 'port' && phase === 'bound' && want === 'present')
    return { address, port: port?.nativeId ?? null, from: await outsideOf(context, address) }
  },
  needs: (_, { from }) => (from ? [networkNeed(from.network), subnetNeed(from.subnet)] : []),
  spec: (_, { address, port, from }, __, native, stage) => ({
    target: stage === 'apply' && port && address.fixedIpAddress ? { port, address: address.fixedIpAddress } : null,
    ...(from
      ? {
          from: {
            network: native(networkNeed(from.network)),
            subnet: native(subnetNeed(from.subnet)),
            address: from.address,
          },
        }
      : {}),
  }),
  keeps: ({ from }) =>
    from
      ? [
          { kind: 'network', nativeId: from.network },
          { kind: 'subnet', nativeId: from.subnet },
        ]
      : [],
  gone: ({ db }, _, { resourceId, cloudId }) => [forgetLingering(db, resourceId, cloudId)],
  observe: ({ db, now }, { address }, _, seen) => {
    const status = seen.port !== null && address.portId !== null ? 'ACTIVE' : 'DOWN'
    const same = address.floatingIpAddress === seen.address && address.status === status
    // Only when the cloud gives it does its user have it, and pay for it.
    const had = address.floatingIpAddress === null ? { updatedAt: now() } : {}
    return same ? [] : [noteFloatingIp(db, address.id, { floatingIpAddress: seen.address, status, ...had })]
  },
  failed: ({ db }, { address }) => [noteFloatingIp(db, address.id, { status: 'ERROR' })],
})
