import { beforeEach, describe, expect, test } from 'vitest'
import { type Answer, ORIGIN, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const NOVA = '/compute/v2.1'
const at = (minor: number) => ({ 'OpenStack-API-Version': `compute 2.${minor}` })
const names = (body: { flavors: { name: string }[] }) => body.flavors.map(({ name }) => name)
const COMMON = ['m1.tiny', 'm1.small', 'm1.medium', 'm1.large', 'm1.xlarge']
const small = { name: 'c1', ram: 256, vcpus: 1, disk: 2 }

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})
const addFlavor = (fields = {}, minor = 1) =>
  plimsoll.as('admin').post(`${NOVA}/flavors`, { flavor: { ...small, ...fields } }, at(minor))

describe('what is listed', () => {
  test('common flavors and what the clouds of the project name', async () => {
    const { status, body } = await plimsoll.as('demo').get(`${NOVA}/flavors`)
    expect(status).toBe(200)
    expect(names(body)).toEqual(expect.arrayContaining(COMMON))
    expect(names(body).length).toBeGreaterThan(COMMON.length)
    expect(body.flavors[0]).toEqual({
      id: '1',
      name: 'm1.tiny',
      links: [
        { rel: 'self', href: `${ORIGIN}/compute/v2.1/flavors/1` },
        { rel: 'bookmark', href: `${ORIGIN}/compute/flavors/1` },
      ],
    })
    expect((await plimsoll.as('demo').get(`${NOVA}/flavors`, at(55))).body.flavors[0].description).toBeNull()
  })

  test('a project without clouds has common flavors alone; admins see all', async () => {
    await plimsoll.newProject('apart')
    expect(names((await plimsoll.as('apart').get(`${NOVA}/flavors/detail`)).body)).toEqual(COMMON)
    const all = names((await plimsoll.as('admin').get(`${NOVA}/flavors/detail?is_public=None`)).body)
    expect(all).toEqual(expect.arrayContaining(names((await plimsoll.as('demo').get(`${NOVA}/flavors`)).body)))
  })

  test('filters, order and pages', async () => {
    const demo = plimsoll.as('demo')
    const sized = (await demo.get(`${NOVA}/flavors/detail?minRam=4096&minDisk=40`)).body.flavors
    expect(sized.length).toBeGreaterThan(0)
    for (const { ram, disk } of sized) expect([ram >= 4096, disk >= 40]).toEqual([true, true])
    const rams = (await demo.get(`${NOVA}/flavors/detail?sort_key=memory_mb&sort_dir=desc`)).body.flavors.map(
      (f: { ram: number }) => f.ram,
    )
    expect(rams).toEqual([...rams].sort((a, b) => b - a))

    const whole = names((await demo.get(`${NOVA}/flavors?sort_key=name`)).body)
    const paged: string[] = []
    for (let href: string | undefined = `${NOVA}/flavors?sort_key=name&limit=2`; href; ) {
      const { body }: Answer = await demo.get(href)
      paged.push(...names(body))
      href = body.flavors_links?.[0].href
    }
    expect(paged).toEqual(whole)
    const next = (await demo.get(`${NOVA}/flavors/detail?limit=1`)).body.flavors_links
    expect(next).toEqual([{ rel: 'next', href: `${ORIGIN}/compute/v2.1/flavors/detail?limit=1&marker=1` }])
  })

  test.each([
    ['limit=x', 400],
    ['limit=-1', 400],
    ['marker=none', 400],
    ['minRam=lots', 400],
    ['minDisk=1.5', 400],
    ['sort_key=colour', 400],
    ['sort_dir=up', 400],
    ['colour=red', 200],
  ])('?%s is %i', async (query, status) => {
    expect((await plimsoll.as('demo').get(`${NOVA}/flavors?${query}`)).status).toBe(status)
  })

  test('from 2.75 on unknown queries are refused', async () => {
    expect((await plimsoll.as('demo').get(`${NOVA}/flavors?colour=red`, at(75))).status).toBe(400)
    expect((await plimsoll.as('admin').get(`${NOVA}/flavors?is_public=maybe`)).body.badRequest.message).toBe(
      'Invalid is_public filter [maybe]',
    )
  })
})

describe('one flavor', () => {
  const keys = ['id', 'name', 'ram', 'disk', 'swap', 'vcpus', 'rxtx_factor', 'links']
  const extended = ['OS-FLV-EXT-DATA:ephemeral', 'OS-FLV-DISABLED:disabled', 'os-flavor-access:is_public']
  test.each([
    [1, [], ''],
    [54, [], ''],
    [55, ['description'], ''],
    [61, ['description', 'extra_specs'], ''],
    [75, ['description', 'extra_specs'], 0],
    [96, ['description', 'extra_specs'], 0],
  ])('at 2.%i', async (minor, more, swap) => {
    const { body } = await plimsoll.as('demo').get(`${NOVA}/flavors/2`, at(minor))
    expect(Object.keys(body.flavor).sort()).toEqual([...keys, ...extended, ...more].sort())
    expect(body.flavor).toMatchObject({
      id: '2',
      name: 'm1.small',
      ram: 2048,
      disk: 20,
      vcpus: 1,
      swap,
      rxtx_factor: 1,
    })
  })

  test('names are not ids', async () => {
    const { status, body } = await plimsoll.as('demo').get(`${NOVA}/flavors/m1.tiny`)
    expect([status, body]).toEqual([
      404,
      { itemNotFound: { code: 404, message: 'Flavor m1.tiny could not be found.' } },
    ])
  })

  test('a native one tells architecture and zones, and is hidden from projects without its cloud', async () => {
    const list = (await plimsoll.as('demo').get(`${NOVA}/flavors/detail`, at(61))).body.flavors
    const native = list.find((flavor: { name: string }) => !COMMON.includes(flavor.name))
    expect(native.extra_specs['plimsoll:arch']).toMatch(/x86_64|aarch64/)
    expect(native.extra_specs['plimsoll:zones']).toContain('sandbox.')
    await plimsoll.newProject('apart')
    expect((await plimsoll.as('apart').get(`${NOVA}/flavors/${native.id}`)).status).toBe(404)
    expect((await plimsoll.as('demo').get(`${NOVA}/flavors/${native.id}`)).status).toBe(200)
    for (const path of ['', '/os-extra_specs'])
      expect(
        (
          await plimsoll
            .as('admin')
            .send(path ? 'POST' : 'DELETE', `${NOVA}/flavors/${native.id}${path}`, { extra_specs: { a: 'b' } })
        ).status,
      ).toBe(403)
  })
})

describe('an admin', () => {
  test('makes, describes and deletes a common flavor', async () => {
    const made = await addFlavor(
      { id: 42, swap: 512, 'OS-FLV-EXT-DATA:ephemeral': 3, rxtx_factor: 2, description: 'tiny' },
      55,
    )
    expect(made.status).toBe(200)
    expect(made.body.flavor).toMatchObject({
      ...small,
      id: '42',
      swap: 512,
      'OS-FLV-EXT-DATA:ephemeral': 3,
      rxtx_factor: 2,
      description: 'tiny',
    })
    const admin = plimsoll.as('admin')
    const put = await admin.put(`${NOVA}/flavors/42`, { flavor: { description: null } }, at(61))
    expect(put.body.flavor).toMatchObject({ description: null, extra_specs: {} })
    expect((await admin.put(`${NOVA}/flavors/42`, { flavor: { description: 'x' } })).status).toBe(404)
    const deleted = await admin.delete(`${NOVA}/flavors/42`)
    expect([deleted.status, deleted.body]).toEqual([202, null])
    expect((await admin.get(`${NOVA}/flavors/42`)).status).toBe(404)
    expect((await admin.delete(`${NOVA}/flavors/42`)).status).toBe(404)
  })

  test('says how fast its network is as a number, or its digits', async () => {
    expect((await addFlavor({ rxtx_factor: '1.5' })).body.flavor.rxtx_factor).toBe(1.5)
    for (const wrong of [true, [], '', null, '1e3', 0, { toString: 1 }])
      expect([wrong, (await addFlavor({ rxtx_factor: wrong })).status]).toEqual([wrong, 400])
  })

  test('cannot take a name or an id twice', async () => {
    expect((await addFlavor({ id: 'a' })).status).toBe(200)
    const name = await addFlavor({ id: 'b' })
    expect([name.status, name.body.conflictingRequest.message]).toEqual([409, 'Flavor with name c1 already exists.'])
    const id = await addFlavor({ id: 'a', name: 'c2' })
    expect([id.status, id.body.conflictingRequest.message]).toEqual([409, 'Flavor with ID a already exists.'])
  })

  test.each([
    { name: '' },
    { name: ' x' },
    { ram: 0 },
    { ram: 'x' },
    { vcpus: -1 },
    { disk: 1.5 },
    { swap: -1 },
    { id: ' x' },
    { rxtx_factor: 0 },
    { 'os-flavor-access:is_public': 'perhaps' },
    { description: 'too early' },
    { colour: 'red' },
  ])('is refused %j', async (fields) => {
    const { status, body } = await addFlavor(fields)
    expect([status, body.badRequest.message]).toEqual([
      400,
      expect.stringContaining('Invalid input for field/attribute'),
    ])
  })

  test('alone makes and deletes flavors', async () => {
    expect((await plimsoll.as('demo').post(`${NOVA}/flavors`, { flavor: small })).status).toBe(403)
    expect((await plimsoll.as('demo').delete(`${NOVA}/flavors/1`)).status).toBe(403)
  })

  test('keeps extra specs', async () => {
    const admin = plimsoll.as('admin')
    const path = `${NOVA}/flavors/1/os-extra_specs`
    const set = await admin.post(path, { extra_specs: { 'hw:cpu_policy': 'shared', n: 2.5 } })
    expect([set.status, set.body]).toEqual([200, { extra_specs: { 'hw:cpu_policy': 'shared', n: 2.5 } }])
    expect((await admin.put(`${path}/n`, { n: '3' })).body).toEqual({ n: '3' })
    expect((await admin.put(`${path}/n`, { m: '3' })).body.badRequest.message).toBe('Request body and URI mismatch')
    expect((await admin.put(`${path}/n`, { n: '3', m: '4' })).status).toBe(400)
    expect((await admin.post(path, { extra_specs: { 'a/b': 'c' } })).status).toBe(400)
    expect((await plimsoll.as('demo').get(path)).body).toMatchObject({
      extra_specs: { 'hw:cpu_policy': 'shared', n: '3' },
    })
    expect((await plimsoll.as('demo').get(`${path}/n`)).body).toEqual({ n: '3' })
    expect((await admin.delete(`${path}/n`)).status).toBe(200)
    expect((await admin.get(`${path}/n`)).body.itemNotFound.message).toBe('Flavor 1 has no extra specs with key n.')
    expect((await admin.delete(`${path}/n`)).status).toBe(404)
    expect((await plimsoll.as('demo').get(`${NOVA}/flavors/1`, at(61))).body.flavor.extra_specs).toEqual({
      'hw:cpu_policy': 'shared',
      'plimsoll:price': '0.004 USD per hour',
    })
  })

  test('lends a private flavor', async () => {
    const admin = plimsoll.as('admin')
    await addFlavor({ id: 'p', 'os-flavor-access:is_public': false })
    await plimsoll.newProject('friend')
    const friend = plimsoll.as('friend')
    const tenant = plimsoll.projectId('friend')
    const action = (body: unknown, minor = 7) => admin.post(`${NOVA}/flavors/p/action`, body, at(minor))
    expect((await friend.get(`${NOVA}/flavors/p`)).status).toBe(404)
    expect(names((await friend.get(`${NOVA}/flavors?is_public=None`)).body)).not.toContain('c1')
    expect((await admin.get(`${NOVA}/flavors/p/os-flavor-access`)).body).toEqual({ flavor_access: [] })

    const access = { flavor_access: [{ flavor_id: 'p', tenant_id: tenant }] }
    expect((await action({ addTenantAccess: { tenant } })).body).toEqual(access)
    expect((await action({ addTenantAccess: { tenant } })).body.conflictingRequest.message).toBe(
      `Flavor access already exists for flavor p and project ${tenant} combination.`,
    )
    expect((await action({ addTenantAccess: { tenant: 'nobody' } })).status).toBe(400)
    expect((await admin.get(`${NOVA}/flavors/p/os-flavor-access`)).body).toEqual(access)
    expect(names((await friend.get(`${NOVA}/flavors`)).body)).toContain('c1')
    expect(names((await plimsoll.as('demo').get(`${NOVA}/flavors`)).body)).not.toContain('c1')
    expect(names((await admin.get(`${NOVA}/flavors`)).body)).not.toContain('c1')
    for (const no of ['false', '0', 'f', 'F', 'off', 'n', 'No'])
      expect(names((await admin.get(`${NOVA}/flavors?is_public=${no}`)).body)).toEqual(['c1'])
    for (const yes of ['t', 'True', 'y', 'ON', '1'])
      expect(names((await admin.get(`${NOVA}/flavors?is_public=${yes}`)).body)).not.toContain('c1')

    expect((await action({ removeTenantAccess: { tenant } })).body).toEqual({ flavor_access: [] })
    expect((await action({ removeTenantAccess: { tenant } })).status).toBe(404)
    expect((await friend.get(`${NOVA}/flavors/p`)).status).toBe(404)
    expect((await admin.get(`${NOVA}/flavors/1/os-flavor-access`)).body.itemNotFound.message).toBe(
      'Access list not available for public flavors.',
    )
    expect((await admin.post(`${NOVA}/flavors/1/action`, { addTenantAccess: { tenant } }, at(7))).status).toBe(409)
  })
})
