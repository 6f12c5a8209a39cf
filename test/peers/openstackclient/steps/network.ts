import { has } from '../../support/match.ts'
import { ask, refused, type Step, tell } from '../story.ts'

const UUID = /^[0-9a-f-]{36}$/

/** The ground that servers stand on: network, subnet, groups, router and a first floating IP. */
export const network: Step[] = [
  ask('network create n1', { name: 'n1', status: 'ACTIVE', id: UUID, mtu: Number.isInteger }, { n1: 'id' }),
  tell('network set --description yard n1'),
  ask('network show n1', { name: 'n1', description: 'yard', 'router:external': false }),
  ask(
    'subnet create --network n1 --subnet-range 10.5.0.0/24 s1',
    { cidr: '10.5.0.0/24', ip_version: 4, gateway_ip: '10.5.0.1' },
    { s1: 'id' },
  ),
  refused('subnet create --network n1 --subnet-range 10.5.0.0/25 s2', /overlap/i),
  tell('subnet set --dns-nameserver 9.9.9.9 --name s1 {s1}'),
  ask('subnet show s1', { id: UUID, dns_nameservers: has('9.9.9.9'), enable_dhcp: true }),
  ask('network list', has({ Name: 'n1' }, { Name: '{external}' })),
  ask('network list --external', has({ Name: '{external}' })),
  ask('subnet list', has({ Name: 's1', Subnet: '10.5.0.0/24' })),

  ask('security group create sg1', { name: 'sg1', id: UUID }, { sg1: 'id' }),
  ask('security group rule create --proto tcp --dst-port 22 sg1', {
    protocol: 'tcp',
    port_range_min: 22,
    port_range_max: 22,
    direction: 'ingress',
  }),
  ask('security group rule create --proto icmp --remote-ip 192.0.2.0/24 sg1', {
    protocol: 'icmp',
    remote_ip_prefix: '192.0.2.0/24',
  }),
  ask(
    'security group rule create --proto tcp --dst-port 8000:8080 --remote-group sg1 sg1',
    { remote_group_id: UUID },
    { rule: 'id' },
  ),
  refused('security group rule create --proto tcp --dst-port 22 sg1', /already exists/i),
  ask('security group rule show {rule}', { port_range_min: 8000, port_range_max: 8080 }),
  // Three of ours, and egress for both families as every group has it from the start.
  ask('security group rule list sg1', (rows) => rows.length === 5),
  tell('security group set --description gate sg1'),
  ask('security group show sg1', { description: 'gate', name: 'sg1' }),
  ask('security group list', has({ Name: 'sg1' }, { Name: 'default' })),

  ask('port create --network n1 p1', { name: 'p1', mac_address: /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/ }, { p1: 'id' }),
  tell('port set --description berth p1'),
  ask('port show p1', {
    description: 'berth',
    device_owner: '',
    fixed_ips: (ips) => ips.length === 1 && /^10\.5\.0\./.test(ips[0].ip_address),
  }),
  ask('port list', has({ Name: 'p1' })),
  ask('port list --network n1', has({ Name: 'p1' })),

  ask('router create r1', { name: 'r1', status: 'ACTIVE' }, { r1: 'id' }),
  tell('router set --external-gateway {external} r1'),
  tell('router add subnet r1 s1'),
  ask('router show r1', { name: 'r1', external_gateway_info: (info) => Boolean(info?.network_id) }),
  ask('router list', has({ Name: 'r1' })),

  ask(
    'floating ip create {external}',
    { floating_ip_address: /^\d+(\.\d+){3}$/ },
    { fip: 'id', fip_address: 'floating_ip_address' },
  ),
  tell('floating ip set --description berth {fip_address}'),
  ask('floating ip show {fip_address}', { description: 'berth', port_id: null }),
  ask('floating ip list', has({ 'Floating IP Address': '{fip_address}' })),
]
