import type { NetworkRow } from '../../../db/queries/network/network.ts'
import { allocate, joinGroups, type PortRow, subnetsGone } from '../../../db/queries/network/ports.ts'
import { groupsLost } from '../../../db/queries/network/security/security-groups.ts'
import { type SubnetRow, subnetById } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import { adapterOf } from '../clouds/adapter.ts'
import { guard, type Write } from '../line/commit.ts'
import { chooseAddresses, type FixedIpWish, reservedAddresses } from './fixed-ips.ts'
import type { Ground } from './ground.ts'
import { conflicting, invalid, missing, NetworkRefused } from './network-refusal.ts'
import { ensureDefaultGroup } from './security/security-group.ts'
import { cloudOf } from './segments/sites.ts'

/** Gives a port its addresses, under the guard `subnet-gone`; two that take one address are a `taken` of the batch. */
export const writeAddresses = (context: Context, portId: string, fixedIps: PortRow['fixedIps']): Write[] =>
  fixedIps.length
    ? [
        guard(context, 'subnet-gone', subnetsGone([...new Set(fixedIps.map((ip) => ip.subnet_id))])),
        allocate(context.db, portId, fixedIps),
      ]
    : []

/** Puts a port into security groups, under the guard `security-group-gone`: they are there, lent still, and alike. */
export const writeGroups = (
  context: Context,
  { id, projectId }: Pick<PortRow, 'id' | 'projectId'>,
  groupIds: string[],
): Write[] =>
  groupIds.length
    ? [
        guard(context, 'security-group-gone', groupsLost(context.scope, projectId, groupIds)),
        joinGroups(context.db, id, groupIds),
      ]
    : []

/** Chosen by rules of Neutron, but never what the clouds keep for themselves; noted on the ground as used. */
export const plannedAddresses = async (
  context: Context,
  network: NetworkRow,
  wish: {
    wished: FixedIpWish[] | null
    mac: string
    router: boolean
    /** `device_owner` of the port. */
    owner: string
    subnetIds?: string[] | undefined
  },
  ground: Pick<Ground, 'clouds' | 'segments' | 'subnets' | 'free' | 'used'>,
): Promise<PortRow['fixedIps']> => {
  const { wished, mac, subnetIds } = wish
  if (wished?.length === 0) return []
  const there = ground.subnets.filter(
    ({ id, networkId }) => networkId === network.id && (subnetIds?.includes(id) ?? true),
  )
  const subnets = servedBy(there, wish.owner)
  if (there.length && !subnets.length) throw noServiceSubnet(network.id, wish.owner)
  await refuseUnknown(context, subnets, wished)
  const { free, used } = ground
  const fixedIps = chooseAddresses({ networkId: network.id, subnets, wished, free, used, mac, dice: context.newId() })
  for (const { subnet_id, ip_address } of fixedIps) used.add(`${subnet_id}/${ip_address}`)
  refuseSegments(subnets, fixedIps)
  const named = wished?.flatMap(({ ip_address }) => ip_address ?? []) ?? []
  const cloudId = cloudOf(ground, network, fixedIps[0]?.subnet_id)
  if (cloudId && named.length && !wish.router) await refuseReserved(ground, cloudId, subnets, fixedIps, named)
  return fixedIps
}

/** Those of which an owner's ports have addresses, its own first (neutron/objects/subnet.py, `query_filter_service_subnets`). */
const servedBy = (subnets: SubnetRow[], owner: string): SubnetRow[] =>
  subnets
    .filter(
      ({ serviceTypes, enableDhcp }) =>
        !serviceTypes.length || serviceTypes.includes(owner) || (owner === 'network:dhcp' && enableDhcp),
    )
    .toSorted((a, b) => Number(!a.serviceTypes.length) - Number(!b.serviceTypes.length))

const noServiceSubnet = (networkId: string, owner: string) =>
  conflicting(
    'IpAddressGenerationFailureNoMatchingSubnet',
    `No valid service subnet for the given device owner, network ${networkId}, service type ${owner}.`,
  )

/** A subnet that there is not is not found, before one of another network is refused (neutron/db/ipam_backend_mixin.py, `_get_subnet_for_fixed_ip`). */
const refuseUnknown = async (context: Context, subnets: SubnetRow[], wished: FixedIpWish[] | null): Promise<void> => {
  const elsewhere = wished?.find(({ subnet_id: id }) => id && !subnets.some((subnet) => subnet.id === id))?.subnet_id
  if (elsewhere && subnets.length && !(await subnetById(context.db, context.scope, elsewhere)))
    throw missing('Subnet', elsewhere)
}

/** A port is in one segment (neutron/services/segments/exceptions.py). */
const refuseSegments = (subnets: SubnetRow[], fixedIps: PortRow['fixedIps']): void => {
  const lying = fixedIps.map(({ subnet_id }) => subnets.find(({ id }) => id === subnet_id)?.segmentId)
  if (new Set(lying).size > 1)
    throw invalid('FixedIpsSubnetsNotOnSameSegment', 'Cannot allocate addresses from different segments.')
}

const refuseReserved = async (
  ground: Pick<Ground, 'clouds'>,
  cloudId: string,
  subnets: SubnetRow[],
  fixedIps: PortRow['fixedIps'],
  named: string[],
) => {
  const cloud = await adapterOf(ground, cloudId)
  if (!cloud) return
  for (const ip of fixedIps.filter(({ ip_address }) => named.includes(ip_address))) {
    const { cidr } = subnets.find(({ id }) => id === ip.subnet_id)!
    if (reservedAddresses(cidr, cloud.adapter.reservedAddresses)(ip.ip_address))
      throw new NetworkRefused({
        kind: 'invalid',
        type: 'InvalidIpForSubnet',
        reason: `IP address ${ip.ip_address} is kept by cloud ${cloud.name} for itself.`,
      })
  }
}

/**
 * Ids of the groups that a port is to be in: those wished, else the default one of its project; none without port
 * security.
 */
export const plannedGroups = async (
  context: Context,
  projectId: string,
  wished: string[] | null,
  secured: boolean,
  ground: Pick<Ground, 'groups'>,
): Promise<string[]> => {
  if (!secured && wished?.length)
    throw conflicting(
      'PortSecurityAndIPRequiredForSecurityGroups',
      'Port security must be enabled and port must have an IP address in order to use security groups.',
    )
  if (!secured) return []
  if (wished === null) return [await defaultGroup(context, projectId, ground)]
  const ids = [...new Set(wished)]
  const known = new Set(ground.groups.map(({ id }) => id))
  const unknown = ids.find((id) => !known.has(id))
  if (unknown !== undefined) throw missing('SecurityGroup', unknown)
  // neutron/db/securitygroups_db.py, `_validate_sgs_for_port`
  if (new Set(ground.groups.filter(({ id }) => ids.includes(id)).map(({ stateful }) => stateful)).size > 1)
    throw conflicting(
      'SecurityGroupConflict',
      'Error Cannot apply both stateful and stateless security groups on the same port at the same time while attempting the operation.',
    )
  return ids
}

/** Made when it is first looked for, and once for all plans of a ground. */
const defaultGroup = async (context: Context, projectId: string, { groups }: Pick<Ground, 'groups'>) => {
  const known = groups.find((group) => group.isDefault !== null && group.projectId === projectId)
  if (known) return known.id
  const id = await ensureDefaultGroup(context, projectId)
  groups.push({ id, projectId, isDefault: 'default', stateful: true })
  return id
}
