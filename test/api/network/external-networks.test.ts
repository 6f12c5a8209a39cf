import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Cloud, Realm } from '../../../adapters/contract.ts'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* External networks that administrators make, with addresses of their own. */

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
})

const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const own = () => ({ project_id: plimsoll.projectId('demo') })
const make = (body: object = {}) =>
  admin.post(`${V2}/networks`, { network: { name: 'campus', 'router:external': true, ...own(), ...body } })
const outside = async (cidr = '198.51.100.0/24', more: object = {}) => {
  const { network } = (await make()).body
  const subnet = { network_id: network.id, ip_version: 4, cidr, enable_dhcp: false, ...own(), ...more }
  const made = await admin.post(`${V2}/subnets`, { subnet })
  expect(made.status).toBe(201)
  return { network: network.id as string, subnet: made.body.subnet.id as string }
}
const onCloud = async (kind: 'router' | 'network' | 'subnet' | 'floating_ip') => {
  const { cloud } = await connectCloud(plimsoll.host, plimsoll.cloudId('sandbox'), plimsoll.projectId('demo'))
  const realm = (cloud as Cloud)[kind] as Realm<unknown>
  return (await realm.list()).items.filter(({ health }) => health !== 'gone')
}
const router = (body: object, client = demo) => client.post(`${V2}/routers`, { router: { name: 'r', ...body } })
const address = (body: object, client = demo) => client.post(`${V2}/floatingips`, { floatingip: body })

describe('external networks of an administrator', () => {
  test('are on a cloud from the beginning, and seen by whom that cloud serves', async () => {
    expect(fault(await demo.post(`${V2}/networks`, { network: { 'router:external': true } }))).toEqual([
      403,
      'PolicyNotAuthorized',
      '(rule:create_network and rule:create_network:router:external) is disallowed by policy',
    ])
    const made = await make()
    expect(made.status).toBe(201)
    expect(made.body.network).toMatchObject({
      ...{ 'router:external': true, is_default: false, 'provider:physical_network': 'sandbox' },
    })
    const seen = (await demo.get(`${V2}/networks?router:external=true`)).body.networks
    expect(seen.map((each: { id: string }) => each.id)).toContain(made.body.network.id)
    const named = await make({ 'provider:network_type': 'flat', 'provider:physical_network': 'sandbox.a' })
    expect([named.status, named.body.network?.['provider:physical_network']]).toEqual([201, 'sandbox.a'])
    await plimsoll.newProject('stranger')
    expect((await plimsoll.as('admin').get(`${V2}/networks/${made.body.network.id}`)).status).toBe(200)
    const nobody = await admin.post(`${V2}/networks`, {
      network: { 'router:external': true, project_id: plimsoll.projectId('stranger') },
    })
    expect(fault(nobody)).toEqual([
      400,
      'InvalidInput',
      'Invalid input for operation: the project is mapped to no cloud that makes external networks.',
    ])
  })

  test('give routers addresses, which are free again when those are gone', async () => {
    const { network, subnet } = await outside()
    const made = await router({ external_gateway_info: { network_id: network } })
    expect(made.status).toBe(201)
    const [ip] = made.body.router.external_gateway_info.external_fixed_ips
    expect(ip).toEqual({ subnet_id: subnet, ip_address: expect.stringMatching(/^198\.51\.100\.\d+$/) })
    const { ports } = (await admin.get(`${V2}/ports?network_id=${network}&device_id=${made.body.router.id}`)).body
    expect(ports).toMatchObject([{ device_owner: 'network:router_gateway', fixed_ips: [ip] }])
    await plimsoll.settle()
    expect(await onCloud('network')).toHaveLength(1)
    expect(await onCloud('router')).toMatchObject([{ health: 'ready' }])

    const named = { network_id: network, external_fixed_ips: [{ ip_address: ip.ip_address }] }
    expect(fault(await router({ external_gateway_info: named }))[2]).toBe(
      '(rule:create_router and rule:create_router:external_gateway_info:external_fixed_ips) is disallowed by policy',
    )
    expect(fault(await router({ external_gateway_info: named, ...own() }, admin))[1]).toBe('IpAddressAlreadyAllocated')
    const free = { network_id: network, external_fixed_ips: [{ subnet_id: subnet, ip_address: '198.51.100.77' }] }
    const moved = await admin.put(`${V2}/routers/${made.body.router.id}`, { router: { external_gateway_info: free } })
    expect(moved.body.router.external_gateway_info.external_fixed_ips).toEqual(free.external_fixed_ips)
    const again = await admin.put(`${V2}/routers/${made.body.router.id}`, { router: { external_gateway_info: free } })
    expect(again.body.router?.external_gateway_info.external_fixed_ips, 'its own').toEqual(free.external_fixed_ips)
    // Its cloud has to have let go of it.
    await plimsoll.settle()
    const route = { destination: '10.9.0.0/16', nexthop: '198.51.100.78' }
    const routed = (routes: object[]) => demo.put(`${V2}/routers/${made.body.router.id}`, { router: { routes } })
    expect((await routed([route])).body.router?.routes, 'by the network of its gateway').toEqual([route])
    await plimsoll.settle()
    const routers = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'router')
    expect(routers.map(({ spec }) => spec.routes)).toEqual([[route]])
    expect(fault(await routed([{ ...route, nexthop: '198.51.100.77' }]))[1]).toBe('InvalidRoutes')
    const inner = { subnet_id: (await createNetwork(demo, { name: 'inner', cidr: '10.0.0.0/24' })).subnet }
    for (const way of ['add', 'remove'])
      expect((await demo.put(`${V2}/routers/${made.body.router.id}/${way}_router_interface`, inner)).status, way).toBe(
        200,
      )
    expect((await routed([])).status).toBe(200)
    await plimsoll.settle()
    const second = await router({ external_gateway_info: named, ...own() }, admin)
    expect(second.body.router.external_gateway_info.external_fixed_ips).toEqual([ip])
    await plimsoll.settle()
    expect(await onCloud('router')).toHaveLength(2)

    expect(fault(await admin.delete(`${V2}/networks/${network}`))[1]).toBe('NetworkInUse')
    expect(fault(await admin.delete(`${V2}/subnets/${subnet}`))[1]).toBe('SubnetInUse')
    for (const each of [made, second])
      expect((await demo.delete(`${V2}/routers/${each.body.router.id}`)).status).toBe(204)
    expect((await admin.delete(`${V2}/networks/${network}`)).status).toBe(204)
    await plimsoll.settle()
    for (const kind of ['network', 'subnet', 'router'] as const) expect(await onCloud(kind)).toEqual([])
  })

  test('give nobody an address that a router still has on its cloud', async () => {
    const { network } = await outside('198.51.100.0/29')
    const gateway = { external_gateway_info: { network_id: network } }
    const first = (await router(gateway)).body.router
    await plimsoll.settle()
    const taken = () => plimsoll.db.all(sql`select address from lingering_addresses`)
    const had = first.external_gateway_info.external_fixed_ips[0].ip_address
    const url = `${V2}/routers/${first.id}`
    expect((await demo.put(url, { router: { external_gateway_info: null } })).status).toBe(200)
    expect(await taken()).toEqual([{ address: had }])
    const named = { network_id: network, external_fixed_ips: [{ ip_address: had }] }
    expect(fault(await router({ external_gateway_info: named, ...own() }, admin))[1]).toBe('IpAddressAlreadyAllocated')
    await plimsoll.settle()
    expect(await taken()).toEqual([])
    const nowhere = { network_id: network, external_fixed_ips: [{ subnet_id: network }] }
    expect(fault(await router({ external_gateway_info: nowhere, ...own() }, admin))[1]).toBe('SubnetNotFound')
    const second = await router({ external_gateway_info: named, ...own() }, admin)
    expect(second.status).toBe(201)
    await plimsoll.settle()
    const moved = {
      network_id: network,
      external_fixed_ips: [{ ip_address: had.endsWith('.6') ? '198.51.100.5' : '198.51.100.6' }],
    }
    expect(
      (await admin.put(`${V2}/routers/${second.body.router.id}`, { router: { external_gateway_info: moved } })).status,
    ).toBe(200)
    expect(await taken()).toEqual([{ address: had }])
    await plimsoll.settle()
    expect(await taken()).toEqual([])
  })

  test('give public addresses that lead to servers', async () => {
    const { network, subnet } = await outside()
    const inner = await createNetwork(demo, { name: 'inner', cidr: '10.0.0.0/24' })
    const r = (await router({ external_gateway_info: { network_id: network } })).body.router.id
    await demo.put(`${V2}/routers/${r}/add_router_interface`, { subnet_id: inner.subnet })
    const server = await createServer(plimsoll, demo, { networks: [{ uuid: inner.network }] })
    const port = (await demo.get(`${V2}/ports?device_id=${server}`)).body.ports[0].id
    const made = await address({ floating_network_id: network, subnet_id: subnet, port_id: port })
    expect(made.status).toBe(201)
    expect(made.body.floatingip.floating_ip_address).toMatch(/^198\.51\.100\.\d+$/)
    await plimsoll.settle()
    const lead = (await demo.get(`${V2}/floatingips/${made.body.floatingip.id}`)).body.floatingip
    expect(lead).toMatchObject({ status: 'ACTIVE', router_id: r })
    expect(await onCloud('floating_ip')).toMatchObject([{ address: lead.floating_ip_address }])

    expect(fault(await address({ floating_network_id: network, floating_ip_address: '198.51.100.200' }))[2]).toBe(
      '(rule:create_floatingip and rule:create_floatingip:floating_ip_address) is disallowed by policy',
    )
    const named = { floating_network_id: network, floating_ip_address: '198.51.100.200', ...own() }
    expect((await address(named, admin)).body.floatingip.floating_ip_address).toBe('198.51.100.200')
    expect(fault(await address(named, admin))[1]).toBe('IpAddressAlreadyAllocated')
    expect(fault(await address({ ...named, floating_ip_address: '192.0.2.1' }, admin))[1]).toBe('InvalidIpForNetwork')
    const fixed_ips = [{ ip_address: '198.51.100.200' }]
    expect(fault(await admin.post(`${V2}/ports`, { port: { network_id: network, fixed_ips } }))[1]).toBe(
      'IpAddressAlreadyAllocated',
    )
    // One that leads somewhere keeps the network; those that lead nowhere go with it.
    expect(fault(await admin.delete(`${V2}/networks/${network}`))[1]).toBe('NetworkInUse')
    await demo.put(`${V2}/floatingips/${lead.id}`, { floatingip: { port_id: null } })
    await plimsoll.settle()
    await demo.put(`${V2}/routers/${r}`, { router: { external_gateway_info: null } })
    expect((await admin.delete(`${V2}/networks/${network}`)).status).toBe(204)
    expect((await demo.get(`${V2}/floatingips`)).body.floatingips).toEqual([])
    await plimsoll.settle()
    expect(await onCloud('floating_ip')).toEqual([])
  })

  test('beside the way out of a cloud, where nobody has a port', async () => {
    const way = (await demo.get(`${V2}/networks?router:external=true`)).body.networks[0].id
    const { id } = (await address({ floating_network_id: way })).body.floatingip
    await plimsoll.settle()
    const ip = (await demo.get(`${V2}/floatingips/${id}`)).body.floatingip.floating_ip_address
    const port = async (client: Client, ip_address: string) =>
      fault(await client.post(`${V2}/ports`, { port: { network_id: way, fixed_ips: [{ ip_address }] } })).slice(0, 2)
    expect(await port(admin, ip)).toEqual([409, 'IpAddressInUse'])
    expect(await port(admin, '192.0.2.251')).toEqual([403, 'ExternalNetworkAttachForbidden'])
    expect(await port(demo, ip)).toEqual([403, 'ExternalNetworkAttachForbidden'])
  })

  test('have ports of administrators', async () => {
    const { network } = await outside()
    expect(fault(await demo.post(`${V2}/ports`, { port: { network_id: network } }))[1]).toBe(
      'ExternalNetworkAttachForbidden',
    )
    const made = await admin.post(`${V2}/ports`, { port: { network_id: network, ...own() } })
    expect([made.status, made.body.port.fixed_ips.length]).toEqual([201, 1])
    const bare = (await make()).body.network.id
    expect(fault(await address({ floating_network_id: bare }))[2]).toBe(
      `Bad floatingip request: Network ${bare} does not contain any IPv4 subnet.`,
    )
    expect((await router({ external_gateway_info: { network_id: bare } })).body.router.external_gateway_info).toEqual({
      ...{ network_id: bare, enable_snat: true, external_fixed_ips: [] },
    })
  })

  test('come of networks that are empty, and cease where nothing leads out by them', async () => {
    const { network } = (await demo.post(`${V2}/networks`, { network: {} })).body
    const turn = (external: boolean, client = admin) =>
      client.put(`${V2}/networks/${network.id}`, { network: { 'router:external': external } })
    expect(fault(await turn(true, demo))[0]).toBe(403)
    const port = (await demo.post(`${V2}/ports`, { port: { network_id: network.id } })).body.port.id
    expect(fault(await turn(true))[1]).toBe('NetworkInUse')
    await demo.delete(`${V2}/ports/${port}`)
    expect((await turn(true)).body.network).toMatchObject({
      'router:external': true,
      'provider:physical_network': 'sandbox',
    })
    const led = (await router({ external_gateway_info: { network_id: network.id } })).body.router.id
    expect(fault(await turn(false))).toEqual([
      409,
      'ExternalNetworkInUse',
      `External network ${network.id} cannot be updated to be made non-external, since it has existing gateway ports.`,
    ])
    await demo.delete(`${V2}/routers/${led}`)
    expect((await turn(false)).body.network['router:external']).toBe(false)
    const way = (await demo.get(`${V2}/networks?router:external=true`)).body.networks[0]
    expect(fault(await admin.put(`${V2}/networks/${way.id}`, { network: { 'router:external': false } }))[2]).toBe(
      'Invalid input for operation: this network is the way out of a cloud and comes with it.',
    )
    expect(fault(await make({ is_default: true }))[1]).toBe('DefaultExternalNetworkExists')
    await admin.put(`${V2}/networks/${way.id}`, { network: { is_default: false } })
    const both = { networks: ['a', 'b'].map((name) => ({ name, ...own(), 'router:external': true, is_default: true })) }
    const refused = await admin.post(`${V2}/networks`, both)
    expect([refused.status, refused.body.NeutronError.message]).toEqual([
      ...[409, 'A default external network already exists.'],
    ])
    expect((await make({ is_default: true })).body.network.is_default).toBe(true)
  })
})
