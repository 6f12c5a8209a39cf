import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

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
const makePool = (body: object, by = demo) =>
  by.post(`${V2}/subnetpools`, { subnetpool: { name: 'p', prefixes: ['10.0.0.0/8'], ...body } })
const pooled = async (body: object = {}, by = demo) => (await makePool(body, by)).body.subnetpool
const makeScope = async (body: object = {}, by = demo) =>
  (await by.post(`${V2}/address-scopes`, { address_scope: { name: 's', ip_version: 4, ...body } })).body.address_scope
const networked = async (by = demo): Promise<string> =>
  (await by.post(`${V2}/networks`, { network: {} })).body.network.id
const take = async (subnetpool_id: string, body: object = {}, by = demo) =>
  by.post(`${V2}/subnets`, { subnet: { network_id: await networked(by), ip_version: 4, subnetpool_id, ...body } })
const taken = async (pool: string, body: object = {}) => {
  const answer = await take(pool, body)
  return answer.body.subnet?.cidr ?? fault(answer)
}

describe('a subnet pool', () => {
  test('shows what was asked, and what follows from it', async () => {
    const { status, body } = await makePool({ prefixes: ['10.1.0.0/16', '10.0.0.0/16', '192.168.0.7/24'] })
    expect(status).toBe(201)
    expect(body.subnetpool).toEqual({
      id: expect.any(String),
      name: 'p',
      description: '',
      prefixes: ['10.0.0.0/15', '192.168.0.0/24'],
      ip_version: 4,
      min_prefixlen: '8',
      max_prefixlen: '32',
      default_prefixlen: '8',
      default_quota: null,
      is_default: false,
      shared: false,
      address_scope_id: null,
      project_id: plimsoll.projectId('demo'),
      tenant_id: plimsoll.projectId('demo'),
      tags: [],
      revision_number: 0,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    const { id } = body.subnetpool
    expect((await demo.get(`${V2}/subnetpools/${id}`)).body).toEqual(body)
    const put = await demo.put(`${V2}/subnetpools/${id}`, {
      subnetpool: { name: 'q', description: 'd', default_prefixlen: '24', default_quota: 512 },
    })
    expect(put.body.subnetpool).toMatchObject({ name: 'q', default_prefixlen: '24', default_quota: 512 })
    expect((await demo.get(`${V2}/subnetpools/${id}`)).body).toEqual(put.body)
    expect(put.body.subnetpool.revision_number).toBe(1)
    expect((await demo.delete(`${V2}/subnetpools/${id}`)).status).toBe(204)
    expect(fault(await demo.get(`${V2}/subnetpools/${id}`))).toEqual([
      404,
      'SubnetPoolNotFound',
      `Subnet pool ${id} could not be found.`,
    ])
  })

  test('of IPv6 has lengths of its own', async () => {
    expect(await pooled({ prefixes: ['2001:DB8::/48', '2001:db8:1::/48'] })).toMatchObject({
      prefixes: ['2001:db8::/47'],
      ip_version: 6,
      min_prefixlen: '64',
      default_prefixlen: '64',
      max_prefixlen: '128',
    })
  })

  test.each([
    [{ prefixes: [] }, 400, 'EmptySubnetPoolPrefixList', 'Empty subnet pool prefix list.'],
    [
      { prefixes: ['10.0.0.0/8', '2001:db8::/32'] },
      400,
      'PrefixVersionMismatch',
      'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.',
    ],
    [
      { prefixes: ['10.0.0.0'] },
      400,
      'HTTPBadRequest',
      "Invalid input for prefixes. Reason: '10.0.0.0' is not a valid IP subnet.",
    ],
    [
      { prefixes: ['10.0.0.0/8', '10.0.0.0/8'] },
      400,
      'HTTPBadRequest',
      "Invalid input for prefixes. Reason: Duplicate items in the list: '10.0.0.0/8'.",
    ],
    [
      { prefixes: Array.from({ length: 257 }, (_, i) => `10.${i % 256}.${i >> 8}.0/24`) },
      400,
      'HTTPBadRequest',
      'Invalid input for prefixes. Reason: A subnet pool has at most 256 prefixes, and these are 257.',
    ],
    [{ name: ' ' }, 400, 'HTTPBadRequest', "Invalid input for name. Reason: ' ' Blank strings are not permitted."],
    [
      { min_prefixlen: 25, max_prefixlen: 24 },
      400,
      'IllegalSubnetPoolPrefixBounds',
      'Illegal prefix bounds: min_prefixlen=25, max_prefixlen=24.',
    ],
    [
      { max_prefixlen: 33 },
      400,
      'IllegalSubnetPoolPrefixBounds',
      'Illegal prefix bounds: max_prefixlen=33, ip_version_max=32.',
    ],
    [
      { default_prefixlen: 7 },
      400,
      'IllegalSubnetPoolPrefixBounds',
      'Illegal prefix bounds: default_prefixlen=7, min_prefixlen=8.',
    ],
    [
      { default_prefixlen: 30, max_prefixlen: 29 },
      400,
      'IllegalSubnetPoolPrefixBounds',
      'Illegal prefix bounds: default_prefixlen=30, max_prefixlen=29.',
    ],
    [
      { default_quota: -1 },
      400,
      'HTTPBadRequest',
      "Invalid input for default_quota. Reason: '-1' should be non-negative.",
    ],
    [
      { shared: true },
      403,
      'PolicyNotAuthorized',
      '(rule:create_subnetpool and rule:create_subnetpool:shared) is disallowed by policy',
    ],
    [
      { is_default: true },
      403,
      'PolicyNotAuthorized',
      '(rule:create_subnetpool and rule:create_subnetpool:is_default) is disallowed by policy',
    ],
  ])('refused: %j', async (body, status, type, message) =>
    expect(fault(await makePool(body))).toEqual([status, type, message]),
  )

  test('has a name and prefixes', async () => {
    for (const [missing, body] of [
      ['name', { prefixes: ['10.0.0.0/8'] }],
      ['prefixes', { name: 'p' }],
    ])
      expect(fault(await demo.post(`${V2}/subnetpools`, { subnetpool: body }))[2]).toBe(
        `Failed to parse request. Required attribute '${missing}' not specified`,
      )
  })

  test('is listed by its attributes and tags, a page at a time, and counted', async () => {
    const [a, b] = [
      await pooled({ name: 'a', default_prefixlen: 24 }),
      await pooled({ name: 'b', prefixes: ['2001:db8::/48'] }),
    ]
    const names = async (query: string) =>
      (await demo.get(`${V2}/subnetpools?${query}`)).body.subnetpools.map(({ name }: { name: string }) => name)
    expect(await names('ip_version=6')).toEqual(['b'])
    expect(await names('default_prefixlen=24')).toEqual(['a'])
    expect(await names('is_default=true')).toEqual([])
    expect(await names('sort_key=name&sort_dir=desc')).toEqual(['b', 'a'])
    expect(await names(`sort_key=name&limit=1&marker=${a.id}`)).toEqual(['b'])
    expect((await demo.put(`${V2}/subnetpools/${b.id}/tags`, { tags: ['x'] })).body).toEqual({ tags: ['x'] })
    expect(await names('tags=x')).toEqual(['b'])
    expect((await demo.get(`${V2}/subnetpools?fields=name&sort_key=name`)).body.subnetpools).toEqual([
      { name: 'a' },
      { name: 'b' },
    ])
    expect(fault(await demo.get(`${V2}/subnetpools?prefixes=x`))[2]).toBe(
      "['prefixes'] is invalid attribute for filtering",
    )
    const path = `${V2}/quotas/${plimsoll.projectId('demo')}`
    expect((await demo.get(`${path}/details`)).body.quota.subnetpool).toEqual({ limit: 50, used: 2, reserved: 0 })
    await admin.put(path, { quota: { subnetpool: 2 } })
    expect(fault(await makePool({}))).toEqual([409, 'OverQuota', "Quota exceeded for resources: ['subnetpool']."])
    await demo.delete(`${V2}/subnetpools/${a.id}`)
    expect((await makePool({})).status).toBe(201)
  })

  test('changes only at the revision that is named', async () => {
    const { id } = await pooled()
    const named = (revision: number) => ({ 'If-Match': `revision_number=${revision}` })
    const rename = (revision: number) =>
      demo.put(`${V2}/subnetpools/${id}`, { subnetpool: { name: 'q' } }, named(revision))
    expect((await rename(7)).status).toBe(412)
    expect((await rename(0)).status).toBe(200)
  })

  test('that is shared is seen and used by all, and changed by its owner', async () => {
    const { id } = await pooled({ shared: true, default_prefixlen: 24 }, admin)
    await plimsoll.newProject('stranger')
    const stranger = plimsoll.as('stranger')
    expect((await stranger.get(`${V2}/subnetpools?shared=true`)).body.subnetpools).toMatchObject([{ id }])
    expect((await take(id, {}, stranger)).body.subnet).toMatchObject({ cidr: '10.0.0.0/24', subnetpool_id: id })
    expect((await stranger.put(`${V2}/subnetpools/${id}`, { subnetpool: { name: 'x' } })).status).toBe(403)
    expect((await stranger.delete(`${V2}/subnetpools/${id}`)).status).toBe(403)
    const own = await pooled()
    expect((await stranger.get(`${V2}/subnetpools/${own.id}`)).status).toBe(404)
    expect(fault(await take(own.id, {}, stranger))[1]).toBe('SubnetPoolNotFound')
  })
})

describe('a subnet from a pool', () => {
  test('has the lowest range of the narrowest space that has room, and gives it back', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/16'], default_prefixlen: 24, min_prefixlen: 16 })
    const first = (await take(id)).body.subnet
    expect(first).toMatchObject({
      cidr: '10.0.0.0/24',
      gateway_ip: '10.0.0.1',
      allocation_pools: [{ start: '10.0.0.2', end: '10.0.0.254' }],
      subnetpool_id: id,
    })
    expect(await taken(id, { prefixlen: 26 })).toBe('10.0.1.0/26')
    expect(await taken(id, { prefixlen: 25 })).toBe('10.0.1.128/25')
    expect(await taken(id, { prefixlen: 20, gateway_ip: null })).toBe('10.0.16.0/20')
    expect(await taken(id)).toBe('10.0.2.0/24')
    expect((await demo.get(`${V2}/subnets?subnetpool_id=${id}`)).body.subnets).toHaveLength(5)
    await demo.delete(`${V2}/subnets/${first.id}`)
    expect(await taken(id)).toBe('10.0.0.0/24')
    expect(await taken(id)).toBe('10.0.3.0/24')
    expect(await taken(id, { prefixlen: 16 })).toEqual([
      500,
      'SubnetAllocationError',
      'Failed to allocate subnet: Insufficient prefix space to allocate subnet size /16.',
    ])
    for (const { network_id } of (await demo.get(`${V2}/subnets?subnetpool_id=${id}`)).body.subnets)
      expect((await demo.delete(`${V2}/networks/${network_id}`)).status).toBe(204)
    expect(await taken(id, { prefixlen: 16 })).toBe('10.0.0.0/16')
  })

  test('may name its range, or its gateway', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/16', '2001:db8::/48'].slice(0, 1), default_prefixlen: 24 })
    expect(await taken(id, { cidr: '10.0.7.0/24', allocation_pools: [{ start: '10.0.7.9', end: '10.0.7.10' }] })).toBe(
      '10.0.7.0/24',
    )
    expect(await taken(id, { gateway_ip: '10.0.8.254', prefixlen: 23 })).toBe('10.0.8.0/23')
    for (const cidr of ['10.0.7.0/24', '10.0.7.128/25', '10.0.0.0/20', '10.1.0.0/24'])
      expect(await taken(id, { cidr })).toEqual([
        500,
        'SubnetAllocationError',
        'Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.',
      ])
  })

  test.each([
    [{ cidr: '10.0.0.0/24', prefixlen: 24 }, 'Bad subnets request: cidr and prefixlen must not be supplied together.'],
    [
      { use_default_subnetpool: true },
      'Bad subnets request: subnetpool_id and use_default_subnetpool cannot both be specified.',
    ],
    [{ ip_version: 6 }, 'Bad subnets request: Cannot allocate IPv6 subnet from IPv4 subnet pool.'],
    [
      { allocation_pools: [{ start: '10.0.0.5', end: '10.0.0.6' }] },
      'Bad subnets request: allocation_pools allowed only for specific subnet requests..',
    ],
    [{ prefixlen: 30 }, 'Unable to allocate subnet with prefix length 30, maximum allowed prefix is 28.'],
    [{ cidr: '10.0.0.0/12' }, 'Unable to allocate subnet with prefix length 12, minimum allowed prefix is 16.'],
  ])('refused: %j', async (body, message) => {
    const { id } = await pooled({ min_prefixlen: 16, max_prefixlen: 28 })
    const [status, type, words] = fault(await take(id, body))
    expect([status, words]).toEqual([400, message])
    expect(['BadRequest', 'MinPrefixSubnetAllocationError', 'MaxPrefixSubnetAllocationError']).toContain(type)
  })

  test('is of the default pool of its family where it says so', async () => {
    const asked = { use_default_subnetpool: true, subnetpool_id: null }
    expect(await taken('', { ...asked })).toEqual([
      400,
      'BadRequest',
      'Bad subnets request: No default subnetpool found for IPv4.',
    ])
    const pool = await pooled({ is_default: true, shared: true, default_prefixlen: 26 }, admin)
    expect(await taken('', { ...asked })).toBe('10.0.0.0/26')
    expect(await taken('', { ...asked, prefixlen: 28 })).toBe('10.0.0.64/28')
    expect(fault(await makePool({ is_default: true }, admin))).toEqual([
      400,
      'InvalidInput',
      'Invalid input for operation: A default subnetpool for this IP family has already been set. Only one default may exist per IP family.',
    ])
    const six = { prefixes: ['2001:db8::/48'], is_default: true, shared: true }
    expect((await makePool(six, admin)).status).toBe(201)
    expect(await taken('', { ...asked, ip_version: 6 })).toBe('2001:db8::/64')
    await admin.put(`${V2}/subnetpools/${pool.id}`, { subnetpool: { is_default: false } })
    expect((await makePool({ is_default: true }, admin)).status).toBe(201)
  })

  test('counts against what the pool lets a project have', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/16'], default_prefixlen: 24, default_quota: 512 })
    const subnet = (await take(id)).body.subnet
    const over = [409, 'SubnetPoolQuotaExceeded', 'Per-project subnet pool prefix quota exceeded.']
    expect(await taken(id, { prefixlen: 23 })).toEqual(over)
    expect(await taken(id)).toBe('10.0.1.0/24')
    expect(await taken(id, { prefixlen: 32 })).toEqual(over)
    await demo.delete(`${V2}/subnets/${subnet.id}`)
    expect(await taken(id, { prefixlen: 25 })).toBe('10.0.0.0/25')
    const six = await pooled({ prefixes: ['2001:db8::/48'], default_quota: 1 })
    expect(await taken(six.id, { ip_version: 6 })).toBe('2001:db8::/64')
    expect(await taken(six.id, { ip_version: 6, prefixlen: 65 })).toEqual(over)
  })

  test('has a range of its own, however many ask at the same time', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/24'], default_prefixlen: 28, min_prefixlen: 24 })
    const networks = await Promise.all(Array.from({ length: 10 }, () => networked()))
    const answers = await Promise.all(
      networks.map((network_id) =>
        demo.post(`${V2}/subnets`, { subnet: { network_id, ip_version: 4, subnetpool_id: id } }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(networks.map(() => 201))
    const cidrs = answers.map(({ body }) => body.subnet.cidr)
    expect(new Set(cidrs).size).toBe(10)
    for (const cidr of cidrs) expect(Number(cidr.split(/[./]/)[3]) % 16).toBe(0)
    for (let left = 6; left > 0; left--) expect(await taken(id)).toMatch(/^10\.0\.0\.\d+\/28$/)
    expect((await take(id)).status).toBe(500)
  })

  test('has one of several in one request', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/24'], default_prefixlen: 26, min_prefixlen: 24 })
    const network_id = await networked()
    const asked = (more: object) => ({ network_id, ip_version: 4, subnetpool_id: id, ...more })
    const wishes = [{}, { prefixlen: 27 }, { cidr: '10.0.0.128/26' }, { prefixlen: 27 }]
    const { body } = await demo.post(`${V2}/subnets`, { subnets: wishes.map(asked) })
    expect(body.subnets.map(({ cidr }: { cidr: string }) => cidr)).toEqual([
      '10.0.0.0/26',
      '10.0.0.64/27',
      '10.0.0.128/26',
      '10.0.0.96/27',
    ])
    const none = await demo.post(`${V2}/subnets`, { subnets: [asked({}), asked({})] })
    expect(fault(none)[1]).toBe('SubnetAllocationError')
    expect(await taken(id)).toBe('10.0.0.192/26')
  })

  test('is told again by the same key, whatever is free by then', async () => {
    const { id } = await pooled({ default_prefixlen: 24 })
    const network_id = await networked()
    const body = { subnet: { network_id, ip_version: 4, subnetpool_id: id } }
    const key = { 'Idempotency-Key': 'once' }
    const first = await demo.post(`${V2}/subnets`, body, key)
    await plimsoll.host.d1.prepare('update repeatables set answer = null').run()
    const again = await demo.post(`${V2}/subnets`, body, key)
    expect([again.status, again.body]).toEqual([201, first.body])
    expect((await demo.get(`${V2}/subnets?network_id=${network_id}`)).body.subnets).toEqual([first.body.subnet])
  })

  test('is beside others of the same pool', async () => {
    const [one, two] = [await pooled({ default_prefixlen: 24 }), await pooled({ default_prefixlen: 24 })]
    const network_id = await networked()
    const beside = (body: object) => demo.post(`${V2}/subnets`, { subnet: { network_id, ip_version: 4, ...body } })
    expect((await beside({ subnetpool_id: one.id })).status).toBe(201)
    const mixed = [
      400,
      'NetworkSubnetPoolAffinityError',
      'Subnets hosted on the same network must be allocated from the same subnet pool.',
    ]
    expect(fault(await beside({ subnetpool_id: two.id, cidr: '10.9.0.0/24' }))).toEqual(mixed)
    expect(fault(await beside({ cidr: '10.9.0.0/24' }))).toEqual(mixed)
    expect((await beside({ ip_version: 6, cidr: '2001:db8::/64' })).status).toBe(201)
    expect((await beside({ subnetpool_id: one.id })).body.subnet.cidr).toBe('10.0.1.0/24')
  })
})

describe('prefixes of a pool', () => {
  test('are added and removed, and what is between them becomes one', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/24'], default_prefixlen: 24, min_prefixlen: 23 })
    const change = (verb: string, ...prefixes: string[]) => demo.put(`${V2}/subnetpools/${id}/${verb}`, { prefixes })
    expect((await change('add_prefixes', '10.0.1.0/24', '10.0.4.0/24')).body).toEqual({
      prefixes: ['10.0.0.0/23', '10.0.4.0/24'],
    })
    expect(await taken(id, { prefixlen: 23 })).toBe('10.0.0.0/23')
    expect((await change('remove_prefixes', '10.0.4.0/25', '172.16.0.0/12')).body).toEqual({
      prefixes: ['10.0.0.0/23', '10.0.4.128/25'],
    })
    expect(fault(await change('remove_prefixes', '10.0.0.128/25'))).toEqual([
      400,
      'IllegalSubnetPoolPrefixUpdate',
      'Illegal update to prefixes: One or more the prefixes to be removed is in use by a subnet..',
    ])
    expect((await change('remove_prefixes', '172.16.0.0/12')).status).toBe(200)
    expect((await take(id)).status).toBe(500)
    expect(await taken(id, { prefixlen: 25 })).toBe('10.0.4.128/25')
    expect((await change('add_prefixes', '10.0.4.0/25')).body.prefixes).toEqual(['10.0.0.0/23', '10.0.4.0/24'])
    expect(await taken(id, { cidr: '10.0.4.0/25' })).toBe('10.0.4.0/25')
  })

  test.each([
    [{}, 'HTTPBadRequest'],
    [{ prefixes: [] }, 'HTTPBadRequest'],
    [{ prefixes: ['x'] }, 'AddrFormatError'],
    [{ prefixes: ['2001:db8::/32'] }, 'PrefixVersionMismatch'],
  ])('are not %j', async (body, type) => {
    const { id } = await pooled()
    const { status, body: answer } = await demo.put(`${V2}/subnetpools/${id}/add_prefixes`, body)
    expect([status, answer.NeutronError.type]).toEqual([400, type])
  })

  test('are at most 256, in whatever way they come', async () => {
    const prefixes = Array.from({ length: 250 }, (_, i) => `10.${i}.0.0/24`)
    const { id } = await pooled({ prefixes: [...prefixes, '172.16.0.0/12'] })
    const change = (how: string, ...some: string[]) => demo.put(`${V2}/subnetpools/${id}/${how}`, { prefixes: some })
    const words = (count: number) =>
      `Invalid input for operation: A subnet pool has at most 256 prefixes, and these are ${count}.`
    const more = Array.from({ length: 6 }, (_, i) => `192.168.${2 * i}.0/24`)
    expect(fault(await change('add_prefixes', ...more))).toEqual([400, 'InvalidInput', words(257)])
    expect(fault(await change('remove_prefixes', '172.16.0.0/24'))).toEqual([400, 'InvalidInput', words(262)])
    expect((await change('add_prefixes', ...more.slice(1))).status).toBe(200)
  })

  test('stay when the pool is given others', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/24'] })
    const put = (...prefixes: string[]) => demo.put(`${V2}/subnetpools/${id}`, { subnetpool: { prefixes } })
    expect(fault(await put('10.0.1.0/24'))).toEqual([
      400,
      'IllegalSubnetPoolPrefixUpdate',
      'Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.',
    ])
    expect((await put('10.0.0.0/16')).body.subnetpool.prefixes).toEqual(['10.0.0.0/16'])
    expect(await taken(id, { prefixlen: 16 })).toBe('10.0.0.0/16')
    expect(fault(await demo.delete(`${V2}/subnetpools/${id}`))).toEqual([
      400,
      'SubnetPoolDeleteError',
      'Unable to delete subnet pool: Subnet pool has existing allocations.',
    ])
  })
})

describe('subnets that were made without a pool', () => {
  test('come into one, and their ranges with them', async () => {
    const { id } = await pooled({ prefixes: ['10.0.0.0/24'], default_prefixlen: 24 })
    const network_id = await networked()
    const subnet = { network_id, ip_version: 4, cidr: '10.0.1.0/24' }
    const { id: subnetId } = (await demo.post(`${V2}/subnets`, { subnet })).body.subnet
    const onboard = (pool: string) => demo.put(`${V2}/subnetpools/${pool}/onboard_network_subnets`, { network_id })
    expect((await onboard(id)).body).toEqual([{ id: subnetId, cidr: '10.0.1.0/24' }])
    expect((await demo.get(`${V2}/subnets/${subnetId}`)).body.subnet.subnetpool_id).toBe(id)
    expect((await demo.get(`${V2}/subnetpools/${id}`)).body.subnetpool.prefixes).toEqual(['10.0.0.0/23'])
    expect(await taken(id)).toBe('10.0.0.0/24')
    expect((await take(id)).status).toBe(500)
    expect(fault(await onboard(id))).toEqual([
      400,
      'IllegalSubnetPoolUpdate',
      `Illegal subnetpool update : Onboarding subnet ${subnetId}: 10.0.1.0/24 conflicts with allocated prefixes in subnet pool ${id}.`,
    ])
    const other = await pooled({ prefixes: ['10.0.0.0/22'], default_prefixlen: 24 })
    expect((await onboard(other.id)).body).toEqual([{ id: subnetId, cidr: '10.0.1.0/24' }])
    expect(await taken(id), 'the first pool has it again').toBe('10.0.1.0/24')
    await demo.delete(`${V2}/networks/${network_id}`)
    expect(await taken(other.id, { prefixlen: 22 })).toBe('10.0.0.0/22')
  })
})

describe('an address scope', () => {
  test('is made, shown, changed and deleted', async () => {
    const scope = await makeScope()
    expect(scope).toEqual({
      id: expect.any(String),
      name: 's',
      ip_version: 4,
      shared: false,
      project_id: plimsoll.projectId('demo'),
      tenant_id: plimsoll.projectId('demo'),
    })
    const path = `${V2}/address-scopes/${scope.id}`
    expect((await demo.get(path)).body.address_scope).toEqual(scope)
    expect((await demo.get(`${V2}/address-scopes?name=s&ip_version=4`)).body.address_scopes).toEqual([scope])
    expect((await demo.get(`${V2}/address-scopes?ip_version=6`)).body.address_scopes).toEqual([])
    expect((await demo.put(path, { address_scope: { name: 't' } })).body.address_scope.name).toBe('t')
    expect(fault(await demo.put(path, { address_scope: { shared: true } }))[2]).toBe(
      '(rule:update_address_scope and rule:update_address_scope:shared) is disallowed by policy',
    )
    expect((await admin.put(path, { address_scope: { shared: true } })).body.address_scope.shared).toBe(true)
    expect(fault(await admin.put(path, { address_scope: { shared: false } }))).toEqual([
      400,
      'AddressScopeUpdateError',
      `Unable to update address scope ${scope.id} : Shared address scope can't be unshared.`,
    ])
    const pool = await pooled({ address_scope_id: scope.id })
    expect(fault(await demo.delete(path))).toEqual([
      409,
      'AddressScopeInUse',
      `Unable to complete operation on address scope ${scope.id}. There are one or more subnet pools in use on the address scope.`,
    ])
    await demo.delete(`${V2}/subnetpools/${pool.id}`)
    expect((await demo.delete(path)).status).toBe(204)
    expect(fault(await demo.get(path))).toEqual([
      404,
      'AddressScopeNotFound',
      `Address scope ${scope.id} could not be found.`,
    ])
    expect((await demo.post(`${V2}/address-scopes`, { address_scope: { name: 'x' } })).status).toBe(400)
  })

  test('has no address in two of its pools', async () => {
    const scope = await makeScope()
    const one = await pooled({ prefixes: ['10.0.0.0/16'], address_scope_id: scope.id })
    const conflict = [
      409,
      'AddressScopePrefixConflict',
      'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
    ]
    for (const prefix of ['10.0.0.0/16', '10.0.7.0/24', '10.0.0.0/8'])
      expect(fault(await makePool({ prefixes: [prefix], address_scope_id: scope.id }))).toEqual(conflict)
    const two = await pooled({ prefixes: ['10.1.0.0/16'], address_scope_id: scope.id })
    expect(fault(await demo.put(`${V2}/subnetpools/${two.id}/add_prefixes`, { prefixes: ['10.0.9.0/24'] }))).toEqual(
      conflict,
    )
    await demo.put(`${V2}/subnetpools/${one.id}/remove_prefixes`, { prefixes: ['10.0.9.0/24'] })
    expect((await demo.put(`${V2}/subnetpools/${two.id}/add_prefixes`, { prefixes: ['10.0.9.0/24'] })).status).toBe(200)
    const free = await pooled({ prefixes: ['10.1.0.0/16'] })
    const enter = (id: string | null) =>
      demo.put(`${V2}/subnetpools/${free.id}`, { subnetpool: { address_scope_id: id } })
    expect(fault(await enter(scope.id))).toEqual(conflict)
    await demo.delete(`${V2}/subnetpools/${two.id}`)
    expect((await enter(scope.id)).body.subnetpool.address_scope_id).toBe(scope.id)
    expect((await enter(null)).body.subnetpool.address_scope_id).toBe(null)
    const six = await makeScope({ ip_version: 6 })
    expect(fault(await enter(six.id))[1]).toBe('IllegalSubnetPoolIpVersionAssociationToAddressScope')
    const race = () => makePool({ prefixes: ['10.77.0.0/16'], address_scope_id: scope.id })
    const statuses = (await Promise.all([race(), race(), race()])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([201, 409, 409])
  })

  test('is what a network is in, as a whole', async () => {
    const scope = await makeScope()
    const inside = (prefix: string) =>
      pooled({ prefixes: [prefix], address_scope_id: scope.id, default_prefixlen: 24, min_prefixlen: 16 })
    const [one, two] = [await inside('10.0.0.0/16'), await inside('10.1.0.0/16')]
    const outside = await pooled({ prefixes: ['10.2.0.0/16'], default_prefixlen: 24 })
    const network_id = await networked()
    const add = (subnetpool_id: string) =>
      demo.post(`${V2}/subnets`, { subnet: { network_id, ip_version: 4, subnetpool_id } })
    const network = async () => (await demo.get(`${V2}/networks/${network_id}`)).body.network
    expect(await network()).toMatchObject({ ipv4_address_scope: null, ipv6_address_scope: null })
    expect((await add(one.id)).status).toBe(201)
    expect((await add(two.id)).status).toBe(201)
    expect(await network()).toMatchObject({ ipv4_address_scope: scope.id, ipv6_address_scope: null })
    const mixed = [
      400,
      'NetworkAddressScopeAffinityError',
      'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
    ]
    expect(fault(await add(outside.id))).toEqual(mixed)
    const other = await makeScope()
    const leave = demo.put(`${V2}/subnetpools/${one.id}`, { subnetpool: { address_scope_id: other.id } })
    expect(fault(await leave)).toEqual(mixed)
  })

  test('of somebody else takes pools where it is shared, which stay as they are then', async () => {
    const scope = await makeScope({ shared: true }, admin)
    const pool = await pooled({ address_scope_id: scope.id })
    expect(fault(await demo.put(`${V2}/subnetpools/${pool.id}`, { subnetpool: { name: 'x' } }))).toEqual([
      400,
      'IllegalSubnetPoolUpdate',
      `Illegal subnetpool update : subnetpool ${pool.id} cannot be updated when associated with shared address scope ${scope.id}.`,
    ])
    expect((await demo.delete(`${V2}/address-scopes/${scope.id}`)).status).toBe(403)
    const own = await makeScope({}, admin)
    expect(fault(await makePool({ address_scope_id: own.id }))[1]).toBe('AddressScopeNotFound')
    expect(fault(await demo.post(`${V2}/address-scopes`, { address_scope: { ip_version: 4, shared: true } }))[2]).toBe(
      '(rule:create_address_scope and rule:create_address_scope:shared) is disallowed by policy',
    )
  })
})
