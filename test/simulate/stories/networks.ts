import type { Client } from '../client.ts'
import { active, externalNetwork, made, NEUTRON, NOVA, newServer, rename, type Story } from './talk.ts'

export const floatingIp: Story = async (c) => {
  const external = await externalNetwork(c)
  const body = { floating_network_id: external, description: c.name() }
  const id = external && (await made(c, `${NEUTRON}/floatingips`, 'floatingip', body))
  if (!id) return
  await c.pause()
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/floatingips/${id}`)
}

const allow = (c: Client, group: string, more: object = {}) => {
  const ports = { protocol: 'tcp', port_range_min: 22, port_range_max: 22 }
  const rule = { security_group_id: group, direction: 'ingress', ...ports, ...more }
  return made(c, `${NEUTRON}/security-group-rules`, 'security_group_rule', rule)
}

/** What people change of a network that is in use: each of it reaches the cloud as an update. */
const edits: ((c: Client, ids: Ground) => unknown)[] = [
  (c, { net }) => rename(c, `${NEUTRON}/networks/${net}`, 'network', 0.7),
  (c, { subnet }) => c.put(`${NEUTRON}/subnets/${subnet}`, { subnet: { dns_nameservers: ['192.0.2.53'] } }),
  (c, { group }) => rename(c, `${NEUTRON}/security-groups/${group}`, 'security_group', 0.7),
  async (c, { group }) => {
    const ssh = await allow(c, group)
    if (ssh && c.dice.chance(0.6)) await c.delete(`${NEUTRON}/security-group-rules/${ssh}`)
  },
  (c, { group }) => allow(c, group, { protocol: 'udp', remote_group_id: group }),
  (c, { nic }) => nic && c.put(`${NEUTRON}/ports/${nic}`, { port: { name: c.name() } }),
  async (c, { nic, group }) => {
    if (!nic) return
    await c.put(`${NEUTRON}/ports/${nic}`, { port: { security_groups: [] } })
    await c.put(`${NEUTRON}/ports/${nic}`, { port: { security_groups: [group] } })
  },
  (c, { router, nexthop }) =>
    router &&
    c.put(`${NEUTRON}/routers/${router}`, { router: { routes: [{ destination: '198.51.100.0/24', nexthop }] } }),
  (c, { router }) => router && rename(c, `${NEUTRON}/routers/${router}`, 'router', 0.7),
  async (c, { router, subnet }) => {
    if (!router) return
    await c.put(`${NEUTRON}/routers/${router}/remove_router_interface`, { subnet_id: subnet })
    if (c.dice.chance(0.6)) await c.put(`${NEUTRON}/routers/${router}/add_router_interface`, { subnet_id: subnet })
  },
]

interface Ground {
  net: string
  subnet: string
  group: string
  nexthop: string
  router: string | null
  nic: string | null
}

export const network: Story = async (c) => {
  const net = await made(c, `${NEUTRON}/networks`, 'network', { name: c.name() })
  const tenth = c.dice.between(20, 200)
  const cidr = `10.${tenth}.0.0/24`
  const subnet = net && (await made(c, `${NEUTRON}/subnets`, 'subnet', { network_id: net, ip_version: 4, cidr }))
  const group = await made(c, `${NEUTRON}/security-groups`, 'security_group', { name: c.name() })
  if (!net || !subnet || !group) return
  const external = await externalNetwork(c)
  const gateway = { external_gateway_info: { network_id: external } }
  const router = await made(c, `${NEUTRON}/routers`, 'router', { name: c.name(), ...gateway })
  if (router) await c.put(`${NEUTRON}/routers/${router}/add_router_interface`, { subnet_id: subnet })
  const nic = await made(c, `${NEUTRON}/ports`, 'port', { network_id: net, security_groups: [group], name: c.name() })
  const on = nic && (await newServer(c, [{ port: nic }]))
  const ground = { net, subnet, group, router, nic, nexthop: `10.${tenth}.0.9` }
  for (let n = c.dice.between(1, 4); n > 0; n--) await c.dice.pick(edits)(c, ground)
  if (nic && router && external && c.dice.chance(0.5)) await lead(c, external, nic)
  if (on && c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}`)
  if (nic && c.dice.chance(0.6)) await c.delete(`${NEUTRON}/ports/${nic}`)
  if (router && c.dice.chance(0.6))
    await c.put(`${NEUTRON}/routers/${router}/remove_router_interface`, { subnet_id: subnet })
  if (router && c.dice.chance(0.6)) await c.delete(`${NEUTRON}/routers/${router}`)
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/security-groups/${group}`)
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/networks/${net}`)
}

/** A public address that leads to a port, and perhaps nowhere afterwards, and there again. */
const lead = async (c: Client, external: string, nic: string): Promise<void> => {
  const body = { floating_network_id: external, port_id: nic, description: c.name() }
  const id = await made(c, `${NEUTRON}/floatingips`, 'floatingip', body)
  if (!id || c.dice.chance(0.5)) return
  await c.pause(4_000)
  await c.put(`${NEUTRON}/floatingips/${id}`, { floatingip: { port_id: null } })
  if (c.dice.chance(0.5)) await c.put(`${NEUTRON}/floatingips/${id}`, { floatingip: { port_id: nic } })
}

/** A network with a segment on each of some places, and servers that go where there is room. */
export const routed: Story = async (c) => {
  const net = await made(c, `${NEUTRON}/networks`, 'network', { name: c.name() })
  if (!net) return
  const first = c.dice.between(20, 120)
  // All at once: the servers are to be made while the weather lasts.
  const places = c.scene.both ? ['sandbox.a', 'sandbox.b', 'other.a'] : ['sandbox.a', 'sandbox.b']
  const chosen = places.filter(() => c.dice.chance(0.8)).map((physical_network) => ({ physical_network }))
  const on = { network_id: net, network_type: 'vlan' }
  const all = await c.post(`${NEUTRON}/segments`, { segments: chosen.map((place) => ({ ...on, ...place })) })
  const segments: { id: string }[] = all?.body?.segments ?? []
  const under = segments.map(({ id }, i) => ({
    network_id: net,
    segment_id: id,
    ip_version: 4,
    cidr: `10.${first + i}.0.0/24`,
  }))
  if (under.length) await c.post(`${NEUTRON}/subnets`, { subnets: under })
  const nic = c.dice.chance(0.5) ? await made(c, `${NEUTRON}/ports`, 'port', { network_id: net, name: c.name() }) : null
  const servers = [await newServer(c, nic ? [{ port: nic }] : [{ uuid: net }], { availability_zone: undefined })]
  for (const id of servers) if (id) await active(c, id)
  for (const id of servers) if (id && c.dice.chance(0.7)) await c.delete(`${NOVA}/servers/${id}`)
  if (nic && c.dice.chance(0.5)) await c.delete(`${NEUTRON}/ports/${nic}`)
  if (c.dice.chance(0.5)) await c.delete(`${NEUTRON}/networks/${net}`)
}
