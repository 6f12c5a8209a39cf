import { beforeEach, expect, test } from 'vitest'
import { createNetwork } from '../../support/builders.ts'
import type { Client, Plimsoll } from '../../support/harness.ts'
import { newWorld, type World } from '../compute/servers/world.ts'

/* A network with a way out that a project is given when it first asks. */

const V2 = '/network/v2.0'
let world: World
let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeEach(async () => {
  world = await newWorld()
  plimsoll = world.plimsoll
  demo = world.demo
  admin = plimsoll.as('admin')
})
const fault = ({ status, body }: { status: number; body: { NeutronError?: { type: string; message: string } } }) => [
  status,
  body.NeutronError?.type,
  body.NeutronError?.message,
]
const own = () => demo.get(`${V2}/auto-allocated-topology/None`)
const dry = (project: string, who = demo) => who.get(`${V2}/auto-allocated-topology/${project}?fields=dry-run`)
const pool = (prefix: string, length = prefix.includes(':') ? 64 : 24) =>
  admin.post(`${V2}/subnetpools`, {
    subnetpool: { name: 'd', prefixes: [prefix], is_default: true, shared: true, default_prefixlen: length },
  })
const all = async (collection: string) => (await demo.get(`${V2}/${collection}`)).body[collection]
const named = async (collection: string) =>
  (await all(collection)).filter(({ name }: { name: string }) => name.startsWith('auto_allocated'))

test('what is missing is told, beforehand too', async () => {
  const none = [409, 'AutoAllocationFailure', 'Deployment error: No default subnetpools defined.']
  expect(fault(await dry('None'))).toEqual(none)
  expect(fault(await own())).toEqual(none)
  await pool('10.64.0.0/12')
  const id = plimsoll.projectId('demo')
  const pass = { auto_allocated_topology: { id: 'dry-run=pass', tenant_id: id, project_id: id } }
  expect((await dry('None')).body).toEqual(pass)
  expect((await dry(id, admin)).body).toEqual(pass)
  expect(await named('networks')).toEqual([])
  expect((await dry(plimsoll.projectId('admin'))).status).toBe(403)
  expect((await demo.get(`${V2}/auto-allocated-topology/None?fields=id`)).status).toBe(400)
  const [external] = (await admin.get(`${V2}/networks?router:external=true`)).body.networks
  await admin.put(`${V2}/networks/${external.id}`, { network: { is_default: false } })
  expect(fault(await own())[2]).toBe('Deployment error: No default router:external network.')
})

test('it is made once, a server finds it, and it goes again', async () => {
  await pool('10.64.0.0/12')
  const made = await own()
  const projectId = plimsoll.projectId('demo')
  const [network] = await named('networks')
  expect(made.body).toEqual({
    auto_allocated_topology: { id: network.id, tenant_id: projectId, project_id: projectId },
  })
  expect(network).toMatchObject({ name: 'auto_allocated_network', admin_state_up: true, shared: false })
  expect(await named('subnets')).toMatchObject([{ name: 'auto_allocated_subnet_v4', network_id: network.id }])
  const [router] = await named('routers')
  const [external] = (await demo.get(`${V2}/networks?router:external=true`)).body.networks
  expect(router).toMatchObject({ name: 'auto_allocated_router', external_gateway_info: { network_id: external.id } })
  expect((await demo.get(`${V2}/ports?device_id=${router.id}`)).body.ports).toMatchObject([{ network_id: network.id }])
  expect((await own()).body).toEqual(made.body)
  const both = await Promise.all([own(), admin.get(`${V2}/auto-allocated-topology/${projectId}`)])
  expect(both.map(({ body }) => body)).toEqual([made.body, made.body])

  const server = await world.running({ networks: [{ uuid: network.id }] })
  const remove = () => demo.delete(`${V2}/auto-allocated-topology/None`)
  expect(fault(await remove())[1]).toBe('NetworkInUse')
  expect(await named('routers'), 'nothing was taken away of it').toMatchObject([{ id: router.id }])
  await demo.delete(`/compute/v2.1/servers/${server}`)
  await plimsoll.settle()
  expect((await remove()).status).toBe(204)
  for (const collection of ['networks', 'subnets', 'routers']) expect(await named(collection)).toEqual([])
  expect((await remove()).status, 'there is none any more').toBe(204)
})

test('it stays whole while its router joins another network, or another router its network', async () => {
  await pool('10.64.0.0/12')
  const { id } = (await own()).body.auto_allocated_topology
  const [router] = await named('routers')
  const [subnet] = await named('subnets')
  const remove = () => demo.delete(`${V2}/auto-allocated-topology/None`)
  const feet = async () => (await demo.get(`${V2}/ports?device_id=${router.id}`)).body.ports.length
  const change = (router: string, way: 'add' | 'remove', by: object) =>
    demo.put(`${V2}/routers/${router}/${way}_router_interface`, by)

  const other = { subnet_id: (await createNetwork(demo, { name: 'other', cidr: '10.0.0.0/24' })).subnet }
  expect((await change(router.id, 'add', other)).status).toBe(200)
  expect(fault(await remove())).toEqual([409, 'RouterInUse', `Router ${router.id} still has ports`])
  expect(await feet()).toBe(2)
  expect((await change(router.id, 'remove', other)).status).toBe(200)

  const second = (await demo.post(`${V2}/routers`, { router: { name: 'second' } })).body.router.id
  const foot = { port: { network_id: id, fixed_ips: [{ subnet_id: subnet.id }] } }
  const port = { port_id: (await demo.post(`${V2}/ports`, foot)).body.port.id }
  expect((await change(second, 'add', port)).status).toBe(200)
  expect(fault(await remove())[1]).toBe('NetworkInUse')
  expect(await feet()).toBe(1)
  expect((await change(second, 'remove', port)).status).toBe(200)
  expect((await remove()).status).toBe(204)
  expect((await own()).body.auto_allocated_topology.id).not.toBe(id)
})

test('two who ask at once are given the same, and a network that is deleted takes it along', async () => {
  await pool('10.64.0.0/12')
  await pool('fd00:64::/48')
  const [one, other] = await Promise.all([own(), own()])
  expect(one.body).toEqual(other.body)
  expect(await named('networks')).toHaveLength(1)
  expect(await named('subnets')).toHaveLength(2)
  const [router] = await named('routers')
  for (const subnet of await named('subnets'))
    await demo.put(`${V2}/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
  expect((await demo.delete(`${V2}/networks/${one.body.auto_allocated_topology.id}`)).status).toBe(204)
  expect((await own()).body.auto_allocated_topology.id).not.toBe(one.body.auto_allocated_topology.id)
})

test('what could not be made whole goes again', async () => {
  const { id } = (await pool('10.64.0.0/12', 8)).body.subnetpool
  expect(fault(await own())).toEqual([
    ...[409, 'AutoAllocationFailure', 'Deployment error: Unable to provide tenant private network.'],
  ])
  expect(await named('networks')).toEqual([])
  await admin.put(`${V2}/subnetpools/${id}`, { subnetpool: { default_prefixlen: 24 } })
  const quota = `${V2}/quotas/${plimsoll.projectId('demo')}`
  await admin.put(quota, { quota: { router: 0 } })
  expect(fault(await own())[1]).toBe('OverQuota')
  expect([...(await named('networks')), ...(await named('subnets'))]).toEqual([])
  await admin.put(quota, { quota: { router: 5 } })
  expect((await own()).status).toBe(200)
})
