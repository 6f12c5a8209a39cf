import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Answer } from '../../../support/harness.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

/* Volumes in the zone that leaves the choice to the broker cost nothing until they are made, where they are first used. */

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
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message
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

/** A volume that is nowhere yet. */
const nowhere = async (size: number): Promise<string> => {
  const { body } = await w.demo.post(`${w.cinder}/volumes`, { volume: { size, availability_zone: 'burst' } })
  return body.volume.id
}
const attach = (volumeId: string, server: string) =>
  w.newest.post(`/compute/v2.1/servers/${server}/os-volume_attachments`, { volumeAttachment: { volumeId } })
const ways = {
  'a snapshot': (volume_id: string) => w.demo.post(`${w.cinder}/snapshots`, { snapshot: { volume_id } }),
  'an image': (id: string) =>
    w.demo.post(`${w.cinder}/volumes/${id}/action`, { 'os-volume_upload_image': { image_name: 'copy' } }),
  'a server': attach,
}

describe('a volume that was nowhere for weeks', () => {
  beforeEach(() => decree({ zones: 'policy' }))
  const forWeeks = async (): Promise<{ id: string; server: string }> => {
    const id = await nowhere(10)
    await pass(20 * 24 * HOUR)
    return { id, server: await w.running({ networks: 'none' }) }
  }
  const ofVolumes = async (): Promise<number> => {
    const [row] = await w.plimsoll.db.all<{ n: number }>(
      sql`select coalesce(sum(hourly / 3600000.0 * ms), 0) / 1000000 as n from costs where kind = 'volume'`,
    )
    return row!.n
  }

  test.each(Object.entries(ways))('costs from then on when it is made for %s', async (_, use) => {
    const { id, server } = await forWeeks()
    expect((await use(id, server)).status).toBeLessThan(300)
    await w.plimsoll.settle()
    await pass(2 * HOUR)
    expect(await ofVolumes()).toBeCloseTo(0.2, 2)
    await kept()
  })

  test.each(Object.entries(ways))('costs nothing when its cloud cannot make it for %s', async (_, use) => {
    const { id, server } = await forWeeks()
    const faults = [{ method: 'volume.create', fault: 'definitive' as const }]
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), faults)
    expect((await use(id, server)).status).toBeLessThan(300)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${w.cinder}/volumes/${id}`)).body.volume.status).toBe('error')
    await pass(2 * HOUR)
    expect(await ofVolumes()).toBe(0)
    await kept()
  })
})

describe('while others spend what is left', () => {
  const MUCH = 1_000_000_000_000
  /** Before each batch that buys something another one is faster; and how many batches there were. */
  const outrun = async (ask: () => Promise<Answer>): Promise<{ answer: Answer; batches: number }> => {
    const { d1 } = w.plimsoll.host
    const [batch, prepare] = [d1.batch.bind(d1), d1.prepare.bind(d1)]
    let [buys, batches] = [false, 0]
    d1.prepare = (text) => {
      buys ||= text.includes('insert into guards') && text.includes('from spend ')
      return prepare(text)
    }
    d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
      if (!buys) return batch(statements)
      buys = false
      batches += 1
      await prepare(`update spend set hourly = hourly + ${MUCH}, reserved = reserved + ${MUCH}`).run()
      try {
        return await batch(statements)
      } finally {
        await prepare(`update spend set hourly = hourly - ${MUCH}, reserved = reserved - ${MUCH}`).run()
      }
    }) as typeof d1.batch
    const answer = await ask()
    Object.assign(d1, { batch, prepare })
    return { answer, batches }
  }

  test.each(
    Object.entries(ways).flatMap(([way, use]) => [
      [way, 'an hour', { max_hourly_cost: usd('2') }, use] as const,
      [way, 'this month', { budget: { ...usd('5000'), period: 'month' } }, use] as const,
    ]),
  )('it is not made for %s, by what may be spent %s', async (_, what, policy, use) => {
    await decree({ zones: 'policy', ...policy })
    const server = await w.running({ networks: 'none' })
    const id = await nowhere(9)
    const { answer, batches } = await outrun(() => use(id, server))
    expect([answer.status, message(answer)]).toEqual([
      403,
      `Together with what was begun meanwhile it costs more than what the project may spend ${what}.`,
    ])
    expect(batches, 'it looks again').toBe(4)
  })
})
