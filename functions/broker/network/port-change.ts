import {
  type AddressPair,
  isRouterPort,
  leaveGroups,
  type PortRow,
  type PortView,
  portMoved,
  release,
  serversHolding,
  updatePorts,
} from '../../../db/queries/network/ports.ts'
import type { Context } from '../../context.ts'
import { adapterOf } from '../clouds/adapter.ts'
import { guard, type Write } from '../line/commit.ts'
import { changed } from '../line/resources.ts'
import { plannedPairs, rewritePairs } from './address-pairs.ts'
import { type DhcpOptionWish, plannedOptions } from './dhcp-options.ts'
import type { FixedIpWish } from './fixed-ips.ts'
import { type Ground, readGround } from './ground.ts'
import { beyondPort } from './limits.ts'
import { conflicting } from './network-refusal.ts'
import { refuseForeignSecurity } from './port.ts'
import { plannedAddresses, plannedGroups, writeAddresses, writeGroups } from './port-plan.ts'
import { planQos } from './qos/binding.ts'
import { cloudOf } from './segments/sites.ts'
import { refuseLooseOnWire, refuseUnfilteredWire } from './segments/wire.ts'
import { filteredAs } from './unfiltered.ts'

export interface PortChange {
  set: Partial<
    Pick<
      PortRow,
      | 'name'
      | 'description'
      | 'adminStateUp'
      | 'deviceId'
      | 'deviceOwner'
      | 'portSecurity'
      | 'macAddress'
      | 'bindingHost'
      | 'bindingProfile'
    >
  >
  fixedIps?: FixedIpWish[]
  securityGroupIds?: string[] | null
  addressPairs?: AddressPair[]
  /** Each by itself: what is not named stays. */
  dhcpOptions?: DhcpOptionWish[]
  /** Null: as its network says. */
  qosPolicyId?: string | null
}

/** Nothing is promised that a cloud does not do: some change no address while a server has the port. */
const refuseReaddress = async (
  { db }: Context,
  among: Pick<Ground, 'clouds'>,
  port: PortView,
  fixedIps: PortRow['fixedIps'],
  cloudId: string | null,
): Promise<void> => {
  const words = (ips: PortRow['fixedIps']) => ips.map(({ subnet_id, ip_address }) => `${subnet_id} ${ip_address}`)
  if (words(fixedIps).toSorted().join() === words(port.fixedIps).toSorted().join()) return
  const lack = (await adapterOf(among, cloudId))?.adapter.lacks['port.readdress']
  if (lack && (await serversHolding(db, [port.id])).length) throw conflicting('PortInUse', lack)
}

/** Nor are addresses of more subnets than a cloud has a port be in. */
const refuseOutOfReach = async (
  among: Pick<Ground, 'clouds'>,
  fixedIps: PortRow['fixedIps'],
  cloudId: string | null,
): Promise<void> => {
  const cloud = await adapterOf(among, cloudId)
  const subnetIds = fixedIps.map(({ subnet_id }) => subnet_id)
  const why = cloud && beyondPort(cloud.adapter, { subnetIds, named: [], pairs: [] })
  if (why) throw conflicting('SubnetNotSupported', `Cloud ${cloud.name} ${why}.`)
}

/** A list that is shown in its own order comes back in it: which address is the first, the order of a wish does not say. */
const firstStays = ({ fixedIps: [first] }: PortView, planned: PortRow['fixedIps']): PortRow['fixedIps'] =>
  planned.toSorted((a, b) => Number(b.ip_address === first?.ip_address) - Number(a.ip_address === first?.ip_address))

/** Writes for a change of a port, above the line and wherever it is realised. */
export const planPortChange = async (context: Context, port: PortView, change: PortChange): Promise<Write[]> => {
  const { db } = context
  const { networkId, projectId, macAddress: mac, id: self } = port
  const groupIds = change.securityGroupIds ?? []
  const ground = await readGround(context, [{ networkId, projectId, wished: change.fixedIps, mac, groupIds, self }])
  const network = ground.networks[0]!
  const { portSecurity: asks } = change.set
  if (asks !== undefined) refuseForeignSecurity(context, 'update', network)
  const cloudId = cloudOf(ground, network, port.fixedIps[0]?.subnet_id)
  if (!isRouterPort(port))
    await filteredAs(ground, cloudId, {
      projectId,
      portSecurity: asks,
      securityGroupIds: change.securityGroupIds,
    })
  const portSecurity = change.set.portSecurity ?? port.portSecurity
  if (asks) await refuseUnfilteredWire(context, ground, networkId)
  if (asks === false && port.portSecurity)
    refuseLooseOnWire(context, ground, { networkId, projectId, rule: 'update_port:port_security_enabled' })
  const { macAddress = mac } = change.set
  if (macAddress !== mac && (port.host !== '' || (await serversHolding(db, [port.id])).length))
    throw conflicting(
      'PortBound',
      `Unable to complete operation on port ${port.id}, port is already bound, port type: other, old_mac ${mac}, new_mac ${macAddress}.`,
    )
  const owner = change.set.deviceOwner ?? port.deviceOwner
  const asked = change.fixedIps && { wished: change.fixedIps, mac, router: isRouterPort(port), owner }
  const fixedIps = asked && firstStays(port, await plannedAddresses(context, network, asked, ground))
  const ipAllocation = change.fixedIps && (change.fixedIps.length ? ('immediate' as const) : ('none' as const))
  const regroup = change.securityGroupIds !== undefined || asks === false
  if (!portSecurity && port.securityGroupIds.length && change.securityGroupIds === undefined)
    throw conflicting(
      'PortSecurityPortHasSecurityGroup',
      'Port has security group associated. Cannot disable port security or IP address until security group is removed',
    )
  const pairs = await plannedPairs(context, ground, {
    pairs: change.addressPairs,
    verb: 'update',
    network,
    port: { ...port, portSecurity, macAddress },
    cloudId,
  })
  const options = change.dhcpOptions && (await plannedOptions(ground, cloudId, port, change.dhcpOptions))
  const { qosPolicyId: qos } = change
  const shaped =
    qos === undefined
      ? []
      : await planQos(
          context,
          ground,
          { kind: 'port', id: port.id },
          { from: port.qosPolicyId, to: qos, cloudIds: [cloudId] },
        )
  const groups = regroup
    ? await plannedGroups(context, projectId, change.securityGroupIds ?? null, portSecurity, ground)
    : null
  if (
    fixedIps &&
    fixedIps[0]?.ip_address !== port.fixedIps[0]?.ip_address &&
    (await serversHolding(db, [port.id])).length
  )
    throw conflicting('PortInUse', `The first address of port ${port.id} cannot change while a server holds the port.`)
  if (fixedIps) {
    await refuseReaddress(context, ground, port, fixedIps, cloudId)
    await refuseOutOfReach(ground, fixedIps, cloudId)
  }
  return [
    // A server may have given it a place since, somebody else other options.
    ...(fixedIps || options ? [guard(context, 'port-moved', portMoved(port.id, port.revision))] : []),
    ...shaped,
    updatePorts(db, [port.id], {
      ...change.set,
      ...(qos === undefined ? {} : { qosPolicyId: qos }),
      ...(options ? { dhcpOptions: options } : {}),
      ...(change.set.macAddress === undefined ? {} : { macNamed: true }),
      ...(fixedIps ? { fixedIps, ipAllocation } : {}),
      updatedAt: context.now(),
    }),
    ...(fixedIps ? [release(db, port.id), ...writeAddresses(context, port.id, fixedIps)] : []),
    ...(groups ? [leaveGroups(db, port.id), ...writeGroups(context, port, groups)] : []),
    ...(change.addressPairs ? rewritePairs(context, port.id, pairs) : []),
    changed(context, 'port', port.id),
  ]
}
