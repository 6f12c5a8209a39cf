import type { Teller } from '../story.ts'
import { NET, OTHER, SERVERS, VOLUMES } from './names.ts'

/** Takes away what a member has made. */
export const unmakesThings = async ({ fill, press, call, id, until, gone }: Teller): Promise<void> => {
  const server = await id(SERVERS, OTHER)
  const volume = await id(VOLUMES, 'horizon-volume')
  const at = `/project/instances/${server}`
  await fill('detach an interface', `${at}/detach_interface`, { port: '10.0.0.' })
  await fill('detach a volume', `${at}/detach_volume/`, { volume: 'horizon-volume' })
  await until(`${VOLUMES}/${volume}`, 'status', 'available')
  await press('disassociate a floating IP', '/project/floating_ips/', async () => 'floating_ips__disassociate__')
  await press('release a floating IP', '/project/floating_ips/', async () => 'floating_ips__release__')
  await press('delete an instance', '/project/instances/', async () => `instances__delete__${server}`)
  await gone(`${SERVERS}/${server}`)
  const removes = (what: string, path: string, table: string, list: string, name: string) =>
    press(`delete ${what}`, path, async () => `${table}__delete__${await id(list, name)}`)
  await removes('a backup', '/project/backups/', 'volume_backups', '/volume/v3/backups', 'horizon-backup')
  await removes('a snapshot', '/project/snapshots/', 'volume_snapshots', '/volume/v3/snapshots', 'horizon-snapshot')
  await press('delete a transfer', '/project/volumes/', async () => 'volumes__delete_transfer__')
  await removes('a volume', '/project/volumes/', 'volumes', VOLUMES, 'horizon-second')
  for (const name of ['horizon-picture', 'horizon-image', 'horizon-uploaded'])
    await call(`delete ${name}`, 'DELETE', async () => `glance/images/${await id('/image/v2/images', name)}/`)
  await removes(
    'a security group',
    '/project/security_groups/',
    'security_groups',
    `${NET}/security-groups`,
    'horizon-group',
  )
  const router = await id(`${NET}/routers`, 'horizon-router')
  await press(
    'delete a static route',
    `/project/routers/${router}/?tab=router_details__extra_routes`,
    async () => 'extra_routes__delete__',
  )
  await press('clear the gateway of a router', '/project/routers/', async () => `routers__clear__${router}`)
  await press(
    'remove an interface of a router',
    `/project/routers/${router}/?tab=router_details__interfaces`,
    async () => 'interfaces__delete__',
  )
  await press('delete a router', '/project/routers/', async () => `routers__delete__${router}`)
  const network = await id(`${NET}/networks`, 'horizon-net')
  const port = await id(`${NET}/ports`, 'horizon-port')
  const ports = `/project/networks/${network}/detail?tab=network_tabs__ports_tab`
  await press('delete a port', ports, async () => `ports__delete__${port}`)
  await removes('a network', '/project/networks/', 'networks', `${NET}/networks`, 'horizon-net')
  for (const name of ['horizon-made', 'horizon-key'])
    await press(`delete the key pair ${name}`, '/project/key_pairs/', async () => `keypairs__delete__${name}`)
  await call(
    'delete a server group',
    'DELETE',
    async () => `nova/servergroups/${await id('/compute/v2.1/os-server-groups', 'horizon-group')}/`,
  )
  await press(
    'delete an application credential',
    '/identity/application_credentials/',
    async () => 'application_credentials__delete__',
  )
}
