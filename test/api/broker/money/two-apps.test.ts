import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { createApp } from '../../../../functions/app.ts'
import { openHost } from '../../../../functions/runtime/host.ts'
import { ORIGIN } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const MANY = 32
const drawn = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from + 1))

let w: World
/** What an hour of the only size costs, in micros. */
let price: number
/** Asks one of the two. */
let ask: ((body: unknown) => Promise<number>)[]
/** What both left to be done after their answers. */
let deferred: (() => Promise<unknown>)[]

/**
 * A second app on the database of the first, over the same cloud: its own caches, its own view of what is free. The name
 * of a database is what a process keeps its knowledge by, so it has another name for it.
 */
const another = async () => {
  const { host } = w.plimsoll
  const d1 = new Proxy(host.d1, {
    get: (target, name) => {
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const { cloudState, blobs, settings, now, sleep, fetch, log } = host
  const defer = (work: () => Promise<unknown>) => void deferred.push(work)
  return createApp(await openHost({ d1, cloudState, blobs, settings, now, sleep, fetch, log, defer }))
}

beforeEach(async () => {
  price = drawn(20_000, 300_000)
  deferred = []
  const sizes = [{ name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: price / 1e6 }]
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  const token = await w.demo.token()
  const headers = {
    'X-Auth-Token': token,
    'OpenStack-API-Version': 'compute 2.96',
    'Content-Type': 'application/json',
  }
  ask = [w.plimsoll.app, await another()].map((app) => async (server) => {
    const request = new Request(`${ORIGIN}${NOVA}/servers`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ server }),
    })
    return (await app.fetch(request, { peer: '192.0.2.1' })).status
  })
})

const decree = async (policy: Record<string, Json>) => {
  const answer = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const allAtOnce = async (): Promise<Record<number, number>> => {
  const server = { name: 'one', flavorRef: '1', imageRef: w.image, networks: 'none' }
  const statuses = await Promise.all(Array.from({ length: MANY }, (_, n) => ask[n % 2]!(server)))
  return Object.fromEntries(Object.entries(Object.groupBy(statuses, String)).map(([s, all]) => [s, all!.length]))
}
const settle = async () => {
  for (let work = deferred.shift(); work; work = deferred.shift()) await work()
  await w.plimsoll.settle()
}
const onCloud = async (): Promise<number> =>
  (await remembered(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), 'server')).filter(
    ({ goneAt }) => goneAt === null,
  ).length
/** The most that committed states had, by a trigger that sees each of them. */
const watch = async (what: string): Promise<() => Promise<number>> => {
  await w.plimsoll.db.run(sql`create table if not exists watched (most integer)`)
  await w.plimsoll.db.run(sql`delete from watched`)
  await w.plimsoll.db.run(
    sql.raw(`create trigger watching after insert on journal begin insert into watched select ${what}; end`),
  )
  return async () => {
    const [row] = await w.plimsoll.db.all<{ most: number }>(sql`select max(most) as most from watched`)
    await w.plimsoll.db.run(sql`drop trigger watching`)
    await w.plimsoll.db.run(sql`drop table watched`)
    return row!.most
  }
}

describe('of 32 at once through two apps on one database', () => {
  test('no more are bought than an hourly cap pays for', async () => {
    const affordable = drawn(2, MANY - 2)
    const cap = price * affordable + drawn(0, price - 1)
    await decree({ max_hourly_cost: { amount: (cap / 1e6).toFixed(6), currency: 'USD' } })
    const most = await watch('hourly from spend')
    expect(await allAtOnce()).toEqual({ 202: affordable, 403: MANY - affordable })
    await settle()
    expect([await onCloud(), await most()]).toEqual([affordable, affordable * price])
  })

  test('no more than a budget has hours for', async () => {
    const affordable = drawn(2, MANY - 2)
    const budget = price * affordable + drawn(0, price - 1)
    await decree({ budget: { amount: (budget / 1e6).toFixed(6), currency: 'USD', period: 'month' } })
    expect(await allAtOnce()).toEqual({ 202: affordable, 403: MANY - affordable })
    await settle()
    expect(await onCloud()).toBe(affordable)
  })

  test('no more than the mark of a cloud takes', async () => {
    const fitting = drawn(2, MANY - 2)
    const room = { vcpus: 2 * fitting + drawn(0, 1), ram_mib: 1_000_000 }
    const mapping = `/broker/v1/projects/${w.plimsoll.projectId('demo')}/clouds/sandbox`
    expect((await w.admin.put(mapping, { mapping: { room } })).status).toBe(200)
    await decree({ chain: ['sandbox'], marks: { sandbox: 0.5 }, hysteresis: 0 })
    const most = await watch("vcpus from cloud_use where project_id <> ''")
    // Who finds no place is a server in error, as with Nova.
    expect(await allAtOnce()).toEqual({ 202: MANY })
    await settle()
    expect([await onCloud(), await most()]).toEqual([fitting, fitting])
  })
})
