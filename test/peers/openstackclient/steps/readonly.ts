import { has } from '../../support/match.ts'
import { ask, type Step, skip, tell } from '../story.ts'

const ADMIN = '--os-cloud plimsoll-admin'
/** In this version the type is reserved and has no endpoint. */
const NO_OBJECTS = 'object-store is reserved in this version'

/** Who one is and what there is to have: nothing here changes anything. */
export const readonly: Step[] = [
  ask(
    'token issue',
    { id: /^\S{40,}$/, project_id: /^[0-9a-f]{32}$/, user_id: /^[0-9a-f]{32}$/, expires: /T.*[Z+]/ },
    { token: 'id' },
  ),
  tell('token issue -f value -c id', /^\S{40,}\n$/),
  ask(
    'catalog list',
    has({ Type: 'compute' }, { Type: 'identity' }, { Type: 'image' }, { Type: 'network' }, { Type: 'block-storage' }),
  ),
  ask('catalog show compute', { type: 'compute' }),
  ask(
    'versions show',
    has({ 'Service Type': 'compute', Status: 'CURRENT' }, { 'Service Type': 'identity' }, { 'Service Type': 'image' }),
  ),
  ask(`${ADMIN} project list`, has({ Name: 'admin' }, { Name: 'demo' })),
  ask(`${ADMIN} user list`, has({ Name: 'admin' }, { Name: 'demo' })),
  ask(
    `${ADMIN} role list`,
    has({ Name: 'admin' }, { Name: 'manager' }, { Name: 'member' }, { Name: 'reader' }, { Name: 'service' }),
  ),
  ask('flavor list', has({ Name: '{flavor}' }, { Name: 'm1.tiny' }, { Name: 'm1.xlarge' })),
  ask('flavor show 1', { name: 'm1.tiny', vcpus: 1, ram: 512 }),
  ask('flavor show m1.small', { name: 'm1.small', ram: 2048, properties: () => true }),
  ask('image list', (rows) => rows.length > 0 && rows.every((row: { Status: string }) => row.Status === 'active')),
  ask('image show {image}', { status: 'active', name: /./, id: /^[0-9a-f-]{36}$/ }, { image_id: 'id' }),
  ask('availability zone list', has({ 'Zone Name': '{zone}', 'Zone Status': 'available' })),
  ask('availability zone list --compute', has({ 'Zone Name': '{zone}', 'Zone Status': 'available' })),
  ask('extension list --network', has({ Alias: 'router' }, { Alias: 'security-group' })),
  ask('extension list --compute', Array.isArray),
  ask('extension list --volume', Array.isArray),
  ask(
    'quota show',
    has({ Resource: 'instances' }, { Resource: 'cores' }, { Resource: 'volumes' }, { Resource: 'networks' }),
  ),
  ask(
    'limits show --absolute',
    has({ Name: 'instances' }, { Name: 'instances_used', Value: 0 }, { Name: 'max_total_volumes' }),
  ),
  ask('server group list', []),
  ask('volume type list', (rows) => rows.length > 0),
  skip('container create c1', NO_OBJECTS),
  skip('object create c1 k.pub', NO_OBJECTS),
  skip('object list c1', NO_OBJECTS),
]
