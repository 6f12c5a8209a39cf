import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import { type Block, cidrHolds, holds, overlap, readCidr, readIp, writeCidr, writeIp } from './address.ts'
import { conflicting, invalid, invalidInput, type NetworkRefused } from './network-refusal.ts'

/** A subnet with its range; CIDR and addresses are well formed already. */
export interface RangedSubnet {
  projectId: string
  networkId: string
  name: string
  description: string
  ipVersion: 4 | 6
  cidr: string
  /** Absent: the first address. Null: none. */
  gatewayIp?: string | null
  enableDhcp: boolean
  /** Absent: everything but the gateway. */
  allocationPools?: SubnetRow['allocationPools']
  dnsNameservers: string[]
  hostRoutes: SubnetRow['hostRoutes']
  ipv6AddressMode: string | null
  ipv6RaMode: string | null
  /** Null: its network is not routed. */
  segmentId: string | null
  /** Owners of devices, whose ports alone have addresses of it; absent: of all. */
  serviceTypes?: string[]
}

/** Where a range comes from: it is named, or any of a pool, or named and of a pool. */
export type SubnetSource =
  | { cidr: string; pool?: undefined }
  | { cidr?: string; pool: { id: string; prefixlen?: number } }

/** A subnet as it is asked for. */
export type SubnetWish = Omit<RangedSubnet, 'cidr'> & SubnetSource

/** The row of a new subnet, by Neutron's rules (neutron/db/db_base_plugin_v2.py, `_validate_subnet`). */
export const plannedSubnet = (context: Context, wish: RangedSubnet, others: SubnetRow[]): SubnetRow => {
  const block = readCidr(wish.cidr)!
  if (block.version !== wish.ipVersion)
    throw invalidInput(`cidr '${wish.cidr}' does not match the ip_version '${wish.ipVersion}'`)
  if (block.prefix === 0) throw invalidInput('0 is not allowed as CIDR prefix length')
  if (others.some((other) => overlap(block, readCidr(other.cidr)!)))
    throw invalidInput(
      `Requested subnet with cidr: ${wish.cidr} for network: ${wish.networkId} overlaps with another subnet`,
    )
  checkModes(wish, block)
  const gatewayIp = wish.gatewayIp === undefined ? firstHost(block) : wish.gatewayIp
  const now = context.now()
  return checkSubnet({
    ...wish,
    id: context.newId(),
    cidr: writeCidr(block),
    gatewayIp,
    allocationPools: wish.allocationPools ?? defaultPools(block, gatewayIp),
    serviceTypes: wish.serviceTypes ?? [],
    tags: [],
    revision: 0,
    subnetpoolId: null,
    zone: null,
    createdAt: now,
    updatedAt: now,
  })
}

const firstHost = (block: Block): string =>
  writeIp({
    version: block.version,
    value: block.prefix < (block.version === 4 ? 31 : 127) ? block.first + 1n : block.first,
  })

/** What hosts may have: not the ends of an IPv4 block, not the router's anycast address of an IPv6 one. */
const hosts = (block: Block): [bigint, bigint] => {
  const small = block.prefix >= (block.version === 4 ? 31 : 127)
  if (small) return [block.first, block.last]
  return [block.first + 1n, block.version === 4 ? block.last - 1n : block.last]
}

const defaultPools = (block: Block, gatewayIp: string | null): SubnetRow['allocationPools'] => {
  const { version } = block
  const [first, last] = hosts(block)
  const gateway = gatewayIp === null ? null : (readIp(gatewayIp)?.value ?? null)
  const ranges: [bigint, bigint][] =
    gateway === null || gateway < first || gateway > last
      ? [[first, last]]
      : [
          [first, gateway - 1n],
          [gateway + 1n, last],
        ]
  return ranges
    .filter(([start, end]) => start <= end)
    .map(([start, end]) => ({ start: writeIp({ version, value: start }), end: writeIp({ version, value: end }) }))
}

/** What has to hold of a subnet, new or changed; gives it with its pools in order. */
export const checkSubnet = <
  S extends Pick<SubnetRow, 'cidr' | 'gatewayIp' | 'allocationPools' | 'dnsNameservers' | 'hostRoutes' | 'ipVersion'>,
>(
  subnet: S,
): S => {
  const block = readCidr(subnet.cidr)!
  const { gatewayIp, ipVersion } = subnet
  for (const address of subnet.dnsNameservers)
    if (readIp(address)?.version !== ipVersion)
      throw invalidInput(`dns_nameserver '${address}' does not match the ip_version '${ipVersion}'`)
  for (const { destination, nexthop } of subnet.hostRoutes)
    if (readCidr(destination)?.version !== ipVersion || readIp(nexthop)?.version !== ipVersion)
      throw invalidInput(`host_routes destination '${destination}' does not match the ip_version '${ipVersion}'`)
  if (gatewayIp !== null) {
    const [first, last] = hosts(block)
    const ip = readIp(gatewayIp)
    if (ip?.version !== ipVersion)
      throw invalidInput(`gateway_ip '${gatewayIp}' does not match the ip_version '${ipVersion}'`)
    if (ip.value < first || ip.value > last) throw invalidInput('Gateway is not valid on subnet')
  }
  return { ...subnet, allocationPools: checkPools(block, subnet.cidr, subnet.allocationPools, gatewayIp) }
}

const shown = (pool: { start: string; end: string }) => `${pool.start}-${pool.end}`

const checkPools = (block: Block, cidr: string, pools: SubnetRow['allocationPools'], gatewayIp: string | null) => {
  const [lowest, highest] = hosts(block)
  const ranges = pools.map((pool) => {
    const [start, end] = [readIp(pool.start), readIp(pool.end)]
    if (!start || !end || start.version !== end.version || start.version !== block.version || start.value > end.value)
      throw invalid('InvalidAllocationPool', `The allocation pool ${shown(pool)} is not valid.`)
    if (!holds(block, start) || !holds(block, end) || start.value < lowest || end.value > highest)
      throw invalid(
        'OutOfBoundsAllocationPool',
        `The allocation pool ${shown(pool)} spans beyond the subnet cidr ${cidr}.`,
      )
    return { pool: { start: writeIp(start), end: writeIp(end) }, first: start.value, last: end.value }
  })
  ranges.sort((a, b) => (a.first < b.first ? -1 : 1))
  for (const [i, range] of ranges.entries()) {
    const next = ranges[i + 1]
    if (next && range.last >= next.first)
      throw conflicting(
        'OverlappingAllocationPools',
        `Found overlapping allocation pools: ${shown(range.pool)} ${shown(next.pool)} for subnet ${cidr}.`,
      )
    const gateway = gatewayIp === null ? null : readIp(gatewayIp)!.value
    if (gateway !== null && range.first <= gateway && gateway <= range.last)
      throw conflicting(
        'GatewayConflictWithAllocationPools',
        `Gateway ip ${gatewayIp} conflicts with allocation pool ${shown(range.pool)}.`,
      )
  }
  return ranges.map(({ pool }) => pool)
}

const checkModes = (wish: RangedSubnet, block: Block): void => {
  const { ipv6AddressMode: address, ipv6RaMode: ra } = wish
  if (address === null && ra === null) return
  if (wish.ipVersion === 4)
    throw invalidInput(`${ra !== null ? 'ipv6_ra_mode' : 'ipv6_address_mode'} is not valid when ip_version is 4`)
  if (!wish.enableDhcp)
    throw invalidInput('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False')
  if (address !== null && ra !== null && address !== ra)
    throw invalidInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${address}' is not valid. If both attributes are set, they must be the same value`,
    )
  if ((address ?? ra) !== 'dhcpv6-stateful' && block.prefix !== 64)
    throw invalidInput(
      `Invalid CIDR ${wish.cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
    )
}

/** Whether a next hop is an address of one of the blocks. */
export const reachable = (nexthop: string, cidrs: string[]): boolean => cidrs.some((cidr) => cidrHolds(cidr, nexthop))

/** Bytes of a packet that IPv4 and IPv6 cannot do without. */
const LEAST_MTU = { 4: 68, 6: 1280 }

const tooSmall = (id: string, least: number): NetworkRefused =>
  conflicting('NetworkMTUSubnetConflict', `MTU of ${id} is not valid, subnet requires a minimum of ${least}`)

/**
 * Refuses subnets on a network whose packets are too small for them, or such packets where these subnets are
 * (neutron/db/db_base_plugin_v2.py, `_validate_subnet_network_mtu`). A network without subnets has any.
 */
export const refuseSmallMtu = ({ id, mtu }: { id: string; mtu: number }, subnets: { ipVersion: number }[]): void => {
  if (subnets.length && mtu < LEAST_MTU[4]) throw tooSmall(id, LEAST_MTU[4])
  if (mtu < LEAST_MTU[6] && subnets.some(({ ipVersion }) => ipVersion === 6)) throw tooSmall(id, LEAST_MTU[6])
}
