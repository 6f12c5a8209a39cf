import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Answer } from '../../../support/harness.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

/* Volumes and public addresses: what they cost as their cloud says it, and that a project buys no more of them than it may. */

const HOUR = 3_600_000
const SIZES = [{ name: 'small', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1 }]

let w: World
beforeEach(async () => {
  const options = { sizes: SIZES, disk_price: 0.01, address_price: 0.005 }
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
})

const decree = async (policy: Record<string, Json>) => {
  const answer = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const usd = (amount: string) => ({ amount, currency: 'USD' })
const ask = (size: number, more: Record<string, Json> = {}) =>
  w.demo.post(`${w.cinder}/volumes`, { volume: { size, availability_zone: 'sandbox.a', ...more } })
const volume = async (size: number): Promise<string> => {
  const { status, body } = await ask(size)
  expect(status, JSON.stringify(body)).toBe(202)
  await w.plimsoll.settle()
  return body.volume.id
}
const extend = (id: string, size: number) =>
  w.demo
    .with({ 'OpenStack-API-Version': 'volume 3.70' })
    .post(`${w.cinder}/volumes/${id}/action`, { 'os-extend': { new_size: size } })
const address = async (): Promise<Answer> => {
  const { body } = await w.demo.get('/network/v2.0/networks?router:external=true')
  return w.demo.post('/network/v2.0/floatingips', { floatingip: { floating_network_id: body.networks[0].id } })
}
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message
const costs = async () => {
  const day = (offset: number) => new Date(w.plimsoll.clock.now + offset * 24 * HOUR).toISOString().slice(0, 10)
  return (await w.demo.get(`/broker/v1/costs?from=${day(-9)}&to=${day(9)}`)).body
}
const pass = async (ms: number) => {
  w.plimsoll.clock.advance(ms)
  await runCron(w.plimsoll.host)
  await w.plimsoll.settle()
}
/** What the counters say, and what they count. */
const kept = async () => {
  const [row] = await w.plimsoll.db.all<Record<string, number>>(sql`select
    coalesce((select reserved from spend), 0) as reserved, coalesce((select sum(reserved) from meters), 0) as ofMeters,
    coalesce((select hourly from spend), 0) as hourly,
    coalesce((select sum(hourly) from meters where ended_at is null), 0) as hourlyOfMeters,
    coalesce((select sum(settled) from spend_months), 0) as months,
    coalesce((select sum(hourly / 3600000 * ms + hourly % 3600000 * ms / 3600000) from costs), 0) as ofCosts`)
  expect([row!.reserved, row!.hourly, row!.months]).toEqual([row!.ofMeters, row!.hourlyOfMeters, row!.ofCosts])
}

describe('what a cloud says of disks and addresses', () => {
  test('is what a volume costs, of any type, and the price book stands above it', async () => {
    await volume(5)
    await ask(5, { volume_type: 'fast' })
    await w.plimsoll.settle()
    expect((await costs()).now.amount).toBe('0.1')
    expect((await costs()).not_counted).toEqual([{ what: 'traffic' }])
    const prices = { currency: 'USD', parts: { vcpu: '0', ram_gib: '0', disk_gib: '0.02' } }
    await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices })
    await volume(5)
    expect((await costs()).now.amount).toBe('0.2')
    await kept()
  })

  test('is what a public address costs from when it is there until it is given up', async () => {
    const { status, body } = await address()
    expect(status).toBe(201)
    expect((await costs()).now.amount).toBe('0.005')
    await pass(2 * HOUR)
    expect(Number((await costs()).total.cost.amount)).toBeCloseTo(0.01, 4)
    await kept()
    w.plimsoll.clock.advance(1_234)
    await w.demo.delete(`/network/v2.0/floatingips/${body.floatingip.id}`)
    expect(await w.plimsoll.db.all(sql`select typeof(reserved) as kind from meters`)).toEqual([{ kind: 'integer' }])
    const before = (await costs()).total
    await pass(HOUR)
    expect((await costs()).now.amount).toBe('0')
    expect((await costs()).total).toEqual(before)
    await kept()
    expect(await w.plimsoll.db.all(sql`select * from meters`)).toEqual([])
  })

  test('holds on where the operator says it of addresses alone', async () => {
    await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices: { currency: 'USD', address: '0.25' } })
    const shown = await w.admin.get('/broker/v1/clouds/sandbox/prices')
    expect(shown.body.prices).toMatchObject({ address: '0.25', parts: null })
    await address()
    await volume(5)
    expect((await costs()).now.amount).toBe('0.3')
  })
})

describe('a project that may spend only so much an hour', () => {
  beforeEach(() => decree({ max_hourly_cost: usd('0.1') }))

  test('makes no volume beyond it, and one that goes makes room', async () => {
    const id = await volume(7)
    const second = await ask(4)
    expect([second.status, message(second)]).toEqual([
      403,
      'A volume of 4 GiB costs 0.04 an hour: of 0.1 an hour 0.03 are left.',
    ])
    expect((await ask(3)).status).toBe(202)
    await w.plimsoll.settle()
    await w.demo.delete(`${w.cinder}/volumes/${id}`)
    await w.plimsoll.settle()
    expect((await ask(7)).status).toBe(202)
    await kept()
  })

  test('makes none larger beyond it', async () => {
    const id = await volume(8)
    const larger = await extend(id, 11)
    expect([larger.status, message(larger)]).toEqual([
      403,
      '3 GiB more cost 0.03 an hour: of 0.1 an hour 0.02 are left.',
    ])
    expect((await w.demo.get(`${w.cinder}/volumes/${id}`)).body.volume).toMatchObject({ size: 8, status: 'available' })
    expect((await extend(id, 10)).status).toBe(202)
  })

  test('takes no public address beyond it', async () => {
    await volume(10)
    const answer = await address()
    expect([answer.status, answer.body.NeutronError]).toMatchObject([
      403,
      { message: 'A public address costs 0.005 an hour: of 0.1 an hour 0 are left.' },
    ])
    expect((await w.demo.get('/network/v2.0/floatingips')).body.floatingips).toEqual([])
  })

  test('starts no server beside volumes that cost it all', async () => {
    await decree({ max_hourly_cost: usd('1.05') })
    await volume(8)
    expect((await w.boot({ networks: 'none' })).status).toBe(403)
  })

  test('has as many servers with volumes of their own as both are paid for', async () => {
    await decree({ max_hourly_cost: usd('3.5') })
    const disks = (gib: number) => ({
      networks: 'none',
      block_device_mapping_v2: [
        { boot_index: 0, source_type: 'image', destination_type: 'local', uuid: w.image },
        {
          boot_index: -1,
          source_type: 'blank',
          destination_type: 'volume',
          volume_size: gib,
          delete_on_termination: true,
        },
      ],
    })
    const dear = await w.boot({ ...disks(300) })
    expect([dear.status, message(dear)]).toEqual([
      403,
      'Size small with its volumes costs 4 an hour: of 3.5 an hour 3.5 are left.',
    ])
    expect((await w.boot({ ...disks(50), min_count: 1, max_count: 3 })).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.newest.get('/compute/v2.1/servers')).body.servers).toHaveLength(2)
    await kept()
  })

  test('is refused no volume of which nobody knows the price', async () => {
    await w.plimsoll.db.run(sql`delete from part_prices`)
    expect((await ask(100)).status).toBe(202)
    expect((await costs()).not_counted).toEqual([
      { what: 'gigabytes', now: 100 },
      { what: 'volumes', now: 1 },
      { what: 'traffic' },
    ])
  })

  test('never passes it with 32 volumes at once', async () => {
    const answers = await Promise.all(Array.from({ length: 32 }, () => ask(1)))
    await w.plimsoll.settle()
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(22)
    const [row] = await w.plimsoll.db.all<{ n: number }>(sql`select sum(size_gib) as n from volumes`)
    expect(row!.n).toBe(10)
    await kept()
  })
})

test('a volume that is nowhere yet is bought where it is first used', async () => {
  await decree({ zones: 'policy', max_hourly_cost: usd('1.05') })
  const { body } = await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 9, availability_zone: 'burst' } })
  const id = body.volume.id
  expect((await costs()).now.amount).toBe('0')
  const server = await w.running({ networks: 'none' })
  const answer = await w.newest.post(`/compute/v2.1/servers/${server}/os-volume_attachments`, {
    volumeAttachment: { volumeId: id },
  })
  expect([answer.status, message(answer)]).toEqual([
    403,
    'A volume of 9 GiB costs 0.09 an hour: of 1.05 an hour 0.05 are left.',
  ])
  await decree({ zones: 'policy', max_hourly_cost: usd('1.09') })
  const again = await w.newest.post(`/compute/v2.1/servers/${server}/os-volume_attachments`, {
    volumeAttachment: { volumeId: id },
  })
  expect(again.status).toBe(200)
  expect((await costs()).now.amount).toBe('1.09')
})

test('an address that its cloud gives hours after it was asked for costs from then on', async () => {
  const { d1 } = w.plimsoll.host
  const batch = d1.batch.bind(d1)
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    const done = await batch(statements)
    d1.batch = batch
    w.plimsoll.clock.advance(5 * HOUR)
    return done
  }) as typeof d1.batch
  const { status, body } = await address()
  expect(status).toBe(201)
  const shown = await w.demo.get(`/network/v2.0/floatingips/${body.floatingip.id}`)
  const { created_at, updated_at } = shown.body.floatingip
  expect(Date.parse(updated_at) - Date.parse(created_at)).toBe(5 * HOUR)
  await pass(HOUR)
  expect(Number((await costs()).total.cost.amount)).toBeCloseTo(0.005, 4)
  await kept()
})

test('a month’s budget is not passed by a volume', async () => {
  await decree({ budget: { ...usd('0.1'), period: 'month' } })
  const answer = await ask(11)
  expect([answer.status, message(answer)]).toEqual([
    403,
    'A volume of 11 GiB costs 0.11 an hour: of 0.1 this month 0.1 are left.',
  ])
  await volume(10)
  await pass(2 * HOUR)
  expect((await ask(1)).status).toBe(403)
})

test('costs and months are forgotten after the days for which they are kept, and not before', async () => {
  await volume(5)
  await pass(2 * HOUR)
  const rows = () =>
    w.plimsoll.db.all<{ n: number }>(
      sql`select (select count(*) from costs) + (select count(*) from spend_months) as n`,
    )
  await w.plimsoll.db.run(
    sql`insert into costs select project_id, '2020-01-05', server_id, cloud_id, zone, size, option, state, unpriced, hourly, tags, ms, kind from costs`,
  )
  const [{ n: before }] = (await rows()) as [{ n: number }]
  expect(before).toBeGreaterThan(3)
  await pass(601_000)
  const old = await w.plimsoll.db.all(
    sql`select day from costs where day < '2021' union all select month from spend_months where month < '2021'`,
  )
  expect(old).toEqual([])
  expect((await rows())[0]!.n).toBeGreaterThanOrEqual(2)
  expect((await costs()).kept_from).toBe(new Date(w.plimsoll.clock.now - 400 * 24 * HOUR).toISOString().slice(0, 10))
})

describe('an amount that nobody can mean', () => {
  test.each([{ sizes: { small: '1000001' } }, { address: 2_000_000 }, { parts: { vcpu: 1_000_001, ram_gib: 0 } }])(
    'is no price: %j',
    async (said) => {
      const answer = await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices: { currency: 'USD', ...said } })
      expect(answer.status).toBe(400)
      expect(message(answer)).toContain('must be at most 1000000 an hour')
    },
  )

  test('is reckoned exactly up to a million an hour for a day', async () => {
    await w.admin.put('/broker/v1/clouds/sandbox/prices', {
      prices: { currency: 'USD', sizes: { small: 999_999.999999 } },
    })
    await w.running({ networks: 'none' })
    for (let turn = 0; turn < 2; turn++) await pass(15 * HOUR)
    await kept()
    const [row] = await w.plimsoll.db.all<{ kinds: string }>(
      sql`select group_concat(distinct typeof(settled)) as kinds from spend_months`,
    )
    expect(row!.kinds).toBe('integer')
    expect(Number((await costs()).total.cost.amount)).toBeGreaterThan(29_999_999)
  })

  test('a rate that makes more of it leaves it without a price, and it is not bought under a limit', async () => {
    await w.admin.put('/broker/v1/rates', { rates: { currency: 'USD', of: { XAU: { rate: 1_000_000 } } } })
    await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices: { currency: 'XAU', sizes: { small: 100 } } })
    await decree({ max_hourly_cost: usd('5000000') })
    const { body } = await w.demo.get('/broker/v1/offers')
    expect(body.offers[0]).toMatchObject({ unpriced: true })
    expect((await w.boot({ networks: 'none' })).status).toBe(403)
  })
})
