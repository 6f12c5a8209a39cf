import { beforeEach, describe, expect, test } from 'vitest'
import type { Cloud, Realm } from '../../../adapters/contract.ts'
import { bindings as rows } from '../../../db/schema/index.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
let external: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  external = (await demo.get(`${V2}/networks?router:external=true`)).body.networks[0].id
})

const V2 = '/network/v2.0'
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const newNetwork = (cidr: string, more: object = {}) => createNetwork(demo, { name: cidr, cidr, ...more })
const newRouter = async (body: object = {}) =>
  (await demo.post(`${V2}/routers`, { router: { name: 'r1', ...body } })).body.router
const withGateway = () => newRouter({ external_gateway_info: { network_id: external } })
const join = (router: string, body: object) => demo.put(`${V2}/routers/${router}/add_router_interface`, body)
const part = (router: string, body: object) => demo.put(`${V2}/routers/${router}/remove_router_interface`, body)
const used = async (resource: string) =>
  (await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota[resource].used

const newServer = async (network: string, more: object = {}) => {
  const id = await createServer(plimsoll, demo, { networks: [{ uuid: network }], ...more })
  const port = (await demo.get(`${V2}/ports?device_id=${id}`)).body.ports[0]
  return { id, port }
}
/** What the cloud itself has of a kind. */
const onCloud = async (
  kind: 'router' | 'network' | 'subnet' | 'port' | 'security_group' | 'floating_ip',
  name = 'sandbox',
) => {
  const { cloud } = await connectCloud(plimsoll.host, plimsoll.cloudId(name), plimsoll.projectId('demo'))
  const realm = (cloud as Cloud)[kind] as Realm<unknown>
  return (await realm.list()).items.filter(({ health }) => health !== 'gone')
}
const bindings = async (kind: string) =>
  (await plimsoll.db.select().from(rows)).filter((b) => b.kind === kind && b.phase !== 'gone')

describe('routers', () => {
  test('are made, changed and deleted', async () => {
    const router = await newRouter()
    expect(router).toMatchObject({
      name: 'r1',
      status: 'ACTIVE',
      admin_state_up: true,
      external_gateway_info: null,
      routes: [],
      availability_zones: [],
    })
    expect(await bindings('router')).toEqual([])
    const put = await demo.put(`${V2}/routers/${router.id}`, {
      router: { name: 'r2', external_gateway_info: { network_id: external } },
    })
    expect(put.body.router).toMatchObject({
      name: 'r2',
      external_gateway_info: { network_id: external, enable_snat: true, external_fixed_ips: [] },
    })
    await plimsoll.settle()
    expect(await onCloud('router')).toMatchObject([{ name: 'r2', health: 'ready' }])
    expect((await demo.get(`${V2}/routers?name=r2`)).body.routers).toEqual([
      { ...put.body.router, availability_zones: ['sandbox.a', 'sandbox.b'] },
    ])
    const cleared = await demo.put(`${V2}/routers/${router.id}`, { router: { external_gateway_info: {} } })
    expect(cleared.body.router.external_gateway_info).toBeNull()
    expect((await demo.delete(`${V2}/routers/${router.id}`)).status).toBe(204)
    expect(fault(await demo.get(`${V2}/routers/${router.id}`))).toEqual([
      404,
      'RouterNotFound',
      `Router ${router.id} could not be found`,
    ])
    await plimsoll.settle()
    expect(await onCloud('router')).toEqual([])
    expect(await used('router')).toBe(0)
  })

  test('have gateways to external networks only', async () => {
    const unknown = crypto.randomUUID()
    const { network } = await newNetwork('10.0.0.0/24')
    const create = (info: unknown) => demo.post(`${V2}/routers`, { router: { external_gateway_info: info } })
    expect(fault(await create({ network_id: unknown }))).toEqual([
      404,
      'NetworkNotFound',
      `Network ${unknown} could not be found.`,
    ])
    expect(fault(await create({ network_id: network }))).toEqual([
      400,
      'BadRequest',
      `Bad router request: Network ${network} is not an external network.`,
    ])
    expect(fault(await create({ network_id: external, enable_snat: false }))[0]).toBe(403)
    const named = { network_id: external, external_fixed_ips: [{ ip_address: '203.0.113.9' }] }
    expect(fault(await create(named))[0]).toBe(403)
    const asked = { router: { external_gateway_info: named, project_id: plimsoll.projectId('demo') } }
    expect(fault(await plimsoll.as('admin').post(`${V2}/routers`, asked))[0]).toBe(400)
    expect(fault(await create('x'))[2]).toBe(
      "Invalid input for external_gateway_info. Reason: 'x' is not a dictionary.",
    )
    await plimsoll.newProject('stranger')
    const theirs = await plimsoll.as('admin').post(`${V2}/routers`, {
      router: { project_id: plimsoll.projectId('stranger'), external_gateway_info: { network_id: external } },
    })
    expect(fault(theirs)[0]).toBe(403)
  })

  test('join subnets by their gateway, or by a port', async () => {
    const router = await newRouter()
    const [a, b] = [await newNetwork('10.0.0.0/24'), await newNetwork('10.1.0.0/24')]
    const joined = await join(router.id, { subnet_id: a.subnet })
    expect([joined.status, joined.body]).toEqual([
      200,
      expect.objectContaining({ id: router.id, subnet_id: a.subnet, subnet_ids: [a.subnet], network_id: a.network }),
    ])
    const port = (await demo.get(`${V2}/ports/${joined.body.port_id}`)).body.port
    expect(port).toMatchObject({
      device_id: router.id,
      device_owner: 'network:router_interface',
      fixed_ips: [{ subnet_id: a.subnet, ip_address: '10.0.0.1' }],
      security_groups: [],
      status: 'ACTIVE',
    })
    expect(fault(await demo.delete(`${V2}/ports/${port.id}`))).toEqual([
      409,
      'L3PortInUse',
      `Port ${port.id} cannot be deleted directly via the port API: has device owner network:router_interface.`,
    ])
    const own = (await demo.post(`${V2}/ports`, { port: { network_id: b.network } })).body.port
    expect((await join(router.id, { port_id: own.id })).body).toMatchObject({ port_id: own.id, subnet_id: b.subnet })
    expect((await demo.get(`${V2}/ports?device_id=${router.id}`)).body.ports).toHaveLength(2)
    expect(fault(await join(router.id, { port_id: own.id }))[1]).toBe('PortInUse')
    expect(fault(await demo.delete(`${V2}/routers/${router.id}`))).toEqual([
      409,
      'RouterInUse',
      `Router ${router.id} still has ports`,
    ])
    expect(fault(await demo.delete(`${V2}/networks/${a.network}`))[1]).toBe('NetworkInUse')
    expect((await part(router.id, { subnet_id: a.subnet })).body).toMatchObject({
      port_id: port.id,
      subnet_id: a.subnet,
    })
    expect((await part(router.id, { port_id: own.id })).status).toBe(200)
    expect((await demo.get(`${V2}/ports/${own.id}`)).status).toBe(404)
    expect(fault(await part(router.id, { subnet_id: a.subnet }))).toEqual([
      404,
      'RouterInterfaceNotFoundForSubnet',
      `Router ${router.id} has no interface on subnet ${a.subnet}`,
    ])
    expect((await demo.delete(`${V2}/routers/${router.id}`)).status).toBe(204)
    expect(await used('port')).toBe(0)
  })

  test('refuse interfaces that make no sense', async () => {
    const router = await newRouter()
    const a = await newNetwork('10.0.0.0/16')
    const inner = await newNetwork('10.0.3.0/24')
    const dead = await newNetwork('10.2.0.0/24', { gateway_ip: null })
    const bad = (text: string) => [400, 'BadRequest', `Bad router request: ${text}.`]
    await join(router.id, { subnet_id: a.subnet })
    expect(fault(await join(router.id, {}))).toEqual(bad('Either subnet_id or port_id must be specified'))
    expect(fault(await join(router.id, { subnet_id: 'x', port_id: 'y' }))).toEqual(
      bad('Cannot specify both subnet-id and port-id'),
    )
    expect(fault(await join(router.id, { subnet_id: dead.subnet }))).toEqual(
      bad('Subnet for router interface must have a gateway IP'),
    )
    expect(fault(await join(router.id, { subnet_id: inner.subnet }))[2]).toContain(
      'overlaps with cidr 10.0.0.0/16 of subnet',
    )
    expect(fault(await join(router.id, { subnet_id: 'x' }))).toEqual(bad("'x' is not a valid UUID"))
    expect(fault(await join(router.id, { subnet_id: crypto.randomUUID() }))[1]).toBe('SubnetNotFound')
    expect(fault(await join(router.id, { port_id: 'x' }))).toEqual(bad("'x' is not a valid UUID"))
    expect(fault(await join(router.id, { port_id: crypto.randomUUID() }))[1]).toBe('PortNotFound')
    expect(fault(await join('x', { subnet_id: a.subnet }))[1]).toBe('RouterNotFound')
    expect((await join((await newRouter()).id, { subnet_id: a.subnet })).status).toBe(409)
    expect((await join(router.id, { subnet_id: a.subnet })).status).not.toBe(200)
  })

  test('have routes to next hops on their subnets', async () => {
    const router = await newRouter()
    const { subnet } = await newNetwork('10.0.0.0/24')
    await join(router.id, { subnet_id: subnet })
    const route = { destination: '10.9.0.0/16', nexthop: '10.0.0.9' }
    const put = (routes: unknown) => demo.put(`${V2}/routers/${router.id}`, { router: { routes } })
    expect((await put([route])).body.router.routes).toEqual([route])
    expect(fault(await put([{ ...route, nexthop: '10.5.0.1' }]))[1]).toBe('InvalidRoutes')
    expect(fault(await put([{ ...route, nexthop: '10.0.0.1' }]))[2]).toContain('the nexthop is used by router')
    expect(fault(await put([{ destination: 'x', nexthop: '10.0.0.9' }]))[0]).toBe(400)
    expect(fault(await part(router.id, { subnet_id: subnet }))[1]).toBe('RouterInterfaceInUseByRoute')
    const more = { destination: '10.10.0.0/16', nexthop: '10.0.0.9' }
    const added = await demo.put(`${V2}/routers/${router.id}/add_extraroutes`, { router: { routes: [more, route] } })
    expect(added.body.router.routes).toEqual([route, more])
    const left = await demo.put(`${V2}/routers/${router.id}/remove_extraroutes`, { router: { routes: [route] } })
    expect(left.body.router.routes).toEqual([more])
    expect((await put(null)).body.router.routes).toEqual([])
    expect((await part(router.id, { subnet_id: subnet })).status).toBe(200)
  })
})

describe('on a cloud', () => {
  test('a network is where its first server is, its router with it, and all goes when it is deleted', async () => {
    const router = await withGateway()
    const { network, subnet } = await newNetwork('10.0.0.0/24')
    await join(router.id, { subnet_id: subnet })
    await plimsoll.settle()
    // The zone is still open, so the subnet is not made yet.
    expect(await onCloud('router')).toHaveLength(1)
    expect(await onCloud('subnet')).toEqual([])
    expect((await demo.get(`${V2}/networks/${network}`)).body.network.availability_zones).toEqual([
      'sandbox.a',
      'sandbox.b',
    ])
    const server = await newServer(network)
    expect(server.port).toMatchObject({ status: 'ACTIVE', device_owner: expect.stringMatching(/^compute:/) })
    for (const [kind, n] of [
      ['network', 1],
      ['subnet', 1],
      ['port', 1],
      ['security_group', 1],
      ['router', 1],
    ] as const)
      expect(await onCloud(kind), kind).toHaveLength(n)
    expect(fault(await demo.delete(`${V2}/ports/${server.port.id}`))[1]).toBe('PortInUse')

    const address = (
      await demo.post(`${V2}/floatingips`, { floatingip: { floating_network_id: external, port_id: server.port.id } })
    ).body.floatingip
    expect(address).toMatchObject({
      router_id: router.id,
      port_id: server.port.id,
      fixed_ip_address: server.port.fixed_ips[0].ip_address,
    })
    await plimsoll.settle()
    expect((await demo.get(`${V2}/floatingips/${address.id}`)).body.floatingip.status).toBe('ACTIVE')
    expect(fault(await part(router.id, { subnet_id: subnet }))[1]).toBe('RouterInterfaceInUseByFloatingIP')
    expect(fault(await demo.put(`${V2}/routers/${router.id}`, { router: { external_gateway_info: null } }))[1]).toBe(
      'RouterExternalGatewayInUseByFloatingIp',
    )

    await demo.delete(`/compute/v2.1/servers/${server.id}`)
    await plimsoll.settle()
    const left = (await demo.get(`${V2}/floatingips/${address.id}`)).body.floatingip
    expect(left).toMatchObject({ port_id: null, router_id: null, fixed_ip_address: null, status: 'DOWN' })
    expect((await demo.delete(`${V2}/floatingips/${address.id}`)).status).toBe(204)
    expect((await part(router.id, { subnet_id: subnet })).status).toBe(200)
    expect((await demo.delete(`${V2}/routers/${router.id}`)).status).toBe(204)
    expect((await demo.delete(`${V2}/networks/${network}`)).status).toBe(204)
    await plimsoll.settle()
    for (const kind of ['network', 'subnet', 'port', 'security_group', 'router', 'floating_ip'] as const)
      expect(await onCloud(kind), kind).toEqual([])
    for (const kind of ['network', 'subnet', 'port', 'router', 'floatingip']) expect(await used(kind), kind).toBe(0)
  })

  test('rules are exactly what was written, and follow their changes', async () => {
    const { network } = await newNetwork('10.0.0.0/24')
    const group = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'web' } })).body.security_group
    const peer = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'lb' } })).body.security_group
    const rule = {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 80,
      port_range_max: 80,
    }
    const added = await demo.post(`${V2}/security-group-rules`, {
      security_group_rule: { ...rule, remote_group_id: peer.id },
    })
    await newServer(network, { security_groups: [{ name: 'web' }] })
    expect((await onCloud('security_group')).map(({ name }) => name).toSorted()).toEqual(['lb', 'web'])
    const [bound] = (await bindings('security_group')).filter((b) => b.resourceId === group.id)
    expect(bound).toMatchObject({ scope: network, phase: 'bound', error: null })
    expect(bound!.applied).toBe(bound!.revision)
    expect((await demo.delete(`${V2}/security-group-rules/${added.body.security_group_rule.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect((await demo.delete(`${V2}/security-groups/${peer.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect((await onCloud('security_group')).map(({ name }) => name)).toEqual(['web'])
  })

  test('a router is on one cloud', async () => {
    await plimsoll.addCloud({ name: 'second', type: 'sandbox' })
    const other = (await demo.get(`${V2}/networks?router:external=true`)).body.networks.find(
      (n: { id: string }) => n.id !== external,
    ).id
    const [a, b] = [await newNetwork('10.0.0.0/24'), await newNetwork('10.1.0.0/24')]
    const [first, second] = [await withGateway(), await newRouter({ external_gateway_info: { network_id: other } })]
    await join(first.id, { subnet_id: a.subnet })
    await join(second.id, { subnet_id: b.subnet })
    const bridge = await newRouter()
    await demo.put(`${V2}/subnets/${a.subnet}`, { subnet: { name: 'x' } })
    const port = (await demo.post(`${V2}/ports`, { port: { network_id: a.network } })).body.port
    const port2 = (await demo.post(`${V2}/ports`, { port: { network_id: b.network } })).body.port
    expect((await part(first.id, { subnet_id: a.subnet })).status).toBe(200)
    expect((await join(bridge.id, { port_id: port.id })).status).toBe(200)
    expect((await join(bridge.id, { port_id: port2.id })).status).toBe(409)
    expect(
      (await demo.put(`${V2}/routers/${bridge.id}`, { router: { external_gateway_info: { network_id: other } } }))
        .status,
    ).toBe(409)
    expect(
      (await demo.put(`${V2}/routers/${bridge.id}`, { router: { external_gateway_info: { network_id: external } } }))
        .status,
    ).toBe(200)
    // A router without interfaces may move, and come back when it has left.
    for (const network_id of [other, external]) {
      expect(
        (await demo.put(`${V2}/routers/${first.id}`, { router: { external_gateway_info: { network_id } } })).status,
      ).toBe(200)
      await plimsoll.settle()
    }
    expect((await bindings('router')).filter((each) => each.resourceId === first.id)).toMatchObject([
      { cloudId: plimsoll.cloudId('sandbox'), phase: 'bound' },
    ])
    expect(await onCloud('router', 'second')).toHaveLength(1)
  })
})

describe('floating IPs', () => {
  const create = (body: object = {}) =>
    demo.post(`${V2}/floatingips`, { floatingip: { floating_network_id: external, ...body } })

  test('come with their address', async () => {
    const { status, body } = await create({ description: 'd' })
    expect(status).toBe(201)
    expect(body.floatingip).toMatchObject({
      floating_network_id: external,
      floating_ip_address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
      fixed_ip_address: null,
      port_id: null,
      router_id: null,
      status: 'DOWN',
      description: 'd',
      port_details: null,
    })
    const { id, floating_ip_address } = body.floatingip
    expect((await demo.get(`${V2}/floatingips?floating_ip_address=${floating_ip_address}`)).body.floatingips).toEqual([
      body.floatingip,
    ])
    expect((await demo.delete(`${V2}/floatingips/${id}`)).status).toBe(204)
    await plimsoll.settle()
    expect(await onCloud('floating_ip')).toEqual([])
    expect(await used('floatingip')).toBe(0)
  })

  test('lead to ports that a router connects, which may wait for a server', async () => {
    const { network, subnet } = await newNetwork('10.0.0.0/24')
    const port = (await demo.post(`${V2}/ports`, { port: { network_id: network } })).body.port
    const { id, floating_ip_address } = (await create()).body.floatingip
    const lead = (body: object) => demo.put(`${V2}/floatingips/${id}`, { floatingip: body })
    const nowhere = `External network ${external} is not reachable from subnet ${subnet}.  Therefore, cannot associate Port ${port.id} with a Floating IP.`
    expect(fault(await lead({ port_id: port.id }))).toEqual([404, 'ExternalGatewayForFloatingIPNotFound', nowhere])
    expect(fault(await create({ port_id: port.id }))[1]).toBe('ExternalGatewayForFloatingIPNotFound')
    const router = await withGateway()
    await join(router.id, { subnet_id: subnet })
    const led = (await lead({ port_id: port.id })).body.floatingip
    expect(led).toMatchObject({
      port_id: port.id,
      router_id: router.id,
      fixed_ip_address: port.fixed_ips[0].ip_address,
      status: 'DOWN',
      port_details: { network_id: network, admin_state_up: true, device_id: '' },
    })
    expect(fault(await create({ port_id: port.id }))).toEqual([
      409,
      'FloatingIPPortAlreadyAssociated',
      expect.stringContaining('already has a floating IP'),
    ])
    expect(fault(await lead({ port_id: port.id, fixed_ip_address: '10.0.0.99' }))[2]).toBe(
      `Bad floatingip request: Port ${port.id} does not have fixed ip 10.0.0.99.`,
    )
    await plimsoll.settle()
    expect(await used('floatingip')).toBe(1)
    await newServer(network, { networks: [{ port: port.id }] })
    expect((await demo.get(`${V2}/floatingips/${id}`)).body.floatingip).toMatchObject({
      status: 'ACTIVE',
      floating_ip_address,
    })
    expect((await lead({})).body.floatingip).toMatchObject({ port_id: null, port_details: null })
    expect((await lead({ port_id: port.id })).body.floatingip.port_id).toBe(port.id)
    expect((await lead({ port_id: null })).body.floatingip).toMatchObject({ port_id: null, status: 'DOWN' })
    await plimsoll.settle()
    expect((await onCloud('floating_ip'))[0]).toMatchObject({ port: null })
  })

  test('are refused where the cloud has none, and leave nothing behind', async () => {
    const { network } = await newNetwork('10.0.0.0/24')
    expect(fault(await create({ floating_network_id: network }))).toEqual([
      400,
      'BadRequest',
      `Bad floatingip request: Network ${network} is not a valid external network.`,
    ])
    expect(fault(await create({ floating_ip_address: '203.0.113.9' }))[0]).toBe(403)
    expect(fault(await create({ floating_network_id: undefined }))[2]).toContain(
      "Required attribute 'floating_network_id'",
    )
    await plimsoll.addCloud({ name: 'small', type: 'sandbox', options: { external_cidr: '203.0.113.0/30' } })
    const small = (await demo.get(`${V2}/networks?router:external=true`)).body.networks.find(
      (n: { id: string }) => n.id !== external,
    ).id
    const answers = [await create({ floating_network_id: small }), await create({ floating_network_id: small })]
    expect(answers.map(({ status }) => status)).toEqual([201, 409])
    expect(fault(answers[1]!)[1]).toBe('IpAddressGenerationFailure')
    expect(await used('floatingip')).toBe(1)
    await plimsoll.settle()
    expect(await onCloud('floating_ip', 'small')).toHaveLength(1)
  })

  test.each([
    ['lost_answer', 201, undefined],
    ['ambiguous_before', 503, 'ServiceUnavailable'],
    ['definitive', 409, 'FloatingIPRefused'],
    ['denied', 409, 'FloatingIPRefused'],
  ])('where the cloud answers with %s: %i', async (fault, status, type) => {
    const rule = { method: 'floating_ip.create', fault }
    await plimsoll.addCloud({ name: 'bad', type: 'sandbox', options: { faults: [rule] } })
    const { networks } = (await demo.get(`${V2}/networks?router:external=true&name=public-bad`)).body
    const answer = await create({ floating_network_id: networks[0].id })
    expect([answer.status, answer.body.NeutronError?.type]).toEqual([status, type])
    expect(await used('floatingip')).toBe(status === 201 ? 1 : 0)
    expect((await demo.get(`${V2}/floatingips`)).body.floatingips).toHaveLength(status === 201 ? 1 : 0)
    await plimsoll.settle()
    expect(await onCloud('floating_ip', 'bad')).toHaveLength(status === 201 ? 1 : 0)
  })
})

describe('ports on ways out', () => {
  const admin = () => plimsoll.as('admin')
  const portsOf = async (device: string, client = admin()) =>
    (await client.get(`${V2}/ports?device_id=${device}`)).body.ports

  test('the gateway of a router is one, which comes, changes and goes with it, and is no project’s', async () => {
    const router = await withGateway()
    const [port, ...more] = await portsOf(router.id)
    expect(more).toEqual([])
    expect(port).toMatchObject({
      device_owner: 'network:router_gateway',
      device_id: router.id,
      network_id: external,
      project_id: '',
      status: 'ACTIVE',
      // No cloud says which address that is.
      fixed_ips: router.external_gateway_info.external_fixed_ips,
      security_groups: [],
      port_security_enabled: false,
    })
    expect(port.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(port.mac_address).toMatch(/^fa(:[0-9a-f]{2}){5}$/)
    expect(await portsOf(router.id, demo)).toEqual([])
    expect((await demo.get(`${V2}/ports/${port.id}`)).status).toBe(404)
    expect(fault(await admin().delete(`${V2}/ports/${port.id}`))).toEqual([
      409,
      'L3PortInUse',
      `Port ${port.id} cannot be deleted directly via the port API: has device owner network:router_gateway.`,
    ])
    await demo.put(`${V2}/routers/${router.id}`, { router: { name: 'other' } })
    expect((await portsOf(router.id)).map(({ id }: { id: string }) => id)).toEqual([port.id])
    await demo.put(`${V2}/routers/${router.id}`, { router: { external_gateway_info: {} } })
    expect(await portsOf(router.id)).toEqual([])
    await demo.put(`${V2}/routers/${router.id}`, { router: { external_gateway_info: { network_id: external } } })
    expect(await portsOf(router.id)).toHaveLength(1)
    await demo.delete(`${V2}/routers/${router.id}`)
    expect(await portsOf(router.id)).toEqual([])
  })

  test('a floating IP has one as well', async () => {
    const { floatingip } = (await demo.post(`${V2}/floatingips`, { floatingip: { floating_network_id: external } }))
      .body
    expect(await portsOf(floatingip.id)).toMatchObject([
      { device_owner: 'network:floatingip', network_id: external, project_id: '', status: 'N/A' },
    ])
    await demo.delete(`${V2}/floatingips/${floatingip.id}`)
    expect(await portsOf(floatingip.id)).toEqual([])
  })
})
