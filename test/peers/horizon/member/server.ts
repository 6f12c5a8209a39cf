import { DRAWN_EXTERNAL, IMAGE } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { GUEST, OTHER, SERVERS, VOLUMES } from './names.ts'

/** Ids of what a server is made with. */
interface With {
  image: string
  flavor: string
  network: string
  group: string
  volume: string
}

/** A server with a volume, a floating address and a second interface. Gives its id. */
export const makeServer = async (
  { fill, call, id, until, look }: Teller,
  { image, flavor, network, group, volume }: With,
): Promise<string> => {
  await call('launch an instance', 'POST', 'nova/servers/', {
    availability_zone: 'nova',
    config_drive: false,
    user_data: '',
    disk_config: 'AUTO',
    instance_count: 1,
    name: GUEST,
    scheduler_hints: {},
    security_groups: [group],
    create_volume_default: true,
    hide_create_volume: false,
    source_id: image,
    flavor_id: flavor,
    nics: [{ 'net-id': network, 'v4-fixed-ip': '' }],
    key_name: 'horizon-key',
    meta: { made: 'by Horizon' },
    description: 'A guest',
  })
  const server = await id(SERVERS, GUEST)
  await until(`${SERVERS}/${server}`, 'status', 'ACTIVE')
  const at = `/project/instances/${server}`
  await look('look at its overview', async () => `${at}/?tab=instance_details__overview`)
  await look('look at its interfaces', async () => `${at}/?tab=instance_details__interfaces`)
  await look('look at its log', async () => `${at}/?tab=instance_details__log`)
  await look('look at its console', async () => `${at}/?tab=instance_details__console`)
  await look('look at its action log', async () => `${at}/?tab=instance_details__audit`)
  await fill('rename an instance', `${at}/update`, { name: OTHER, description: 'Another' })
  await fill('attach a volume', `${at}/attach_volume/`, { volume: 'horizon-volume' })
  await until(`${VOLUMES}/${volume}`, 'status', 'in-use')
  await fill('allocate a floating IP', '/project/floating_ips/allocate/', {
    pool: DRAWN_EXTERNAL,
    description: 'of it',
  })
  await fill('associate a floating IP', '/project/floating_ips/associate/', {
    ip_id: '*',
    port_id: OTHER,
  })
  await fill('attach an interface', `${at}/attach_interface`, { specification_method: 'network', network: 'private' })
  await fill('snapshot an instance', `/project/images/${server}/create/`, { name: 'horizon-picture' })
  await until(`${SERVERS}/${server}`, 'OS-EXT-STS:task_state', 'null')
  return server
}

/** What a server goes through. */
export const workServer = async ({ fill, press, call, until }: Teller, server: string): Promise<void> => {
  const at = `/project/instances/${server}`
  for (const [action, status, back] of [
    ['pause', 'PAUSED', 'pause'],
    ['suspend', 'SUSPENDED', 'suspend'],
    ['stop', 'SHUTOFF', 'start'],
    ['shelve', 'SHELVED_OFFLOADED', 'shelve'],
  ] as const) {
    await press(`${action} an instance`, '/project/instances/', async () => `instances__${action}__${server}`)
    await until(`${SERVERS}/${server}`, 'status', status)
    const title = back === 'start' ? 'start an instance' : `un${back} an instance`
    await press(title, '/project/instances/', async () => `instances__${back}__${server}`)
    await until(`${SERVERS}/${server}`, 'status', 'ACTIVE')
  }
  for (const action of ['soft_reboot', 'reboot', 'lock', 'unlock']) {
    await press(`${action} an instance`, '/project/instances/', async () => `instances__${action}__${server}`)
    await until(`${SERVERS}/${server}`, 'status', 'ACTIVE')
  }
  await fill('resize an instance', `${at}/resize`, { flavor: 'm1.resize' })
  await until(`${SERVERS}/${server}`, 'status', 'VERIFY_RESIZE')
  await press('confirm a resize', '/project/instances/', async () => `instances__confirm__${server}`)
  await until(`${SERVERS}/${server}`, 'status', 'ACTIVE')
  await fill('rebuild an instance', `${at}/rebuild`, { image: IMAGE })
  await until(`${SERVERS}/${server}`, 'status', 'ACTIVE')
  await call('change the metadata of an instance', 'PATCH', `nova/servers/${server}/metadata`, {
    updated: { more: '1' },
    removed: ['made'],
  })
}
