import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Filters } from './clouds.ts'
import { at, emptyList, emptyObject, flag, json, standard } from './columns.ts'

export interface AllocationPool {
  start: string
  end: string
}
export interface HostRoute {
  destination: string
  nexthop: string
}
export interface DhcpOption {
  name: string
  /** Empty where that is what it says: no router, for one. */
  value: string
  family: 4 | 6
}
export interface FixedIp {
  subnet_id: string
  ip_address: string
}

export const networks = sqliteTable(
  'networks',
  {
    ...standard,
    adminStateUp: flag('admin_state_up').notNull().default(true),
    shared: flag('shared').notNull().default(false),
    /**
     * It leads outside. Of no project: it stands for one cloud's way out, is that cloud's, and nothing is created for it. Of a
     * project: an administrator made it on one cloud, with subnets whose addresses are those outside.
     */
    external: flag('external').notNull().default(false),
    isDefault: flag('is_default').notNull().default(false),
    mtu: integer('mtu').notNull().default(1500),
    portSecurity: flag('port_security').notNull().default(true),
    /** Zones that its owner named, as `<cloud>.<zone>`: the first is its home from the beginning. */
    availabilityZoneHints: json<string[]>('availability_zone_hints')
      .notNull()
      .default(emptyList as never),
    /**
     * The cloud of its segments while they are on one; null: it has none yet, or they are on several. Triggers keep it in step
     * with `segments`, where it is written.
     */
    cloudId: text('cloud_id'),
    status: text('status').notNull().default('ACTIVE'),
    /** It gets a segment wherever a server of it goes; null: as the plan of its project says. */
    grows: flag('grows'),
    /** The policy of ports that have none of their own; null: none. */
    qosPolicyId: text('qos_policy_id'),
  },
  (t) => [
    index('networks_by_project').on(t.projectId, t.createdAt, t.id),
    index('networks_by_name').on(t.name, t.projectId, t.createdAt, t.id),
    index('networks_by_time').on(t.createdAt, t.id),
    index('networks_shared').on(t.shared).where(sql`shared = 1`),
    index('networks_external').on(t.cloudId).where(sql`external = 1`),
    index('networks_by_qos').on(t.qosPolicyId).where(sql`qos_policy_id IS NOT NULL`),
  ],
)

/**
 * A part of a network that one cloud realises, or one zone of it where subnets are zonal. A network gets its first by its
 * first use (its id is then the network's), further ones by its owner's wish: such a network is
 * routed, and each subnet of it lies in one segment.
 */
export const segments = sqliteTable(
  'segments',
  {
    id: standard.id,
    projectId: standard.projectId,
    name: text('name'),
    description: standard.description,
    revision: standard.revision,
    networkId: text('network_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    /** Null: all of the cloud. */
    zone: text('zone'),
    /** What an operator wired there, and named, on which an administrator made the network; null: it is its cloud's own. */
    wire: text('wire'),
    networkType: text('network_type').notNull().default('flat'),
    /** As its cloud tells it, or an administrator asked for it on a wire; null: clouds tell their networks otherwise. */
    segmentationId: integer('segmentation_id'),
    createdAt: standard.createdAt,
    updatedAt: standard.updatedAt,
  },
  (t) => [
    index('segments_by_network').on(t.networkId, t.createdAt, t.id),
    index('segments_by_project').on(t.projectId, t.createdAt, t.id),
    index('segments_by_time').on(t.createdAt, t.id),
    index('segments_by_cloud').on(t.cloudId),
    index('segments_by_wire').on(t.wire, t.cloudId).where(sql`wire IS NOT NULL`),
  ],
)

export const subnets = sqliteTable(
  'subnets',
  {
    ...standard,
    networkId: text('network_id').notNull(),
    ipVersion: integer('ip_version').$type<4 | 6>().notNull(),
    cidr: text('cidr').notNull(),
    gatewayIp: text('gateway_ip'),
    enableDhcp: flag('enable_dhcp').notNull().default(true),
    allocationPools: json<AllocationPool[]>('allocation_pools').notNull(),
    dnsNameservers: json<string[]>('dns_nameservers')
      .notNull()
      .default(emptyList as never),
    hostRoutes: json<HostRoute[]>('host_routes')
      .notNull()
      .default(emptyList as never),
    ipv6AddressMode: text('ipv6_address_mode'),
    ipv6RaMode: text('ipv6_ra_mode'),
    /** Owners of devices, whose ports alone have addresses of it; none: of all. */
    serviceTypes: json<string[]>('service_types')
      .notNull()
      .default(emptyList as never),
    subnetpoolId: text('subnetpool_id'),
    /** The segment that it lies in; null: its network is not routed. */
    segmentId: text('segment_id'),
    /** The zone in which a zonal cloud realised it. */
    zone: text('zone'),
  },
  (t) => [
    index('subnets_by_network').on(t.networkId),
    index('subnets_by_segment').on(t.segmentId).where(sql`segment_id IS NOT NULL`),
    index('subnets_by_project').on(t.projectId, t.createdAt, t.id),
    index('subnets_by_name').on(t.name, t.projectId, t.createdAt, t.id),
    index('subnets_by_time').on(t.createdAt, t.id),
    index('subnets_by_pool').on(t.subnetpoolId, t.createdAt, t.id).where(sql`subnetpool_id IS NOT NULL`),
  ],
)

export const ports = sqliteTable(
  'ports',
  {
    ...standard,
    networkId: text('network_id').notNull(),
    macAddress: text('mac_address').notNull(),
    /** Its user chose the MAC address: it is not to change. */
    macNamed: flag('mac_named').notNull().default(false),
    /** `deferred`: it gets its addresses with its place, and other ones with another. `none`: it was to have none. */
    ipAllocation: text('ip_allocation').$type<'immediate' | 'deferred' | 'none'>().notNull().default('immediate'),
    fixedIps: json<FixedIp[]>('fixed_ips')
      .notNull()
      .default(emptyList as never),
    adminStateUp: flag('admin_state_up').notNull().default(true),
    deviceId: text('device_id').notNull().default(''),
    deviceOwner: text('device_owner').notNull().default(''),
    dnsName: text('dns_name').notNull().default(''),
    /** As its owner wants it: on a cloud without filters nothing comes of it. */
    portSecurity: flag('port_security').notNull().default(true),
    /** What its cloud does with security groups, as it came there; null: it is on none yet. */
    filters: text('filters').$type<Filters>(),
    /** What an administrator asked of its binding; no cloud heeds it. */
    bindingHost: text('binding_host').notNull().default(''),
    bindingProfile: json<Record<string, unknown>>('binding_profile')
      .notNull()
      .default(emptyObject as never),
    status: text('status').$type<'ACTIVE' | 'DOWN' | 'BUILD' | 'ERROR' | 'N/A'>().notNull().default('DOWN'),
    /** What it is told by DHCP beside the usual. */
    dhcpOptions: json<DhcpOption[]>('dhcp_options')
      .notNull()
      .default(emptyList as never),
    /** How its traffic goes; null: as its network says. */
    qosPolicyId: text('qos_policy_id'),
  },
  (t) => [
    index('ports_by_network').on(t.networkId, t.createdAt, t.id),
    index('ports_by_project').on(t.projectId, t.createdAt, t.id),
    index('ports_by_name').on(t.projectId, t.name, t.createdAt, t.id),
    index('ports_by_status').on(t.projectId, t.status, t.createdAt, t.id),
    index('ports_by_owner').on(t.projectId, t.deviceOwner, t.createdAt, t.id),
    index('ports_by_change').on(t.projectId, t.updatedAt, t.createdAt),
    // The same for all projects: what an administrator of Neutron lists is everybody's.
    index('ports_named').on(t.name, t.createdAt),
    index('ports_in_status').on(t.status, t.createdAt),
    index('ports_changed').on(t.updatedAt, t.createdAt),
    index('ports_switched_off').on(t.projectId).where(sql`admin_state_up = 0`),
    index('ports_hosted').on(t.bindingHost).where(sql`binding_host <> ''`),
    index('ports_by_time').on(t.createdAt, t.id),
    index('ports_by_device').on(t.deviceId),
    index('feet_by_network').on(t.networkId, t.deviceId).where(sql`device_owner = 'network:router_interface'`),
    index('feet_by_router').on(t.deviceId, t.networkId).where(sql`device_owner = 'network:router_interface'`),
    uniqueIndex('ports_by_mac').on(t.macAddress, t.networkId),
    index('ports_by_qos').on(t.qosPolicyId).where(sql`qos_policy_id IS NOT NULL`),
  ],
)

/** The guard against handing out an address twice: one row per address in use. */
export const ipAllocations = sqliteTable(
  'ip_allocations',
  {
    subnetId: text('subnet_id').notNull(),
    address: text('address').notNull(),
    portId: text('port_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.subnetId, t.address] }),
    index('ip_allocations_by_address').on(t.address),
    index('ip_allocations_by_port').on(t.portId),
  ],
)

/** How many addresses of a subnet ports have: triggers on `ip_allocations` write it, nothing else does. */
export const addressUse = sqliteTable('address_use', {
  subnetId: text('subnet_id').primaryKey(),
  used: integer('used').notNull(),
})

/** Addresses of ports that are gone above the line while a cloud still holds them: nobody is given one by chance. */
export const lingeringAddresses = sqliteTable(
  'lingering_addresses',
  {
    subnetId: text('subnet_id').notNull(),
    address: text('address').notNull(),
    portId: text('port_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.subnetId, t.address, t.portId] }),
    index('lingering_addresses_by_port').on(t.portId),
  ],
)

export const portSecurityGroups = sqliteTable(
  'port_security_groups',
  {
    portId: text('port_id').notNull(),
    securityGroupId: text('security_group_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.portId, t.securityGroupId] }),
    index('port_security_groups_by_group').on(t.securityGroupId),
  ],
)

/** Addresses that a port may speak with beside its own. */
export const portAddressPairs = sqliteTable(
  'port_address_pairs',
  {
    portId: text('port_id').notNull(),
    /** An address, or a block as `10.0.0.0/24`. */
    address: text('address').notNull(),
    /** Empty: the MAC address of the port, whatever that is. */
    mac: text('mac').notNull(),
  },
  (t) => [primaryKey({ columns: [t.portId, t.address, t.mac] }), index('port_address_pairs_by_address').on(t.address)],
)

export const securityGroups = sqliteTable(
  'security_groups',
  {
    ...standard,
    stateful: flag('stateful').notNull().default(true),
    /** `default` once per project, null otherwise: the unique index is the guard. */
    isDefault: text('is_default').$type<'default'>(),
  },
  (t) => [
    index('security_groups_by_project').on(t.projectId, t.createdAt, t.id),
    index('security_groups_by_name').on(t.name, t.projectId, t.createdAt, t.id),
    index('security_groups_by_time').on(t.createdAt, t.id),
    uniqueIndex('security_groups_default').on(t.projectId, t.isDefault),
  ],
)

export const securityGroupRules = sqliteTable(
  'security_group_rules',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    securityGroupId: text('security_group_id').notNull(),
    direction: text('direction').$type<'ingress' | 'egress'>().notNull(),
    ethertype: text('ethertype').$type<'IPv4' | 'IPv6'>().notNull(),
    protocol: text('protocol'),
    portRangeMin: integer('port_range_min'),
    portRangeMax: integer('port_range_max'),
    remoteIpPrefix: text('remote_ip_prefix'),
    remoteGroupId: text('remote_group_id'),
    /** The blocks of an address group, whichever it has. */
    remoteAddressGroupId: text('remote_address_group_id'),
    description: text('description').notNull().default(''),
    /** All of the above in one string: a second equal rule is a conflict. */
    signature: text('signature').notNull(),
    revision: integer('revision').notNull().default(0),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    uniqueIndex('security_group_rules_once').on(t.securityGroupId, t.signature),
    index('security_group_rules_by_project').on(t.projectId, t.createdAt, t.id),
    index('security_group_rules_by_time').on(t.createdAt, t.id),
    index('security_group_rules_by_remote').on(t.remoteGroupId).where(sql`remote_group_id IS NOT NULL`),
    index('security_group_rules_by_addresses')
      .on(t.remoteAddressGroupId)
      .where(sql`remote_address_group_id IS NOT NULL`),
  ],
)

/** Rules that new security groups begin with, in every project. */
export const defaultSecurityGroupRules = sqliteTable(
  'default_security_group_rules',
  {
    id: text('id').primaryKey(),
    direction: text('direction').$type<'ingress' | 'egress'>().notNull(),
    ethertype: text('ethertype').$type<'IPv4' | 'IPv6'>().notNull(),
    protocol: text('protocol'),
    portRangeMin: integer('port_range_min'),
    portRangeMax: integer('port_range_max'),
    remoteIpPrefix: text('remote_ip_prefix'),
    /** `PARENT`: the group that the rule comes into. */
    remoteGroupId: text('remote_group_id').$type<'PARENT'>(),
    remoteAddressGroupId: text('remote_address_group_id'),
    description: text('description').notNull().default(''),
    /** What it means, as in rules. */
    signature: text('signature').notNull(),
    usedInDefault: flag('used_in_default').notNull(),
    usedInOthers: flag('used_in_others').notNull(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('default_security_group_rules_in_default').on(t.signature).where(sql`used_in_default = 1`),
    uniqueIndex('default_security_group_rules_in_others').on(t.signature).where(sql`used_in_others = 1`),
  ],
)

/** Blocks of addresses under one name, for rules of security groups. */
export const addressGroups = sqliteTable(
  'address_groups',
  {
    id: standard.id,
    projectId: standard.projectId,
    name: standard.name,
    description: standard.description,
    revision: standard.revision,
    /** As `10.0.0.0/24`. */
    addresses: json<string[]>('addresses')
      .notNull()
      .default(emptyList as never),
    createdAt: standard.createdAt,
    updatedAt: standard.updatedAt,
  },
  (t) => [
    index('address_groups_by_project').on(t.projectId, t.createdAt, t.id),
    index('address_groups_by_time').on(t.createdAt, t.id),
  ],
)

export const routers = sqliteTable(
  'routers',
  {
    ...standard,
    adminStateUp: flag('admin_state_up').notNull().default(true),
    /** Zones that its owner named: it joins networks of their clouds only. */
    availabilityZoneHints: json<string[]>('availability_zone_hints')
      .notNull()
      .default(emptyList as never),
    externalNetworkId: text('external_network_id'),
    enableSnat: flag('enable_snat').notNull().default(true),
    routes: json<HostRoute[]>('routes')
      .notNull()
      .default(emptyList as never),
    status: text('status').notNull().default('ACTIVE'),
    /** The network of which it is the way out on one cloud, by its project's plan, and with which it goes; null: somebody made it. */
    egressOf: text('egress_of'),
  },
  (t) => [
    index('routers_by_egress').on(t.egressOf).where(sql`egress_of IS NOT NULL`),
    index('routers_by_project').on(t.projectId, t.createdAt, t.id),
    index('routers_by_name').on(t.name, t.projectId, t.createdAt, t.id),
    index('routers_by_time').on(t.createdAt, t.id),
    index('routers_by_gateway').on(t.externalNetworkId).where(sql`external_network_id IS NOT NULL`),
  ],
)

export const floatingIps = sqliteTable(
  'floating_ips',
  {
    ...standard,
    floatingNetworkId: text('floating_network_id').notNull(),
    floatingIpAddress: text('floating_ip_address'),
    fixedIpAddress: text('fixed_ip_address'),
    portId: text('port_id'),
    routerId: text('router_id'),
    dnsName: text('dns_name').notNull().default(''),
    dnsDomain: text('dns_domain').notNull().default(''),
    status: text('status').$type<'ACTIVE' | 'DOWN' | 'ERROR'>().notNull().default('DOWN'),
  },
  (t) => [
    index('floating_ips_by_project').on(t.projectId, t.createdAt, t.id),
    index('floating_ips_by_time').on(t.createdAt, t.id),
    uniqueIndex('floating_ips_by_address').on(t.floatingIpAddress, t.floatingNetworkId),
    index('floating_ips_by_network').on(t.floatingNetworkId, t.portId),
    index('floating_ips_by_port').on(t.portId),
    index('floating_ips_by_router').on(t.routerId).where(sql`router_id IS NOT NULL`),
  ],
)

/** The network and the router that were made for a project by themselves, when it first asked. */
export const autoTopologies = sqliteTable(
  'auto_topologies',
  {
    projectId: text('project_id').primaryKey(),
    networkId: text('network_id').notNull(),
    routerId: text('router_id').notNull(),
  },
  (t) => [index('auto_topologies_by_network').on(t.networkId)],
)
