import type { Client } from './client.ts'

/** What one client does with the API. It may find anything in its way, and gives up as people do. */
export type Story = (c: Client) => Promise<unknown>

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'
const cinder = (c: Client) => `/volume/v3/${c.world.projectId}`
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aB somebody'

const made = async (c: Client, path: string, kind: string, body: object): Promise<string | null> =>
  (await c.post(path, { [kind]: body }))?.body?.[kind]?.id ?? null

const newVolume = (c: Client, more: object = {}) =>
  made(c, `${cinder(c)}/volumes`, 'volume', {
    size: c.dice.between(1, 3),
    name: c.name(),
    availability_zone: 'sandbox.a',
    ...more,
  })

const newServer = (c: Client, networks: unknown = 'none', more: object = {}) => {
  const body = { flavorRef: '1', imageRef: c.world.image, availability_zone: 'sandbox.a', name: c.name() }
  return made(c, `${NOVA}/servers`, 'server', { ...body, networks, ...more })
}

const newSnapshot = (c: Client, volume: string) =>
  made(c, `${cinder(c)}/snapshots`, 'snapshot', { volume_id: volume, name: c.name(), force: true })

const available = (c: Client, path: string) =>
  c.until(path, (body) => ['available', 'in-use'].includes((Object.values(body)[0] as { status: string }).status))
const active = (c: Client, id: string) =>
  c.until(`${NOVA}/servers/${id}`, (body) => body.server.status === 'ACTIVE', 12)
const act = (c: Client, id: string, action: object) => c.post(`${NOVA}/servers/${id}/action`, action)

const volume: Story = async (c) => {
  const id = await newVolume(c, c.dice.chance(0.1) ? { imageRef: c.world.image } : {})
  if (!id) return
  const path = `${cinder(c)}/volumes/${id}`
  if (c.dice.chance(0.4)) {
    await c.pause()
    await c.put(path, { volume: { name: c.name() } })
  }
  if (c.dice.chance(0.3) && (await available(c, path))) await c.post(`${path}/action`, { 'os-extend': { new_size: 4 } })
  if (c.dice.chance(0.6)) {
    if (c.dice.chance(0.6)) await available(c, path)
    await c.delete(path)
  }
}

const snapshot: Story = async (c) => {
  const id = await newVolume(c)
  if (!id || !(await available(c, `${cinder(c)}/volumes/${id}`))) return
  const copy = await newSnapshot(c, id)
  if (!copy) return
  const path = `${cinder(c)}/snapshots/${copy}`
  if (c.dice.chance(0.3)) await c.put(path, { snapshot: { name: c.name() } })
  if (c.dice.chance(0.4) && (await available(c, path))) await newVolume(c, { snapshot_id: copy, size: 3 })
  if (c.dice.chance(0.5)) await c.delete(path)
  if (c.dice.chance(0.5)) await c.delete(`${cinder(c)}/volumes/${id}`)
}

const actions = (c: Client): object =>
  c.dice.pick([
    { 'os-stop': null },
    { reboot: { type: 'HARD' } },
    { reboot: { type: 'SOFT' } },
    { resize: { flavorRef: '2' } },
    { rebuild: { imageRef: c.world.image } },
    { pause: null },
    { suspend: null },
    { createImage: { name: c.name() } },
  ])

const onServer = async (c: Client, id: string) => {
  if (c.dice.chance(0.6) && (await active(c, id))) {
    await act(c, id, actions(c))
    if (c.dice.chance(0.3)) {
      await c.pause(8_000)
      await act(
        c,
        id,
        c.dice.pick([
          { 'os-start': null },
          { unpause: null },
          { resume: null },
          { confirmResize: null },
          { revertResize: null },
        ]),
      )
    }
  }
  if (c.dice.chance(0.2)) await c.put(`${NOVA}/servers/${id}`, { server: { name: c.name() } })
  if (c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${id}`)
}

const server: Story = async (c) => {
  const id = await newServer(c)
  if (id) await onServer(c, id)
}

const connected: Story = async (c) => {
  const id = await newServer(c, [{ uuid: c.world.network }])
  if (id) await onServer(c, id)
}

const port: Story = async (c) => {
  const id = await made(c, `${NEUTRON}/ports`, 'port', { network_id: c.world.network, name: c.name() })
  if (!id) return
  const on = c.dice.chance(0.5) ? await newServer(c, [{ port: id }]) : await newServer(c)
  if (on && c.dice.chance(0.7) && (await active(c, on))) {
    await c.post(`${NOVA}/servers/${on}/os-interface`, { interfaceAttachment: { port_id: id } })
    await c.pause(5_000)
    if (c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}/os-interface/${id}`)
  }
  if (on && c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}`)
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/ports/${id}`)
}

const attachment: Story = async (c) => {
  const [on, disk] = [await newServer(c), await newVolume(c)]
  if (!on || !disk || !(await active(c, on)) || !(await available(c, `${cinder(c)}/volumes/${disk}`))) return
  const path = `${NOVA}/servers/${on}/os-volume_attachments`
  await c.post(path, { volumeAttachment: { volumeId: disk } })
  if (c.dice.chance(0.6)) {
    await c.pause(5_000)
    await c.delete(`${path}/${disk}`)
  }
  if (c.dice.chance(0.5)) await c.delete(`${NOVA}/servers/${on}`)
  if (c.dice.chance(0.5)) await c.delete(`${cinder(c)}/volumes/${disk}`)
}

const floatingIp: Story = async (c) => {
  const external = (await c.get(`${NEUTRON}/networks?router:external=true`))?.body?.networks?.[0]?.id
  const id =
    external &&
    (await made(c, `${NEUTRON}/floatingips`, 'floatingip', { floating_network_id: external, description: c.name() }))
  if (!id) return
  await c.pause()
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/floatingips/${id}`)
}

const keypair: Story = async (c) => {
  const name = c.name()
  await c.post(`${NOVA}/os-keypairs`, { keypair: { name, public_key: KEY } })
  const on = await newServer(c, 'none', { key_name: name })
  if (on && c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}`)
  if (c.dice.chance(0.6)) await c.delete(`${NOVA}/os-keypairs/${name}`)
}

const network: Story = async (c) => {
  const net = await made(c, `${NEUTRON}/networks`, 'network', { name: c.name() })
  const cidr = `10.${c.dice.between(20, 200)}.0.0/24`
  const subnet = net && (await made(c, `${NEUTRON}/subnets`, 'subnet', { network_id: net, ip_version: 4, cidr }))
  const group = await made(c, `${NEUTRON}/security-groups`, 'security_group', { name: c.name() })
  if (!net || !subnet || !group) return
  const external = (await c.get(`${NEUTRON}/networks?router:external=true`))?.body?.networks?.[0]?.id
  const router = await made(c, `${NEUTRON}/routers`, 'router', {
    name: c.name(),
    external_gateway_info: { network_id: external },
  })
  if (router) await c.put(`${NEUTRON}/routers/${router}/add_router_interface`, { subnet_id: subnet })
  const nic = await made(c, `${NEUTRON}/ports`, 'port', { network_id: net, security_groups: [group], name: c.name() })
  const on = nic && (await newServer(c, [{ port: nic }]))
  const rule = {
    security_group_id: group,
    direction: 'ingress',
    protocol: 'tcp',
    port_range_min: 22,
    port_range_max: 22,
  }
  await made(c, `${NEUTRON}/security-group-rules`, 'security_group_rule', rule)
  if (nic && router && c.dice.chance(0.5))
    await made(c, `${NEUTRON}/floatingips`, 'floatingip', {
      floating_network_id: external,
      port_id: nic,
      description: c.name(),
    })
  if (on && c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}`)
  if (nic && c.dice.chance(0.6)) await c.delete(`${NEUTRON}/ports/${nic}`)
  if (router && c.dice.chance(0.6))
    await c.put(`${NEUTRON}/routers/${router}/remove_router_interface`, { subnet_id: subnet })
  if (router && c.dice.chance(0.6)) await c.delete(`${NEUTRON}/routers/${router}`)
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/security-groups/${group}`)
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/networks/${net}`)
}

/** Each story as often as its weight says: the dear ones seldom, so that many seeds fit into a minute. */
export const stories: Record<string, { weight: number; story: Story }> = {
  volume: { weight: 46, story: volume },
  snapshot: { weight: 10, story: snapshot },
  'floating ip': { weight: 12, story: floatingIp },
  server: { weight: 12, story: server },
  keypair: { weight: 4, story: keypair },
  attachment: { weight: 5, story: attachment },
  'connected server': { weight: 5, story: connected },
  port: { weight: 3, story: port },
  network: { weight: 3, story: network },
}
