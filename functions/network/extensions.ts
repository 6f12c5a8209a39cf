import type { Capability } from '../../adapters/contract.ts'
import { typesWithEach } from '../broker/clouds/lacking.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

/* Extensions: https://docs.openstack.org/api-ref/network/v2/#extensions. What is listed is kept; nothing else is. */

type Extension = [alias: string, name: string, description: string]

const extensions: Extension[] = [
  ['address-group', 'Address group', 'Blocks of addresses under one name, for rules of security groups.'],
  ['address-scope', 'Address scope', 'Scopes in which no address is in two subnet pools.'],
  [
    'allowed-address-pairs',
    'Allowed Address Pairs',
    'Addresses with which a port may speak beside its own; docs/limitations.md says what clouds make of them.',
  ],
  [
    'auto-allocated-topology',
    'Auto Allocated Topology Services',
    'A network with a way out that a project is given when it first asks.',
  ],
  ['availability_zone', 'Availability Zone', 'Zones of the clouds that the project may use.'],
  [
    'binding',
    'Port Binding',
    'The kind of a port, always normal; where it is and what was asked of its binding, for admins.',
  ],
  ['default-subnetpools', 'Default Subnetpools', 'use_default_subnetpool of a subnet, is_default of a subnet pool.'],
  ['empty-string-filtering', 'Empty String Filtering Extension', 'An empty filter matches the empty string.'],
  ['ext-gw-mode', 'Neutron L3 Configurable external gateway mode', 'enable_snat of a gateway.'],
  [
    'external-net',
    'Neutron external network',
    'router:external of a network; administrators make some where a cloud can, beside the way out of each.',
  ],
  ['extraroute', 'Neutron Extra Route', 'Static routes of a router.'],
  ['extraroute-atomic', 'Atomically add/remove extra routes', 'Adds and removes single routes of a router.'],
  ['filter-validation', 'Filter parameters validation', 'An unknown filter is refused.'],
  ['fip-port-details', 'Floating IP Port Details Extension', 'port_details of a floating IP.'],
  ['ip_allocation', 'IP Allocation', 'ip_allocation of a port: at once, with its place, or not at all.'],
  ['ip-substring-filtering', 'IP address substring filtering', 'Ports by a part of their address.'],
  ['l2_adjacency', 'L2 Adjacency', 'Whether the ports of a network are in one segment.'],
  [
    'multi-provider',
    'Multi Provider Network',
    'segments of a network that has several, for admins; owners make them with it.',
  ],
  ['net-mtu', 'Network MTU', 'mtu of a network.'],
  ['net-mtu-writable', 'Network MTU (writable)', 'mtu of a network can be named, and changed.'],
  ['network-ip-availability', 'Network IP Availability', 'How many addresses are used, for admins.'],
  ['network_availability_zone', 'Network Availability Zone', 'Where a network is, and where it shall be.'],
  ['pagination', 'Pagination support', 'limit, marker and page_reverse.'],
  ['plimsoll-egress', 'Ways out by plan', 'plimsoll:egress_of of a router: the network that it goes with.'],
  ['plimsoll-filters', 'Plimsoll filters', 'What the cloud of a port does with security groups: plimsoll:filters.'],
  ['plimsoll-reach', 'Reach between clouds', 'plimsoll:reach of networks and ports, as operators say.'],
  [
    'plimsoll-routed',
    'Networks that become routed',
    'plimsoll:routed of a network: it gets segments where its servers go.',
  ],
  ['port-security', 'Port Security', 'port_security_enabled of networks and ports.'],
  ['port-security-groups-filtering', 'Port filtering on security groups', 'Ports by their security groups.'],
  ['project-id', 'project_id field enabled', 'project_id beside tenant_id.'],
  [
    'provider',
    'Provider Network',
    'provider:* of a network that is on one cloud, for admins; owners name it when they make it, and admins what an operator wired.',
  ],
  ['quotas', 'Quota management support', 'Limits of projects.'],
  ['quota-check-limit', 'Quota engine limit check', 'check_limit: no limit below what is used, which holds anyhow.'],
  [
    'quota-check-limit-default',
    'Quota engine limit check by default',
    'No limit below what is used, unless it is forced.',
  ],
  ['quota_details', 'Quota details management support', 'Limits with what is used of them.'],
  ['rbac-address-group', 'Add address_group type to RBAC', 'Address groups are shared with projects.'],
  ['rbac-address-scope', 'Address scope RBAC policies', 'Address scopes are shared with projects.'],
  [
    'rbac-policies',
    'RBAC Policies',
    'Networks are shared with projects; who is mapped to a cloud sees its external ones.',
  ],
  ['rbac-security-groups', 'Add security_group type to network RBAC', 'Security groups are shared with projects.'],
  ['rbac-subnetpool', 'Add subnetpool type to network RBAC', 'Subnet pools are shared with projects.'],
  ['revision-if-match', 'If-Match constraints based on revision_number', 'If-Match of PUT and DELETE.'],
  ['router', 'Neutron L3 Router', 'Routers and floating IPs.'],
  ['router_availability_zone', 'Router Availability Zone', 'Where a router is, and where it may be.'],
  ['security-group', 'security-group', 'Security groups and their rules.'],
  [
    'security-groups-remote-address-group',
    'Remote address group id field for security group rules',
    'remote_address_group_id of a rule.',
  ],
  [
    'security-groups-default-rules',
    'Default rules for security groups',
    'Rules that new security groups begin with; administrators say which.',
  ],
  ['security-groups-normalized-cidr', 'Normalized CIDR field for security group rules', 'normalized_cidr of a rule.'],
  ['segment', 'Segment', 'Parts of a network, each on one cloud or in one zone of it; segment_id of a subnet.'],
  ['service-type', 'Neutron Service Type Management', 'Providers of services that plugins bring: there are none.'],
  ['sort-key-validation', 'Sort keys validation', 'An unknown sort key is refused.'],
  ['sorting', 'Sorting support', 'sort_key and sort_dir.'],
  ['standard-attr-description', 'standard-attr-description', 'description of everything.'],
  ['standard-attr-revisions', 'Resource revision numbers', 'revision_number of everything.'],
  ['standard-attr-segment', 'standard-attr-segment', 'revision_number and description of segments.'],
  ['standard-attr-tag', 'Tag support for resources with standard attribute', 'Tags.'],
  ['standard-attr-timestamp', 'Resource timestamps', 'created_at and updated_at of everything.'],
  [
    'stateful-security-group',
    'Stateful security group',
    'stateful of a security group; false where every cloud of the project can.',
  ],
  [
    'subnet-service-types',
    'Subnet service types',
    'service_types of a subnet: owners of devices, whose ports alone have addresses of it.',
  ],
  ['subnet_allocation', 'Subnet Allocation', 'Subnets with ranges of subnet pools.'],
  ['subnet_onboard', 'Subnet Onboard', 'Subnets that were made without a subnet pool come into one.'],
  ['subnetpool-prefix-ops', 'Subnet Pool Prefix Operations', 'Adds and removes single prefixes of a subnet pool.'],
]

/** What is there as long as a cloud that is connected can. */
const depending: Partial<Record<Capability, Extension[]>> = {
  'port.dhcp_options': [
    ['extra_dhcp_opt', 'Neutron Extra DHCP options', 'extra_dhcp_opts of a port, where a cloud tells its guests.'],
  ],
  'port.bandwidth': [
    ['qos', 'Quality of Service', 'Policies for networks and ports: the most that passes a port, where a cloud can.'],
    ['qos-bw-limit-direction', 'Direction for QoS bandwidth limit rule', 'direction of a bandwidth limit.'],
    ['qos-default', 'QoS default policy', 'is_default of a policy: new networks of its project have it.'],
    ['qos-port-network-policy', 'QoS network policy of a port', 'qos_network_policy_id of a port.'],
    ['qos-rule-type-details', 'Details of QoS rule types', 'Which types of clouds keep a type of rules, for admins.'],
    ['qos-rule-type-filter', 'QoS rule type filters', 'all_rules and all_supported of the list of types of rules.'],
    ['qos-rules-alias', 'Quality of Service rules alias API', 'Rules by their ids alone.'],
  ],
}

/** All that are kept, in the order of their aliases. One query. */
const keptBy = async (context: Context): Promise<Extension[]> => {
  const types = await typesWithEach(context, Object.keys(depending) as Capability[])
  const more = [...types].flatMap(([capability, those]) => (those.length ? (depending[capability] ?? []) : []))
  return [...extensions, ...more].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

const view = ([alias, name, description]: Extension) => ({
  alias,
  name,
  description,
  updated: '2026-01-01T00:00:00-00:00',
  links: [],
})

export const extensionOperations: Operation[] = [
  operation({
    name: 'extension.list',
    method: 'GET',
    path: '/v2.0/extensions',
    who: 'authenticated',
    summary: 'Lists the extensions of the Networking API that are offered.',
    status: 200,
    handle: async ({ context }) => ({ body: { extensions: (await keptBy(context)).map(view) } }),
  }),
  operation({
    name: 'extension.get',
    method: 'GET',
    path: '/v2.0/extensions/:alias',
    who: 'authenticated',
    summary: 'Shows an extension.',
    status: 200,
    handle: async ({ context, params }) => {
      const found = (await keptBy(context)).find(([alias]) => alias === params.alias)
      if (!found) throw notFound(`Extension with alias ${params.alias} does not exist`, 'HTTPNotFound')
      return { body: { extension: view(found) } }
    },
  }),
]
