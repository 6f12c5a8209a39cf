import type { Ground } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { NAME } from './names.ts'

/** Flavors, aggregates and quotas. */
export const runCompute = async ({ fill, press, call, id }: Teller, { admin, demo }: Ground): Promise<void> => {
  await fill('create a flavor', '/admin/flavors/create/', {
    name: NAME,
    flavor_id: 'auto',
    vcpus: '1',
    memory_mb: '512',
    disk_gb: '1',
    eph_gb: '0',
    swap_mb: '0',
    flavor_access_role_member: [demo.projectId],
  })
  const flavor = await id('/compute/v2.1/flavors?is_public=None', NAME)
  await fill('change who has a flavor', `/admin/flavors/${flavor}/update/`, {
    flavor_access_role_member: [demo.projectId, admin.projectId],
  })
  await call('change the extra specs of a flavor', 'PATCH', `nova/flavors/${flavor}/extra-specs/`, {
    updated: { 'hw:cpu_policy': 'shared' },
    removed: [],
  })
  await fill('create a host aggregate', '/admin/aggregates/create/', { name: NAME })
  const aggregate = await id('/compute/v2.1/os-aggregates', NAME)
  await fill('edit a host aggregate', `/admin/aggregates/${aggregate}/update/`, { name: NAME })
  await fill('add hosts to an aggregate', `/admin/aggregates/${aggregate}/manage_hosts/`, async () => {
    const { services } = await admin.must('GET', '/compute/v2.1/os-services?binary=nova-compute')
    return { '*_role_member': [services[0].host] }
  })
  await fill('take hosts out of an aggregate', `/admin/aggregates/${aggregate}/manage_hosts/`, {
    '*_role_member': [],
  })
  await call('change the metadata of an aggregate', 'PATCH', `nova/aggregates/${aggregate}/extra-specs/`, {
    updated: { ssd: 'true' },
    removed: [],
  })
  await press('delete a host aggregate', '/admin/aggregates/', async () => `host_aggregates__delete__${aggregate}`)
  await fill('change the default quotas', '/admin/defaults/update_defaults', { instances: '20', volumes: '20' })
}
