import { and, inArray, ne } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { bindings } from '../../../../db/schema/index.ts'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
let id: string
beforeEach(async () => {
  w = await newWorld()
  id = await w.running({ availability_zone: 'sandbox.a' })
})

describe('an interface of a server', () => {
  const interfaces = () => `${NOVA}/servers/${id}/os-interface`
  const ports = async () => (await w.demo.get(interfaces())).body.interfaceAttachments

  test('is a new port on a network, plugged in and out', async () => {
    const plugged = await w.newest.post(interfaces(), {
      interfaceAttachment: { net_id: w.network, fixed_ips: [{ ip_address: '10.0.0.88' }] },
    })
    expect(plugged.status).toBe(200)
    const { port_id } = plugged.body.interfaceAttachment
    expect(plugged.body.interfaceAttachment).toMatchObject({
      net_id: w.network,
      fixed_ips: [{ ip_address: '10.0.0.88' }],
      tag: null,
    })
    await w.plimsoll.settle()
    expect((await w.newest.get(`${interfaces()}/${port_id}`)).body.interfaceAttachment.port_state).toBe('ACTIVE')
    expect(await ports()).toHaveLength(2)
    expect((await w.server(id)).addresses.private.map(({ addr }: { addr: string }) => addr)).toContain('10.0.0.88')
    expect((await w.demo.delete(`${interfaces()}/${port_id}`)).status).toBe(202)
    await w.plimsoll.settle()
    expect(await ports()).toHaveLength(1)
    expect((await w.demo.get(`/network/v2.0/ports/${port_id}`)).status).toBe(404)
    const { body } = await w.demo.get(`${NOVA}/servers/${id}/os-instance-actions`)
    expect(body.instanceActions.map(({ action, message }: Record<string, string>) => [action, message])).toEqual([
      ['detach_interface', null],
      ['attach_interface', null],
      ['create', null],
    ])
  })

  test('of a port that the user made leaves the port when it is out', async () => {
    const port = (await w.demo.post('/network/v2.0/ports', { port: { network_id: w.network } })).body.port
    expect((await w.demo.post(interfaces(), { interfaceAttachment: { port_id: port.id } })).status).toBe(200)
    await w.plimsoll.settle()
    expect((await w.demo.post(interfaces(), { interfaceAttachment: { port_id: port.id } })).status).toBe(409)
    expect((await w.demo.delete(`${interfaces()}/${port.id}`)).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.demo.get(`/network/v2.0/ports/${port.id}`)).body.port).toMatchObject({
      device_id: '',
      status: 'DOWN',
    })
  })

  test('may be one that the server was built with', async () => {
    const [own] = await ports()
    expect((await w.demo.delete(`${interfaces()}/${own.port_id}`)).status).toBe(202)
    await w.plimsoll.settle()
    expect(await ports()).toEqual([])
    expect((await w.server(id)).addresses).toEqual({})
    expect((await w.demo.delete(`${interfaces()}/${own.port_id}`)).status).toBe(404)
  })

  test('is on the only network, if none is named', async () => {
    expect((await w.demo.post(interfaces(), { interfaceAttachment: {} })).body.interfaceAttachment.net_id).toBe(
      w.network,
    )
  })

  test('goes with the server', async () => {
    await w.demo.post(interfaces(), { interfaceAttachment: { net_id: w.network } })
    await w.plimsoll.settle()
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect((await w.demo.get('/network/v2.0/ports')).body.ports).toEqual([])
    const left = await w.plimsoll.db
      .select()
      .from(bindings)
      .where(and(ne(bindings.phase, 'gone'), inArray(bindings.kind, ['interface', 'port', 'server'])))
    expect(left).toEqual([])
  })

  test('is refused where its port, network or address cannot be had', async () => {
    const nobody = crypto.randomUUID()
    for (const [interfaceAttachment, status] of [
      [{ port_id: nobody }, 404],
      [{ net_id: nobody }, 404],
      [{ net_id: w.network, port_id: nobody }, 400],
      [{ fixed_ips: [{ ip_address: '10.0.0.9' }] }, 400],
      [{ net_id: w.network, fixed_ips: [{ ip_address: '192.168.0.1' }] }, 400],
      [{ net_id: 'x' }, 400],
    ] as const)
      expect([interfaceAttachment, (await w.demo.post(interfaces(), { interfaceAttachment })).status]).toEqual([
        interfaceAttachment,
        status,
      ])
    expect((await w.demo.get(`${interfaces()}/${nobody}`)).status).toBe(404)
    expect((await w.demo.delete(`${interfaces()}/${nobody}`)).status).toBe(404)
  })
})

describe('a volume of a server', () => {
  const attached = () => `${NOVA}/servers/${id}/os-volume_attachments`
  let volume: string
  beforeEach(async () => {
    volume = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.a' } })).body
      .volume.id
    await w.plimsoll.settle()
  })
  const volumeStatus = async () => (await w.demo.get(`${w.cinder}/volumes/${volume}`)).body.volume.status

  test('is attached, shown and detached', async () => {
    const answer = await w.demo.post(attached(), { volumeAttachment: { volumeId: volume } })
    expect([answer.status, answer.body.volumeAttachment]).toEqual([
      200,
      { id: volume, volumeId: volume, serverId: id, device: '/dev/vdb' },
    ])
    await w.plimsoll.settle()
    expect(await volumeStatus()).toBe('in-use')
    expect((await w.demo.get(attached())).body.volumeAttachments).toEqual([answer.body.volumeAttachment])
    const now = (await w.newest.get(`${attached()}/${volume}`)).body.volumeAttachment
    expect(Object.keys(now).sort()).toEqual([
      'attachment_id',
      'bdm_uuid',
      'delete_on_termination',
      'device',
      'serverId',
      'tag',
      'volumeId',
    ])
    expect(
      (
        await w.newest.put(`${attached()}/${volume}`, {
          volumeAttachment: { volumeId: volume, delete_on_termination: true },
        })
      ).status,
    ).toBe(202)
    expect((await w.newest.get(`${attached()}/${volume}`)).body.volumeAttachment.delete_on_termination).toBe(true)
    expect(
      (await w.newest.put(`${attached()}/${volume}`, { volumeAttachment: { volumeId: volume, tag: 'x' } })).status,
    ).toBe(400)
    expect(
      (await w.newest.put(`${attached()}/${volume}`, { volumeAttachment: { volumeId: crypto.randomUUID() } })).status,
    ).toBe(409)
    expect((await w.demo.put(`${attached()}/${volume}`, { volumeAttachment: { volumeId: volume } })).status).toBe(403)
    const detached = await w.demo.delete(`${attached()}/${volume}`)
    expect([detached.status, detached.body]).toEqual([202, null])
    await w.plimsoll.settle()
    expect(await volumeStatus()).toBe('available')
    expect((await w.demo.delete(`${attached()}/${volume}`)).status).toBe(404)
    expect((await w.demo.get(`${attached()}/${volume}`)).status).toBe(404)
  })

  test('is told its device at once, beside others that are on their way', async () => {
    const more = () => ({ size: 1, availability_zone: 'sandbox.a' })
    const second = (await w.demo.post(`${w.cinder}/volumes`, { volume: more() })).body.volume.id
    const third = (await w.demo.post(`${w.cinder}/volumes`, { volume: more() })).body.volume.id
    await w.plimsoll.settle()
    const device = async (wish: object) =>
      (await w.demo.post(attached(), { volumeAttachment: wish })).body.volumeAttachment.device
    const told = [
      await device({ volumeId: volume, device: '/dev/vdc' }),
      await device({ volumeId: second }),
      await device({ volumeId: third }),
    ]
    expect(told).toEqual(['/dev/vdc', '/dev/vdb', '/dev/vdd'])
    await w.plimsoll.settle()
    const all = (await w.demo.get(attached())).body.volumeAttachments as { device: string }[]
    expect(all.map((each) => each.device).toSorted()).toEqual(told.toSorted())
  })

  test('has a tag, and goes with the server if that was said', async () => {
    const volumeAttachment = { volumeId: volume, tag: 'data', delete_on_termination: true }
    expect((await w.demo.post(attached(), { volumeAttachment })).status).toBe(400)
    const answer = await w.newest.post(attached(), { volumeAttachment })
    expect(answer.body.volumeAttachment).toMatchObject({ id: volume, tag: 'data', delete_on_termination: true })
    await w.plimsoll.settle()
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${w.cinder}/volumes/${volume}`)).status).toBe(404)
  })

  test('is refused where there is none such, it is elsewhere, or the server is locked', async () => {
    expect((await w.demo.post(attached(), { volumeAttachment: { volumeId: crypto.randomUUID() } })).status).toBe(404)
    expect((await w.demo.post(attached(), { volumeAttachment: { volumeId: 'x' } })).status).toBe(400)
    expect((await w.demo.post(attached(), { volumeAttachment: { volumeId: volume, device: 'x y' } })).status).toBe(400)
    const far = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.b' } })).body
      .volume.id
    await w.plimsoll.settle()
    expect((await w.demo.post(attached(), { volumeAttachment: { volumeId: far } })).status).toBe(400)
    await w.act(id, { lock: null })
    expect((await w.demo.post(attached(), { volumeAttachment: { volumeId: volume } })).status).toBe(409)
  })
})

describe('security groups of a server', () => {
  const names = async () => (await w.server(id)).security_groups?.map(({ name }: { name: string }) => name).sort()
  test('join and leave all ports', async () => {
    await w.demo.post('/network/v2.0/security-groups', { security_group: { name: 'web' } })
    expect((await w.act(id, { addSecurityGroup: { name: 'web' } })).status).toBe(202)
    expect(await names()).toEqual(['default', 'web'])
    await w.plimsoll.settle()
    expect((await w.act(id, { removeSecurityGroup: { name: 'default' } })).status).toBe(202)
    expect(await names()).toEqual(['web'])
    expect((await w.act(id, { removeSecurityGroup: { name: 'default' } })).status).toBe(404)
    expect((await w.act(id, { addSecurityGroup: { name: 'none' } })).status).toBe(404)
    expect((await w.act(id, { addSecurityGroup: { name: ' ' } })).status).toBe(400)
    await w.act(id, { removeSecurityGroup: { name: 'web' } })
    expect(await names()).toBeUndefined()
  })
})

describe('a floating address', () => {
  test('shows beside the fixed one', async () => {
    const external = (await w.demo.get('/network/v2.0/networks?router:external=True')).body.networks[0].id
    const router = (
      await w.demo.post('/network/v2.0/routers', {
        router: { name: 'r', external_gateway_info: { network_id: external } },
      })
    ).body.router
    await w.demo.put(`/network/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: w.subnet })
    const port = (await w.demo.get(`${NOVA}/servers/${id}/os-interface`)).body.interfaceAttachments[0].port_id
    const floating = await w.demo.post('/network/v2.0/floatingips', {
      floatingip: { floating_network_id: external, port_id: port },
    })
    expect(floating.status).toBe(201)
    await w.plimsoll.settle()
    const addresses = (await w.server(id)).addresses.private
    expect(addresses).toHaveLength(2)
    expect(addresses[1]).toMatchObject({ 'OS-EXT-IPS:type': 'floating', version: 4 })
    expect(await (await w.newest.get(`${NOVA}/servers?ip=${addresses[1].addr}`, at('2.96'))).body.servers).toHaveLength(
      1,
    )
  })
})
