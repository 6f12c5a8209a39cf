import { beforeEach, describe, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
let id: string
beforeEach(async () => {
  w = await newWorld()
  id = await w.running({ metadata: { a: 'b' } })
})
// biome-ignore format: a table
const FIRST = [
  'OS-DCF:diskConfig', 'OS-EXT-AZ:availability_zone', 'OS-EXT-STS:power_state', 'OS-EXT-STS:task_state', 'OS-EXT-STS:vm_state',
  'OS-SRV-USG:launched_at', 'OS-SRV-USG:terminated_at', 'accessIPv4', 'accessIPv6', 'addresses', 'config_drive', 'created', 'flavor',
  'hostId', 'id', 'image', 'key_name', 'links', 'metadata', 'name', 'os-extended-volumes:volumes_attached', 'progress',
  'security_groups', 'status', 'tenant_id', 'updated', 'user_id',
]
/** What each version adds for everybody. */
const ADDED: [string, string[]][] = [
  ['2.9', ['locked']],
  ['2.19', ['description']],
  ['2.26', ['tags']],
  ['2.63', ['trusted_image_certificates']],
  ['2.71', ['server_groups']],
  ['2.73', ['locked_reason']],
  ['2.90', ['OS-EXT-SRV-ATTR:hostname']],
  ['2.96', ['pinned_availability_zone']],
]
const keys = async (version: string, client = w.demo) =>
  Object.keys((await client.get(`${NOVA}/servers/${id}`, at(version))).body.server).sort()

describe('what a server shows', () => {
  test('grows by the keys of each version and no others', async () => {
    const known = [...FIRST]
    expect(await keys('2.1')).toEqual(known)
    for (const [version, added] of ADDED) {
      const before = `2.${Number(version.slice(2)) - 1}`
      expect([before, await keys(before)]).toEqual([before, [...known].sort()])
      known.push(...added)
      expect([version, await keys(version)]).toEqual([version, [...known].sort()])
    }
  })

  test('changes its flavor with 2.47', async () => {
    const old = await w.server(id, w.demo)
    expect(old.flavor).toEqual({
      id: '1',
      links: [{ rel: 'bookmark', href: expect.stringMatching(/\/compute\/flavors\/1$/) }],
    })
    expect(old.image).toEqual({ id: w.image, links: [expect.anything()] })
    const now = await w.server(id, w.demo.with(at('2.47')))
    expect(now.flavor).toEqual({
      vcpus: 1,
      ram: 512,
      disk: 1,
      ephemeral: 0,
      swap: 0,
      original_name: 'm1.tiny',
      extra_specs: {},
    })
  })

  test('has times as Nova writes them', async () => {
    const server = await w.server(id)
    expect(server.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(server['OS-SRV-USG:launched_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
    expect(server['OS-SRV-USG:terminated_at']).toBeNull()
  })

  test('tells admins where it is', async () => {
    const admin = ['OS-EXT-SRV-ATTR:host', 'OS-EXT-SRV-ATTR:hypervisor_hostname', 'OS-EXT-SRV-ATTR:instance_name']
    expect(await keys('2.1', w.admin)).toEqual([...FIRST, ...admin].sort())
    const now = (await w.admin.get(`${NOVA}/servers/${id}`, at('2.96'))).body.server
    expect(now).toMatchObject({
      'OS-EXT-SRV-ATTR:host': 'sandbox',
      host_status: 'UP',
      'OS-EXT-SRV-ATTR:user_data': null,
    })
    expect(now['OS-EXT-SRV-ATTR:reservation_id']).toMatch(/^r-/)
  })

  test('answers a change with less before 2.75', async () => {
    const old = await w.demo.put(`${NOVA}/servers/${id}`, {
      server: { name: 'renamed', accessIPv4: '1.1.1.1', accessIPv6: '::202:202' },
    })
    expect(old.status).toBe(200)
    // biome-ignore format: a table
    expect(Object.keys(old.body.server).sort()).toEqual([
      'OS-DCF:diskConfig', 'accessIPv4', 'accessIPv6', 'addresses', 'created', 'flavor', 'hostId', 'id', 'image', 'links', 'metadata',
      'name', 'progress', 'status', 'tenant_id', 'updated', 'user_id',
    ])
    expect(old.body.server).toMatchObject({ name: 'renamed', accessIPv4: '1.1.1.1', accessIPv6: '::202:202' })
    const now = await w.newest.put(`${NOVA}/servers/${id}`, {
      server: { description: null, hostname: 'fresh.example', 'OS-DCF:diskConfig': 'AUTO' },
    })
    expect(now.body.server).toEqual(await w.server(id))
    expect(now.body.server).toMatchObject({
      description: null,
      'OS-EXT-SRV-ATTR:hostname': 'fresh.example',
      'OS-DCF:diskConfig': 'AUTO',
    })
    for (const server of [{ name: '' }, { name: 5 }, { accessIPv4: 'x' }, { unknown: 1 }])
      expect((await w.newest.put(`${NOVA}/servers/${id}`, { server })).status).toBe(400)
    expect((await w.newest.put(`${NOVA}/servers/-1`, { server: { name: 'x' } })).status).toBe(404)
  })

  test('shows user data after a rebuild as such, and not once more among what is for administrators', async () => {
    const admin = w.admin.with({ 'OpenStack-API-Version': 'compute 2.96' })
    const { server } = (await w.act(id, { rebuild: { imageRef: w.image } }, admin)).body
    await w.plimsoll.settle()
    const { 'OS-EXT-SRV-ATTR:user_data': _, ...shown } = (await admin.get(`${NOVA}/servers/${id}`)).body.server
    const keys = new Set(Object.keys(server))
    expect(keys.has('OS-EXT-SRV-ATTR:user_data')).toBe(false)
    for (const key of ['OS-EXT-SRV-ATTR:host', 'OS-EXT-SRV-ATTR:hostname']) expect(keys.has(key)).toBe(key in shown)
    expect(keys.has('user_data')).toBe(true)
  })

  test('lists its addresses', async () => {
    const { body } = await w.demo.get(`${NOVA}/servers/${id}/ips`)
    expect(body).toEqual({ addresses: { private: [{ version: 4, addr: expect.any(String) }] } })
    expect((await w.demo.get(`${NOVA}/servers/${id}/ips/private`)).body).toEqual({ private: body.addresses.private })
    expect((await w.demo.get(`${NOVA}/servers/${id}/ips/none`)).status).toBe(404)
  })
})

describe('metadata of a server', () => {
  const metadata = () => `${NOVA}/servers/${id}/metadata`
  test('is replaced and merged as a whole', async () => {
    expect((await w.demo.get(metadata())).body).toEqual({ metadata: { a: 'b' } })
    expect((await w.demo.post(metadata(), { metadata: { c: 'd' } })).body).toEqual({ metadata: { a: 'b', c: 'd' } })
    expect((await w.demo.put(metadata(), { metadata: { e: 'f' } })).body).toEqual({ metadata: { e: 'f' } })
    await w.plimsoll.settle()
    expect((await w.server(id)).metadata).toEqual({ e: 'f' })
    expect((await w.demo.put(metadata(), { metadata: { e: 5 } })).status).toBe(400)
    expect((await w.demo.put(metadata(), { metadata: { ['x'.repeat(256)]: '' } })).status).toBe(400)
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, '']))
    expect((await w.demo.put(metadata(), { metadata: many })).status).toBe(403)
  })
  test('is read, set and deleted item by item', async () => {
    expect((await w.demo.put(`${metadata()}/x`, { meta: { x: 'y' } })).body).toEqual({ meta: { x: 'y' } })
    expect((await w.demo.put(`${metadata()}/x`, { meta: { z: 'y' } })).status).toBe(400)
    expect((await w.demo.get(`${metadata()}/x`)).body).toEqual({ meta: { x: 'y' } })
    expect((await w.demo.delete(`${metadata()}/x`)).status).toBe(204)
    expect((await w.demo.delete(`${metadata()}/x`)).status).toBe(404)
    expect((await w.demo.get(`${metadata()}/x`)).status).toBe(404)
    await w.act(id, { lock: null })
    expect((await w.demo.post(metadata(), { metadata: { c: 'd' } })).status).toBe(409)
  })
})

describe('tags of a server', () => {
  test('are set and removed one by one and all together', async () => {
    const tags = `${NOVA}/servers/${id}/tags`
    expect((await w.newest.put(`${tags}/a`)).status).toBe(201)
    expect((await w.newest.put(`${tags}/a`)).status).toBe(204)
    expect((await w.newest.put(`${tags}/${'x'.repeat(61)}`)).status).toBe(400)
    expect((await w.newest.get(`${tags}/a`)).status).toBe(204)
    expect((await w.newest.get(`${tags}/b`)).status).toBe(404)
    expect((await w.newest.put(tags, { tags: ['b', 'c', 'b'] })).body).toEqual({ tags: ['b', 'c'] })
    expect((await w.newest.get(tags)).body).toEqual({ tags: ['b', 'c'] })
    expect((await w.newest.delete(`${tags}/b`)).status).toBe(204)
    expect((await w.newest.delete(`${tags}/b`)).status).toBe(404)
    expect((await w.newest.delete(tags)).status).toBe(204)
    expect((await w.server(id)).tags).toEqual([])
    expect((await w.newest.put(tags, { tags: Array.from({ length: 51 }, (_, i) => `t${i}`) })).status).toBe(400)
    expect((await w.demo.get(tags)).status).toBe(404)
  })
})

describe('the history of a server', () => {
  test('tells what was asked, newest first', async () => {
    await w.act(id, { reboot: { type: 'SOFT' } })
    await w.plimsoll.settle()
    const history = `${NOVA}/servers/${id}/os-instance-actions`
    const { body } = await w.demo.get(history)
    expect(body.instanceActions.map(({ action }: { action: string }) => action)).toEqual(['reboot', 'create'])
    const [reboot] = body.instanceActions
    expect(Object.keys(reboot).sort()).toEqual([
      'action',
      'instance_uuid',
      'message',
      'project_id',
      'request_id',
      'start_time',
      'user_id',
    ])
    const shown = await w.demo.get(`${history}/${reboot.request_id}`)
    expect(shown.body.instanceAction).toEqual(reboot)
    const now = (await w.newest.get(`${history}/${reboot.request_id}`)).body.instanceAction
    expect(now).toMatchObject({
      updated_at: expect.any(String),
      events: [{ event: 'compute_reboot_instance', result: 'Success', hostId: '' }],
    })
    expect((await w.admin.get(`${history}/${reboot.request_id}`)).body.instanceAction.events[0]).toHaveProperty(
      'traceback',
    )
    expect((await w.demo.get(`${history}/req-none`)).status).toBe(404)
    const page = await w.newest.get(`${history}?limit=1`)
    expect(page.body.links[0].rel).toBe('next')
    const next = await w.newest.get(page.body.links[0].href)
    expect(next.body.instanceActions.map(({ action }: { action: string }) => action)).toEqual(['create'])
    expect((await w.newest.get(`${history}?changes-since=2030-01-01T00:00:00Z`)).body.instanceActions).toEqual([])
    expect((await w.newest.get(`${history}?changes-before=2020-01-01T00:00:00Z`)).body.instanceActions).toEqual([])
    expect((await w.newest.get(`${history}?unknown=1`)).status).toBe(400)
    expect((await w.newest.get(`${history}?marker=none`)).status).toBe(400)
  })
  test('outlives the server from 2.21 on', async () => {
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    const history = `${NOVA}/servers/${id}/os-instance-actions`
    expect((await w.demo.get(history)).status).toBe(404)
    const { body } = await w.newest.get(history)
    expect(body.instanceActions.map(({ action }: { action: string }) => action)).toEqual(['delete', 'create'])
  })
})
