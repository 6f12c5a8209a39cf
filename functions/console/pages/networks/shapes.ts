/** A network as Neutron shows it, as far as the console does. */
export interface Network {
  id: string
  name: string
  status: string
  shared: boolean
  mtu: number
  description: string
  subnets: string[]
  project_id: string
  'router:external': boolean
  availability_zones: string[]
  'plimsoll:routed': boolean | null
  /** Which clouds it is on, and which of them reach each other there. */
  'plimsoll:reach': { clouds: string[]; reach: string }[]
}

export interface Subnet {
  id: string
  name: string
  network_id: string
  cidr: string
  ip_version: number
  gateway_ip: string | null
  enable_dhcp: boolean
  dns_nameservers: string[]
  segment_id: string | null
}

export interface Port {
  id: string
  name: string
  network_id: string
  device_id: string
  device_owner: string
  status: string
  mac_address: string
  fixed_ips: { subnet_id: string; ip_address: string }[]
  security_groups: string[]
  port_security_enabled: boolean
}

export interface Router {
  id: string
  name: string
  status: string
  external_gateway_info: { network_id: string; external_fixed_ips?: { ip_address: string }[] } | null
}

export interface FloatingIp {
  id: string
  floating_ip_address: string
  floating_network_id: string
  fixed_ip_address: string | null
  port_id: string | null
  status: string
  description: string
}

export interface Rule {
  id: string
  direction: string
  ethertype: string
  protocol: string | number | null
  port_range_min: number | null
  port_range_max: number | null
  remote_ip_prefix: string | null
  remote_group_id: string | null
  remote_address_group_id: string | null
  description: string
}

export interface SecurityGroup {
  id: string
  name: string
  description: string
  stateful: boolean
  security_group_rules: Rule[]
}

export const networksIn = (body: unknown): Network[] => (body as { networks: Network[] }).networks
export const portsIn = (body: unknown): Port[] => (body as { ports: Port[] }).ports
export const routersIn = (body: unknown): Router[] => (body as { routers: Router[] }).routers
export const addressesIn = (body: unknown): FloatingIp[] => (body as { floatingips: FloatingIp[] }).floatingips
export const groupsIn = (body: unknown): SecurityGroup[] =>
  (body as { security_groups: SecurityGroup[] }).security_groups

/** How two clouds reach each other, behind their names. */
export const reachWords = (reach: string): string =>
  ({
    routed: 'reach each other by a link: what is on routed networks is one',
    public: 'reach each other by public addresses',
    none: 'do not reach each other',
  })[reach] ?? reach
