import type { PortSeen, PortSpec } from '../../../adapters/contract.ts'
import { type Beside, portBeside } from '../../../db/queries/network/arriving-addresses.ts'
import { type NetworkRow, networkById } from '../../../db/queries/network/network.ts'
import {
  floatingIpsOf,
  forgetLingering,
  notePort,
  type PortView,
  portById,
  touchFloatingIpsOf,
} from '../../../db/queries/network/ports.ts'
import { type QosRule, rulesOfQosPolicy } from '../../../db/queries/network/qos-policies.ts'
import { groupsIn } from '../../../db/queries/network/security/security-groups.ts'
import { type SubnetRow, subnetsById } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import { driveDue } from '../line/commit.ts'
import { type Need, steps } from '../line/steps.ts'
import { qosOf } from '../network/qos/binding.ts'
import { networkNeed } from './network.ts'
import { securityGroupNeed } from './security-group.ts'
import { subnetNeed } from './subnet.ts'

interface Loaded {
  /** As it is on the cloud of the binding. */
  port: PortView
  /** Its server is, or is shown, on another cloud: nothing is noted of it. */
  beside: boolean
  network: NetworkRow
  subnets: SubnetRow[]
  groups: { id: string; projectId: string }[]
  /** Rules of the policy by which it goes. */
  rules: QosRule[]
}

/** A port as a server needs it. */
export const portNeed = ({ id, projectId }: Pick<PortView, 'id' | 'projectId'>): Need => ({
  kind: 'port',
  resourceId: id,
  projectId,
})

/** Whether the cloud itself is to filter: where the operator answers for it, the cloud is asked for none. */
const isFiltered = ({ portSecurity, filters }: Pick<PortView, 'portSecurity' | 'filters'>): boolean =>
  portSecurity && (filters === null || filters === 'enforced')

/** What a cloud is asked to filter of a port: all that is asked of it, or nothing. */
export const filtersOf = (
  port: Pick<PortView, 'portSecurity' | 'filters' | 'addressPairs'>,
  groups: () => string[],
): Pick<PortSpec, 'portSecurity' | 'securityGroups' | 'addressPairs'> =>
  isFiltered(port)
    ? {
        portSecurity: true,
        securityGroups: groups(),
        ...(port.addressPairs.length
          ? { addressPairs: port.addressPairs.map(({ address, mac }) => ({ address, mac: mac || null })) }
          : {}),
      }
    : { portSecurity: false, securityGroups: [] }

/** What a cloud is to keep of a port's policy: a rule of nothing a second limits nothing, as in Neutron. */
const limitsOf = (rules: QosRule[]): Pick<PortSpec, 'bandwidth'> => {
  const bandwidth = rules
    .filter(({ type, value }) => type === 'bandwidth_limit' && value > 0)
    .map(({ direction, value, burst }) => ({
      direction: direction === 'ingress' ? ('ingress' as const) : ('egress' as const),
      ...{ kbps: value, burstKbits: burst },
    }))
    .toSorted((a, b) => (a.direction < b.direction ? -1 : 1))
  return bandwidth.length ? { bandwidth } : {}
}

/** A port where its server is not shown: with the addresses that it has there, and filtered as is said there. */
const portWith = (port: PortView, { fixedIps, filters }: Beside): PortView => ({
  ...port,
  filters,
  ...(fixedIps.length ? { fixedIps } : {}),
})

/** Ports are realised when a server takes them, with the addresses that were reserved for them. */
export const portSteps = steps<Loaded, PortSpec, PortSeen>({
  kind: 'port',
  // A server that goes to another zone of its cloud takes its ports along.
  returns: true,
  realm: (cloud) => cloud.port,
  load: async ({ db }, { resourceId, cloudId }) => {
    const shown = await portById(db, everyProject, resourceId)
    const network = shown && (await networkById(db, everyProject, shown.networkId))
    if (!network) return null
    const beside = shown.deviceId === '' ? null : await portBeside(db, resourceId, cloudId)
    const port = beside ? portWith(shown, beside) : shown
    const subnets = await subnetsById(
      db,
      port.fixedIps.map((ip) => ip.subnet_id),
    )
    const qos = qosOf(port, network)
    return {
      port,
      beside: beside !== null,
      network,
      subnets,
      groups: await groupsIn(db, everyProject, port.securityGroupIds),
      rules: qos === null ? [] : await rulesOfQosPolicy(db, qos),
    }
  },
  needs: (_, { port, network, subnets, groups }) => [
    networkNeed(network),
    ...subnets.map(subnetNeed),
    ...(isFiltered(port) ? groups.map((group) => securityGroupNeed(group, network.id)) : []),
  ],
  spec: (_, { port, network, groups, rules }, __, native) => ({
    ...filtersOf(port, () => groups.map((group) => native(securityGroupNeed(group, network.id)))),
    name: port.name || port.id,
    network: native(networkNeed(network)),
    addresses: port.fixedIps.map(({ subnet_id, ip_address }) => ({
      subnet: native({ kind: 'subnet', resourceId: subnet_id }),
      address: ip_address,
    })),
    mac: port.macAddress,
    ...limitsOf(rules),
    ...(port.dhcpOptions.length ? { dhcpOptions: port.dhcpOptions } : {}),
  }),
  observe: ({ db, now }, { port, beside }, { phase }, { mac, server, health }) => {
    if (beside) return []
    const status = server !== null && health === 'ready' ? 'ACTIVE' : 'DOWN'
    const differs = mac !== port.macAddress || (phase === 'bound' && status !== port.status)
    return [
      ...(differs ? [notePort(db, port.id, { macAddress: mac, status })] : []),
      ...(phase === 'calling' ? [touchFloatingIpsOf(db, port.id, now())] : []),
    ]
  },
  act: async (context, { port }) => {
    driveDue(context, [{ kind: 'floating_ip', ids: await floatingIpsOf(context.db, port.id), want: 'present' }])
    return { settled: true, writes: [] }
  },
  keeps: ({ network, addresses, securityGroups }) => [
    { kind: 'network', nativeId: network },
    ...addresses.map(({ subnet }) => ({ kind: 'subnet' as const, nativeId: subnet })),
    ...securityGroups.map((group) => ({ kind: 'security_group' as const, nativeId: group })),
  ],
  gone: ({ db }, _, { resourceId, cloudId }) => [forgetLingering(db, resourceId, cloudId)],
  failed: ({ db }, { port, beside }, { phase }) =>
    phase === 'bound' || beside ? [] : [notePort(db, port.id, { status: 'ERROR' })],
})
