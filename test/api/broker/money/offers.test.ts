import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { runCron } from '../../../../functions/cron.ts'
import { at, NOVA, newWorld, type World } from '../../compute/servers/world.ts'

let w: World
const GIB = { vcpus: 1, ram_mib: 1_024, disk_gib: 10 }
const worldOf = async (sizes: Record<string, Json>[]) => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
}
const sizeOf = async (id: string): Promise<string> =>
  (await w.demo.get(`/broker/v1/servers/${id}/placement`)).body.placement.at.size

test('a size of which nobody knows the price is not cheap: it is bought where no other will do', async () => {
  await worldOf([
    { name: 'nobody-knows', ...GIB },
    { name: 'dear', ...GIB, vcpus: 4, price: 2 },
    { name: 'cheap', ...GIB, vcpus: 2, price: 1 },
  ])
  expect(await sizeOf(await w.running({ networks: 'none', flavorRef: '1' }))).toBe('cheap')
  await worldOf([
    { name: 'nobody-knows', ...GIB, ram_mib: 4_096, disk_gib: 40 },
    { name: 'cheap', ...GIB, disk_gib: 1, price: 1 },
  ])
  expect(await sizeOf(await w.running({ networks: 'none', flavorRef: '2' }))).toBe('nobody-knows')
})

test('what may be taken back is bought where the policy of the project says so, and last where it is merely allowed', async () => {
  await worldOf([{ name: 'one', ...GIB, price: 2, spot_price: 1 }])
  const policy = `/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`
  const boughtAs = async (spot: string): Promise<Json[]> => {
    expect((await w.admin.put(policy, { policy: { spot } })).status).toBe(200)
    const id = await w.running({ networks: 'none', flavorRef: '1' })
    const [row] = await w.plimsoll.db.all<{ places: string }>(sql`select places from servers where id = ${id}`)
    const { at, next } = JSON.parse(row!.places)
    return [at, ...next].map(({ option, hourly }) => [option, hourly])
  }
  const [kept, taken] = [
    ['on-demand', 2_000_000],
    ['spot', 1_000_000],
  ]
  expect(await boughtAs('never')).toEqual([kept, kept])
  expect(await boughtAs('allowed')).toEqual([kept, kept, taken, taken])
  expect(await boughtAs('preferred')).toEqual([taken, taken, kept, kept])
})

test('what can be bought is told by zone and purchase option, a page at a time, and filtered', async () => {
  await worldOf([
    { name: 'one', ...GIB, price: 2, spot_price: 1 },
    { name: 'two', ...GIB, vcpus: 2, zones: ['b'] },
  ])
  const offers = async (query: string, client = w.demo) => (await client.get(`/broker/v1/offers?${query}`)).body
  const names = (body: { offers: Record<string, string>[] }) =>
    body.offers.map(({ zone, name, option }) => `${zone} ${name} ${option}`)
  const all = await offers('')
  expect(names(all)).toEqual(['sandbox.a one on-demand', 'sandbox.b one on-demand', 'sandbox.b two on-demand'])
  expect(all.next).toBeNull()
  expect(all.offers[0]).toEqual({
    cloud: 'sandbox',
    zone: 'sandbox.a',
    name: 'one',
    option: 'on-demand',
    ...GIB,
    arch: 'x86_64',
    gpus: 0,
    available: true,
    room: { vcpus: 64, ram_mib: 262_144 },
    unpriced: false,
    price: { amount: '2', currency: 'USD', per: 'hour', as_of: expect.stringMatching(/Z$/), source: 'provider' },
  })
  expect(all.offers[2]).toMatchObject({ unpriced: true, price: null })
  // Who may not buy what is taken back is not shown it.
  expect(names(await offers('option=spot', w.admin))).toEqual(['sandbox.a one spot', 'sandbox.b one spot'])
  expect(names(await offers('option=spot'))).toEqual([])
  await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy: { spot: 'allowed' } })
  expect(names(await offers('option=spot&zone=sandbox.b'))).toEqual(['sandbox.b one spot'])
  expect(names(await offers('name=two'))).toEqual(['sandbox.b two on-demand'])
  expect(names(await offers('cloud=elsewhere'))).toEqual([])
  for (const [flavor, fitting] of [
    ['two', ['sandbox.b two on-demand']],
    ['m1.tiny', names(await offers(''))],
    ['2', []],
  ] as const)
    expect(names(await offers(`flavor=${flavor}`)), flavor).toEqual(fitting)
  const seen: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const piece = await offers(`limit=2&marker=${encodeURIComponent(next)}`)
    expect(piece.offers.length).toBeLessThanOrEqual(2)
    seen.push(...names(piece))
    next = piece.next
  }
  expect(seen).toEqual(names(await offers('')))
  for (const bad of [
    'limit=0',
    'limit=x',
    'option=gift',
    'flavor=none',
    'marker=x',
    'marker=%25',
    'marker=sandbox.a/nothing/spot',
  ])
    expect((await w.demo.get(`/broker/v1/offers?${bad}`)).status, bad).toBe(400)
})

describe('the price book of an operator', () => {
  const BOOK = '/broker/v1/clouds/sandbox/prices'
  const priceOf = async (name: string) => (await w.demo.get(`/broker/v1/offers?name=${name}`)).body.offers[0].price

  test('stands above what the cloud says, by size or by what a size has, at once and after the next inventory', async () => {
    await worldOf([
      { name: 'one', ...GIB, price: 2 },
      { name: 'two', ...GIB, vcpus: 2, ram_mib: 3_072 },
    ])
    const prices = {
      currency: 'USD',
      sizes: { one: '0.5' },
      parts: { vcpu: 0.01, ram_gib: '0.002', disk_gib: '0.0001' },
    }
    const put = await w.admin.put(BOOK, { prices })
    expect(put.status).toBe(200)
    const said = {
      currency: 'USD',
      per: 'hour',
      sizes: { one: '0.5' },
      parts: { vcpu: '0.01', ram_gib: '0.002', disk_gib: '0.0001' },
    }
    expect(put.body).toEqual({ prices: { ...said, as_of: expect.any(String) } })
    for (const look of ['at once', 'later']) {
      expect(await priceOf('one'), look).toMatchObject({ amount: '0.5', source: 'operator' })
      // 2 vCPUs, 3 GiB of memory, 10 GiB of disk.
      expect(await priceOf('two'), look).toMatchObject({ amount: '0.027', source: 'operator' })
      w.plimsoll.clock.advance(600_000)
      await runCron(w.plimsoll.host)
    }
    expect((await w.admin.get(BOOK)).body).toEqual(put.body)
    expect((await w.admin.put(BOOK, { prices: { currency: 'USD' } })).status).toBe(200)
    expect(await priceOf('one')).toMatchObject({ amount: '2', source: 'provider' })
    expect(await priceOf('two')).toBeNull()
  })

  test('does not take for priced by its parts what has parts that it does not speak of', async () => {
    await worldOf([
      { name: 'plain', ...GIB },
      { name: 'deep', ...GIB, gpus: 8 },
      { name: 'named', ...GIB, gpus: 8 },
    ])
    const prices = { currency: 'USD', sizes: { named: 30 }, parts: { vcpu: 0.01, ram_gib: 0 } }
    expect((await w.admin.put(BOOK, { prices })).status).toBe(200)
    expect([await priceOf('plain'), await priceOf('deep'), await priceOf('named')]).toMatchObject([
      { amount: '0.01' },
      null,
      { amount: '30' },
    ])
  })

  test('is for administrators, of a cloud that there is, and of amounts that are some', async () => {
    await worldOf([{ name: 'one', ...GIB }])
    expect([(await w.demo.get(BOOK)).status, (await w.demo.put(BOOK, { prices: { currency: 'USD' } })).status]).toEqual(
      [403, 403],
    )
    expect((await w.admin.get('/broker/v1/clouds/moon/prices')).status).toBe(404)
    for (const prices of [
      {},
      { currency: 'dollars' },
      { currency: 'USD', sizes: { one: -1 } },
      { currency: 'USD', sizes: { one: '1e3' } },
      { currency: 'USD', sizes: { one: '0.0000001' } },
      { currency: 'USD', parts: { vcpu: 1 } },
      { currency: 'USD', prise: 1 },
    ])
      expect((await w.admin.put(BOOK, { prices })).status, JSON.stringify(prices)).toBe(400)
  })
})

test('what is quoted in another currency is converted by the rate of the operator, and is unpriced without one', async () => {
  await worldOf([{ name: 'one', ...GIB, price: 2 }])
  const offer = async () => (await w.demo.get('/broker/v1/offers?name=one')).body.offers[0]
  expect((await w.demo.get('/broker/v1/rates')).body).toEqual({ rates: { currency: 'USD', of: {} } })
  const of = { USD: { rate: 0.9, as_of: '2026-01-02T03:04:05Z' } }
  const put = await w.admin.put('/broker/v1/rates', { rates: { currency: 'EUR', of } })
  expect([put.status, put.body]).toEqual([
    200,
    { rates: { currency: 'EUR', of: { USD: { rate: 0.9, as_of: expect.stringMatching(/^2026-01-02T03:04:05/) } } } },
  ])
  expect((await offer()).price).toMatchObject({
    amount: '1.8',
    currency: 'EUR',
    quoted: { amount: '2', currency: 'USD', rate: 0.9, rate_as_of: expect.stringMatching(/^2026-01-02/) },
  })
  await w.admin.put('/broker/v1/rates', { rates: { currency: 'EUR' } })
  expect(await offer()).toMatchObject({
    unpriced: true,
    price: { amount: null, quoted: { amount: '2', currency: 'USD' } },
  })
  expect((await w.demo.put('/broker/v1/rates', { rates: { currency: 'USD' } })).status).toBe(403)
  expect((await w.admin.put('/broker/v1/rates', { rates: { currency: 'EUR', of: { EUR: { rate: 2 } } } })).status).toBe(
    400,
  )
  expect((await w.admin.put('/broker/v1/rates', { rates: { currency: 'EUR', of: { USD: { rate: 0 } } } })).status).toBe(
    400,
  )
  // Once something was bought in it, the currency stays; what others are worth does not.
  await w.running({ networks: 'none', flavorRef: '1' })
  expect((await w.admin.put('/broker/v1/rates', { rates: { currency: 'USD' } })).status).toBe(409)
  expect((await w.admin.put('/broker/v1/rates', { rates: { currency: 'EUR', of } })).status).toBe(200)
})

test('a flavor shows what it costs the project at least; administrators see of common ones what is written down', async () => {
  await worldOf([
    { name: 'one', ...GIB, price: 2 },
    { name: 'two', ...GIB, vcpus: 2 },
  ])
  const specs = async (id: string, client = w.newest) =>
    (await client.get(`${NOVA}/flavors/${id}`)).body.flavor.extra_specs
  const idOf = async (name: string) =>
    (await w.newest.get(`${NOVA}/flavors/detail`)).body.flavors.find((each: { name: string }) => each.name === name).id
  expect(await specs(await idOf('one'))).toMatchObject({
    'plimsoll:price': '2 USD per hour',
    'plimsoll:arch': 'x86_64',
  })
  expect(await specs(await idOf('two'))).toMatchObject({ 'plimsoll:price': 'unpriced' })
  expect(await specs('1')).toEqual({ 'plimsoll:price': '2 USD per hour' })
  expect(await specs('2')).toEqual({ 'plimsoll:price': 'unpriced' })
  const detail = (await w.newest.get(`${NOVA}/flavors/detail`)).body.flavors
  expect(detail.find(({ id }: { id: string }) => id === '1').extra_specs).toEqual(await specs('1'))
  expect((await w.newest.get(`${NOVA}/flavors/1/os-extra_specs`)).body.extra_specs).toEqual(await specs('1'))
  expect((await w.newest.get(`${NOVA}/flavors/1/os-extra_specs/plimsoll:price`)).body).toEqual({
    'plimsoll:price': '2 USD per hour',
  })
  const admin = w.admin.with(at('2.96'))
  expect(await specs('1', admin)).toEqual({})
  expect(await specs(await idOf('one'), admin)).toMatchObject({ 'plimsoll:price': '2 USD per hour' })
  const server = await w.server(await w.running({ networks: 'none', flavorRef: '1' }))
  expect(server.flavor.extra_specs).toEqual({})
})
