import { DRAWN_EXTERNAL, type Ground } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { NAME } from './names.ts'

/** Networks, routers and addresses of a project, and who shares them. */
export const runNetwork = async ({ fill, press, id }: Teller, { demo }: Ground, project: string): Promise<void> => {
  await fill('create a network for a project', '/admin/networks/create/', {
    name: NAME,
    tenant_id: project,
    network_type: 'flat',
    physical_network: 'sandbox.a',
    with_subnet: false,
    admin_state: true,
  })
  const network = await id('/network/v2.0/networks', NAME)
  await fill('edit a network for everybody', `/admin/networks/${network}/update`, { name: NAME, shared: true })
  await fill('create a router for a project', '/admin/routers/create/', { name: NAME, tenant_id: project })
  await fill('share a network by policy', '/admin/rbac_policies/create/', {
    target_tenant: demo.projectId,
    action_object_type: 'shared_network',
    network_id: network,
  })
  await press('delete a policy of sharing', '/admin/rbac_policies/', async () => `rbac policies__delete__`)
  await press(
    'delete a router of a project',
    '/admin/routers/',
    async () => `routers__delete__${await id('/network/v2.0/routers', NAME)}`,
  )
  await press('delete a network of a project', '/admin/networks/', async () => `networks__delete__${network}`)
  await fill('allocate a floating IP for a project', '/admin/floating_ips/allocate/', {
    pool: DRAWN_EXTERNAL,
    tenant: demo.projectId,
  })
  await press('release a floating IP of a project', '/admin/floating_ips/', async () => 'floating_ips__release__')
}
