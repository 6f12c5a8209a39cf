import { runCron } from '../../../functions/cron.ts'
import { logIn, untilActive, type World } from '../world.ts'
import { extensionsOfIdentity, moreOfNetworks } from './estate-identity.ts'
import { moreOfCompute, moreOfIdentity, moreOfImages, moreOfVolumes } from './estate-more.ts'

const COMPUTE = '/compute/v2.1'
const NETWORK = '/network/v2.0'
const IDENTITY = '/identity/v3'
/** What a thing without a name of its own is called: it is looked for by this. */
const NAME = 'bench'

/** Real things of each kind, made through the API; `named` tells which one stands for a segment of a path. */
export interface Estate {
  token: string
  admin: string
  projectId: string
  userId: string
  /** What is to be created once more, to be measured. */
  wish: { server: { networks: { uuid: string }[]; security_groups: { name: string }[] } & Record<string, unknown> }
  named: Record<string, string>
}

/** One of everything, made through the API on the embedded cloud. */
export const oneOfEach = async (world: World): Promise<Estate> => {
  const token = await logIn(world)
  const admin = await logIn(world, 'admin')
  // biome-ignore lint/suspicious/noExplicitAny: answers of our own API
  type Any = any
  const call = async (method: string, path: string, body?: unknown, as = token, headers = {}): Promise<Any> => {
    const text = await (await world.send(method, path, as, body, headers)).text()
    return text ? JSON.parse(text) : undefined
  }
  const post = (path: string, body: unknown, as = token): Promise<Any> => call('POST', path, body, as)
  const newest = { 'OpenStack-API-Version': 'compute 2.96' }
  await world.d1.prepare('update quotas set maximum = -1').run()

  const { token: said } = await call('GET', `${IDENTITY}/auth/tokens`, undefined, token, { 'X-Subject-Token': token })
  const volumes = `/volume/v3/${said.project.id}`
  const { network } = await post(`${NETWORK}/networks`, { network: { name: NAME } })
  const { subnet } = await post(`${NETWORK}/subnets`, {
    subnet: { network_id: network.id, cidr: '10.8.0.0/14', ip_version: 4 },
  })
  const { network: parted } = await post(`${NETWORK}/networks`, { network: { name: 'parted' } })
  const { segment } = await post(`${NETWORK}/segments`, {
    segment: { name: NAME, network_id: parted.id, network_type: 'vlan', physical_network: 'sandbox.a' },
  })
  const { address_scope } = await post(`${NETWORK}/address-scopes`, { address_scope: { name: NAME, ip_version: 4 } })
  const { subnetpool } = await post(`${NETWORK}/subnetpools`, {
    subnetpool: { name: NAME, prefixes: ['10.16.0.0/16'], address_scope_id: address_scope.id },
  })
  const { networks } = await call('GET', `${NETWORK}/networks?router:external=True`)
  const { router } = await post(`${NETWORK}/routers`, {
    router: { name: NAME, external_gateway_info: { network_id: networks[0].id } },
  })
  await call('PUT', `${NETWORK}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  const { security_group } = await post(`${NETWORK}/security-groups`, { security_group: { name: NAME } })
  const { images } = await call('GET', '/image/v2/images')
  const image = await post('/image/v2/images', {
    ...{ name: NAME, disk_format: 'raw', container_format: 'bare', tags: [NAME], [NAME]: NAME },
  })
  await post(`${COMPUTE}/os-keypairs`, { keypair: { name: NAME } })
  const { flavor } = await post(`${COMPUTE}/flavors`, { flavor: { name: NAME, vcpus: 1, ram: 512, disk: 1 } }, admin)
  await post(`${COMPUTE}/flavors/${flavor.id}/os-extra_specs`, { extra_specs: { [NAME]: NAME } }, admin)
  const { flavor: shut } = await post(
    `${COMPUTE}/flavors`,
    { flavor: { ...{ name: 'shut', vcpus: 1, ram: 512, disk: 1 }, 'os-flavor-access:is_public': false } },
    admin,
  )
  await post(`${COMPUTE}/flavors/${shut.id}/action`, { addTenantAccess: { tenant: said.project.id } }, admin)

  const { server_group } = await post(`${COMPUTE}/os-server-groups`, {
    server_group: { name: NAME, policies: ['anti-affinity'] },
  })

  const wish = {
    server: {
      ...{ name: NAME, flavorRef: '1', metadata: { [NAME]: NAME } },
      imageRef: images.find(({ name }: { name: string }) => name === 'sandbox-linux').id,
      networks: [{ uuid: network.id }],
      security_groups: [{ name: NAME }],
    },
  }
  const { server } = await post(`${COMPUTE}/servers`, wish)
  await untilActive(world, token, server.id)
  await call('PUT', `${COMPUTE}/servers/${server.id}/tags/${NAME}`, undefined, token, newest)
  const { ports } = await call('GET', `${NETWORK}/ports?device_id=${server.id}`)
  for (const [path, id] of [
    ...[['networks', network.id] as const, ['subnets', subnet.id] as const, ['ports', ports[0].id] as const],
    ...[['routers', router.id] as const, ['security-groups', security_group.id] as const],
    ['subnetpools', subnetpool.id] as const,
  ])
    await call('PUT', `${NETWORK}/${path}/${id}/tags/${NAME}`)
  const { floatingip } = await post(`${NETWORK}/floatingips`, {
    floatingip: { floating_network_id: networks[0].id, port_id: ports[0].id },
  })
  await call('PUT', `${NETWORK}/floatingips/${floatingip.id}/tags/${NAME}`)
  const { volume } = await post(`${volumes}/volumes`, { volume: { size: 1, name: NAME, metadata: { [NAME]: NAME } } })
  await settle(world, async () => (await call('GET', `${volumes}/volumes/${volume.id}`)).volume.status === 'available')
  const { snapshot } = await post(`${volumes}/snapshots`, {
    snapshot: { volume_id: volume.id, name: NAME, metadata: { [NAME]: NAME } },
  })
  await settle(
    world,
    async () => (await call('GET', `${volumes}/snapshots/${snapshot.id}`)).snapshot.status === 'available',
  )
  await post(`${COMPUTE}/servers/${server.id}/os-volume_attachments`, { volumeAttachment: { volumeId: volume.id } })
  await settle(world, async () => (await call('GET', `${volumes}/volumes/${volume.id}`)).volume.status === 'in-use')
  await untilActive(world, token, server.id)

  const { burst } = await post('/broker/v1/bursts', {
    ...{ name: NAME, flavor: '1', image: wish.server.imageRef, networks: 'none', count: { min: 1, max: 1 } },
    on_done: 'keep',
  })
  await settle(world, async () => (await call('GET', `/broker/v1/bursts/${burst.id}`)).burst.state === 'running')
  // One that is told of nothing: what is measured has no listener.
  const { webhook } = await post('/broker/v1/webhooks', {
    webhook: { name: NAME, url: 'https://example.org/bench', enabled: false },
  })

  const { project } = await post(`${IDENTITY}/projects`, { project: { name: NAME } }, admin)
  const { user } = await post(`${IDENTITY}/users`, { user: { name: NAME, password: NAME } }, admin)
  const own = `${IDENTITY}/users/${said.user.id}`
  const { application_credential } = await post(`${own}/application_credentials`, {
    application_credential: {
      name: NAME,
      access_rules: [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }],
    },
  })
  const first = async (path: string, key: string, as = admin) => (await call('GET', path, undefined, as))[key][0]
  const { roles } = await call('GET', `${IDENTITY}/roles?name=member`, undefined, admin)
  await call('PUT', `${IDENTITY}/projects/${project.id}/users/${user.id}/roles/${roles[0].id}`, undefined, admin)
  await call('PUT', `${NETWORK}/quotas/${project.id}`, { quota: { network: 7 } }, admin)

  const { instanceActions } = await call('GET', `${COMPUTE}/servers/${server.id}/os-instance-actions`)
  const { hypervisors } = await call('GET', `${COMPUTE}/os-hypervisors`, undefined, admin, newest)
  const { attachments } = await call('GET', '/volume/v3/attachments', undefined, token, {
    'OpenStack-API-Version': 'volume 3.70',
  })
  // The embedded cloud offers one type, in every zone.
  await world.d1.prepare(`insert into volume_types select id, 'zoned', '["a"]' from clouds`).run()
  const { volume_types } = await call('GET', `${volumes}/types`)
  const begun = {
    ...{ call, admin, own: { projectId: said.project.id, userId: said.user.id } },
    rest: (done: () => Promise<boolean>) => settle(world, done),
    ids: {
      ...{ projects: project.id, users: user.id, groups: security_group.id, networks: network.id, role: roles[0].id },
      ...{ floatingips: floatingip.id, volumes: volume.id, snapshots: snapshot.id, images: image.id },
    },
  }
  // The API has none before something has gone wrong.
  const messages = crypto.randomUUID()
  await world.d1
    .prepare(
      'insert into volume_messages select ?, ?, ?, ?, ?, ?, ?, ?, created_at, 2 * created_at from volumes limit 1',
    )
    .bind(messages, said.project.id, 'req-bench', 'VOLUME', volume.id, 'VOLUME_000001', 'ERROR', NAME)
    .run()
  const named = {
    ...{ ...(await moreOfIdentity(begun)), ...(await moreOfCompute(begun)), ...(await moreOfVolumes(begun)) },
    ...{ ...(await moreOfImages(begun)), messages },
    ...{ ...(await extensionsOfIdentity(world, begun)), ...(await moreOfNetworks(begun, server.id)) },
    servers: server.id,
    ips: NAME,
    'os-instance-actions': instanceActions.at(-1).request_id,
    'os-volume_attachments': volume.id,
    'os-interface': ports[0].id,
    flavors: flavor.id,
    'os-extra_specs': NAME,
    'os-flavor-access': shut.id,
    'os-keypairs': NAME,
    'os-server-groups': server_group.id,
    images: image.id,
    volumes: volume.id,
    snapshots: snapshot.id,
    attachments: attachments[0].id,
    types: volume_types.find(({ name }: { name: string }) => name === 'zoned').id,
    extra_specs: 'RESKEY:availability_zones',
    networks: network.id,
    subnets: subnet.id,
    ports: ports[0].id,
    routers: router.id,
    'security-groups': security_group.id,
    'security-group-rules': (await first(`${NETWORK}/security-group-rules`, 'security_group_rules', token)).id,
    floatingips: floatingip.id,
    'network-ip-availabilities': network.id,
    segments: segment.id,
    'address-scopes': address_scope.id,
    subnetpools: subnetpool.id,
    projects: project.id,
    users: user.id,
    roles: roles[0].id,
    domains: 'default',
    regions: 'RegionOne',
    services: (await first(`${IDENTITY}/services`, 'services')).id,
    endpoints: (await first(`${IDENTITY}/endpoints`, 'endpoints')).id,
    application_credentials: application_credential.id,
    access_rules: application_credential.access_rules[0].id,
    clouds: 'sandbox',
    bursts: burst.id,
    webhooks: webhook.id,
    metadata: NAME,
    tags: NAME,
    'os-hypervisors': hypervisors[0].id,
    'os-hosts': (await first(`${volumes}/os-hosts`, 'hosts')).host_name,
    'os-quota-class-sets': 'default',
  }
  return { token, admin, projectId: said.project.id, userId: said.user.id, wish, named }
}

/** Runs what requests left behind until something is so. */
export const settle = async (world: World, done: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    await world.runDeferred()
    await world.host.d1.prepare('delete from leases').run()
    await runCron(world.host)
    if (await done()) return
  }
  throw new Error(`not so after 200 rounds: ${done}`)
}
