import { forks } from '../openstackclient/steps/forks.ts'
import { readonly } from '../openstackclient/steps/readonly.ts'
import { volume } from '../openstackclient/steps/volume.ts'
import { ask, gone, refused, type Step, tell, until } from '../openstackclient/story.ts'
import { has } from '../support/match.ts'

const status = (value: string) => until('server show vm1', { status: value })
const NO_FILTERS = /filters no traffic without NSX/
const NO_ROUTERS = /routes nothing without NSX/
const NO_NAT = /NSX|external|No Network found/i

/** What the OpenStack client does on a vCenter without NSX: all that it can, and the reason for the rest. */
export const vsphereTale = (seen: (moment: string) => Step[]): Step[] => [
  ...readonly,
  ...ground,
  ...life(seen),
  ...volume(seen),
  ...farewell(seen),
]

const ground: Step[] = [
  ask('network create n1', { name: 'n1', status: 'ACTIVE' }, { n1: 'id' }),
  ask('subnet create --network n1 --subnet-range 10.5.0.0/24 s1', { cidr: '10.5.0.0/24' }, { s1: 'id' }),
  ask('security group create sg1', { name: 'sg1' }, { sg1: 'id' }),
  ask('port create --network n1 --security-group sg1 guarded', { name: 'guarded', port_security_enabled: true }),
  ask(
    'port create --network n1 --no-security-group --disable-port-security p1',
    { name: 'p1', port_security_enabled: false },
    { p1: 'id' },
  ),
  ask('router create r1', { name: 'r1' }),
]

const life = (seen: (moment: string) => Step[]): Step[] => [
  ask('keypair create --public-key {public_key} k1', { name: 'k1' }),
  refused(
    'server create --flavor {flavor} --image {image} --network n1 --security-group sg1 --availability-zone {zone} vm0',
    NO_FILTERS,
  ),
  refused('server create --flavor {flavor} --image {image} --port guarded --availability-zone {zone} vm0', NO_FILTERS),
  tell('port delete guarded'),
  ask(
    'server create --flavor {flavor} --image {image} --network n1 --key-name k1 --availability-zone {zone} --property role=deck --wait vm1',
    { name: 'vm1', status: 'ACTIVE', addresses: (a) => /^10\.5\.0\./.test(a.n1[0]), key_name: 'k1' },
    { vm1: 'id' },
  ),
  ...seen('server built'),
  ask('network show n1', { port_security_enabled: false }),
  refused('router add subnet r1 s1', NO_ROUTERS),
  tell('router delete r1'),
  refused('floating ip create n1', NO_NAT),
  ask('server list --long', has({ Name: 'vm1', 'Power State': 1, 'Availability Zone': '{zone}' })),
  tell('server set --name vm1-new vm1'),
  tell('server set --name vm1 vm1-new'),
  refused('server add security group vm1 sg1', NO_FILTERS),
  refused('server pause vm1', /pause/),

  tell('server stop vm1'),
  status('SHUTOFF'),
  ...seen('server stopped'),
  tell('server start vm1'),
  status('ACTIVE'),
  tell('server reboot --hard vm1'),
  status('ACTIVE'),
  tell('server suspend vm1'),
  status('SUSPENDED'),
  ...seen('server suspended'),
  tell('server resume vm1'),
  status('ACTIVE'),
  ...seen('server started'),
  ...forks('instant', '{flavor}'),

  tell('server add port vm1 p1'),
  until('port show p1', { device_id: '{vm1}', status: 'ACTIVE' }),
  ...seen('port added'),
  tell('server remove port vm1 p1'),
  until('port show p1', { device_id: '' }),

  tell('server resize --flavor {bigger} vm1'),
  status('VERIFY_RESIZE'),
  tell('server resize confirm vm1'),
  status('ACTIVE'),
  ...seen('server resized'),
  ask('server image create --name snap1 --wait vm1', { name: 'snap1', status: 'active' }, { snap1: 'id' }),
  ...seen('image made'),
]

const farewell = (seen: (moment: string) => Step[]): Step[] => [
  tell('server delete --wait vm1'),
  gone('server show {vm1}'),
  ...seen('server deleted'),
  tell('image delete snap1'),
  gone('image show {snap1}'),
  tell('keypair delete k1'),
  tell('port delete p1'),
  gone('port show {p1}'),
  tell('subnet delete s1'),
  tell('security group delete sg1'),
  tell('network delete n1'),
  ask('limits show --absolute', has({ Name: 'instances_used', Value: 0 }, { Name: 'total_volumes_used', Value: 0 })),
]
