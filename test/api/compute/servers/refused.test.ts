import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { callLog } from '../../../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../../../adapters/sandbox/faults.ts'
import { bindings } from '../../../../db/schema/index.ts'
import { converge } from '../../../../functions/broker/converge/converge.ts'
import { cronContext, runCron } from '../../../../functions/cron.ts'
import { NOVA, newWorld, type World } from './world.ts'

let w: World
const MINUTE = 60_000
type Shortage = NonNullable<FaultRule['shortage']>

const refuses = (shortage: Shortage, where: Partial<FaultRule> = {}): FaultRule => ({
  method: 'server.create',
  fault: 'capacity',
  shortage,
  ...where,
})

const size = (name: string, vcpus: number, ram_mib = vcpus * 1024) => ({
  name,
  vcpus,
  ram_mib,
  disk_gib: 20,
  price: vcpus / 10,
})
/** The one with little memory is the cheapest, and too small for any flavor. */
const SIZES = [size('s', 1), size('m', 2), size('l', 4), { ...size('flat', 8, 256), price: 0.001 }]

/** Two clouds of two zones, with an image that both have; the first comes first. */
const twoClouds = async (first: FaultRule[], second: FaultRule[] = [], priced = true) => {
  const cloud = (name: string, faults: FaultRule[]) => ({
    name,
    type: 'sandbox',
    options: { sizes: priced ? SIZES : SIZES.map(({ price: _, ...unpriced }) => unpriced), faults: faults as never },
  })
  w = await newWorld({ clouds: [cloud('first', first), cloud('second', second)] })
  const { db } = w.plimsoll
  const copies = await db.select().from(bindings).where(eq(bindings.resourceId, w.image))
  for (const name of ['first', 'second']) {
    const cloudId = w.plimsoll.cloudId(name)
    if (!copies.some((copy) => copy.cloudId === cloudId)) await db.insert(bindings).values({ ...copies[0]!, cloudId })
  }
  const policy = { chain: ['first', 'second'] }
  const put = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(put.status, JSON.stringify(put.body)).toBe(200)
}

const boot = (more: Record<string, unknown> = {}) => w.running({ networks: 'none', ...more })
const placement = async (id: string) => (await w.admin.get(`/broker/v1/servers/${id}/placement`)).body.placement
/** Where it was sent one after another, as `<cloud>.<zone>/<size>`. */
const went = async (id: string): Promise<string[]> =>
  (await placement(id)).attempts.map((at: Record<string, string>) => `${at.cloud}.${at.zone}/${at.size}`)
const last = async (id: string) => (await went(id)).at(-1)
const status = async (id: string): Promise<string> => (await w.server(id)).status
const fault = async (id: string): Promise<string> => (await w.server(id)).fault.message
const events = async (id: string) =>
  (await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions.toReversed()
const refused = async (cloud = 'first') => {
  const answer = await w.admin.get(`/broker/v1/clouds/${cloud}/refused-offers`)
  expect(answer.status).toBe(200)
  return answer.body.refused_offers
}
/** How often a cloud was asked for a server. */
const asked = async (cloud = 'first') =>
  (await callLog(w.plimsoll.host.cloudState, w.plimsoll.cloudId(cloud))).filter(
    ({ method }) => method === 'server.create',
  ).length

describe('a place that refuses a server', () => {
  test('is left for another zone, then for a larger size, then for another cloud; each is an event and an attempt', async () => {
    await twoClouds([refuses('no-capacity', { size: 's' }), refuses('unsupported')])
    const id = await boot()
    const places = await went(id)
    expect(places.map((at) => at.replace(/\.[ab]/, ''))).toEqual([
      ...['first/s', 'first/s', 'first/m', 'first/m', 'first/l', 'first/l'],
      'second/s',
    ])
    expect(new Set(places).size, 'no place twice').toBe(7)
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', flavor: { original_name: 'm1.tiny', vcpus: 1 } })
    const told = await events(id)
    expect(told.map(({ action }: { action: string }) => action)).toEqual(['create', ...Array(6).fill('place_refused')])
    expect(told[1].message).toMatch(/^first\.[ab] refused s: .*\. \(NoRoom\)$/)
    expect(told[6].message).toMatch(/^first\.[ab] refused l: .*\. \(NotSoldHere\)$/)
    const entry = await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions/${told[1].request_id}`)
    expect(entry.body.instanceAction).toMatchObject({
      action: 'place_refused',
      events: [{ event: 'compute_place_refused', result: 'Error' }],
    })
  })

  test('is left for the same size in each zone before a larger one, whether or not there are prices', async () => {
    await twoClouds(
      [
        refuses('no-capacity', { size: 's' }),
        refuses('no-capacity', { zone: 'a' }),
        refuses('no-capacity', { size: 'm' }),
      ],
      [],
      false,
    )
    const level = (at: string) => at.split('/')[1]
    expect((await went(await boot())).map(level)).toEqual(['s', 's', 'm', 'm', 'l', 'l'])
  })

  test('that has less left comes after one that has more, for the next server too', async () => {
    const rest = [refuses('no-capacity', { size: 's' }), refuses('no-capacity', { zone: 'a', size: 'm' })]
    await twoClouds(rest, [], false)
    expect(await last(await boot())).toBe('first.b/m')
    expect(await went(await boot())).toEqual(['first.b/m'])
  })

  test('is never left for another size where the flavor is one of a provider: another cloud may sell the same', async () => {
    await twoClouds([refuses('no-capacity')])
    const { flavors } = (await w.demo.get(`${NOVA}/flavors`)).body
    const { id: native } = flavors.find((flavor: { name: string }) => flavor.name === 's')
    const id = await boot({ flavorRef: native })
    expect((await went(id)).map((at) => at.replace(/\.[ab]/, ''))).toEqual(['first/s', 'first/s', 'second/s'])
    expect(await status(id)).toBe('ACTIVE')
  })

  test('is not asked by the next server, and the explanation says so, until its time is over', async () => {
    await twoClouds([refuses('no-capacity', { size: 's' }), refuses('no-capacity', { size: 'm' })])
    const first = await went(await boot())
    expect(first.at(-1)).toMatch(/^first\.[ab]\/l$/)
    const before = await asked()
    const second = await boot()
    expect((await went(second)).map((at) => at.replace(/\.[ab]/, ''))).toEqual(['first/l'])
    expect((await asked()) - before).toBe(1)
    const { considered } = await placement(second)
    const lately = considered.filter((each: { rule: string }) => each.rule === 'refused-lately')
    expect(lately.map((each: Record<string, string>) => `${each.zone}/${each.size}`).toSorted()).toEqual(
      ['a/s', 'b/s', 'a/m', 'b/m'].toSorted(),
    )
    expect(lately[0].reason).toMatch(/^Size . was refused there lately: .* It is asked for again after 20.*Z\.$/)
    w.plimsoll.clock.advance(3 * MINUTE)
    expect((await went(await boot())).map((at) => at.replace(/\.[ab]/, ''))).toContain('first/s')
  })

  test('is not asked by one that was admitted to it before, either', async () => {
    await twoClouds([refuses('no-capacity', { size: 's' })])
    const admitted = async () => (await w.boot({ networks: 'none' })).body.server.id
    const [first, second] = [await admitted(), await admitted()]
    const at = { kind: 'server', cloudId: w.plimsoll.cloudId('first'), scope: '' } as const
    for (const resourceId of [first, first, second]) await converge(cronContext(w.plimsoll.host), { ...at, resourceId })
    await w.plimsoll.settle()
    const places = await Promise.all([first, second].map(went))
    expect(places.map((each) => each.map((place) => place.replace(/\.[ab]/, '')))).toEqual([
      ['first/s', 'first/s', 'first/m'],
      ['first/s', 'first/m'],
    ])
    expect(await asked(), 'two zones for s, and for m twice').toBe(4)
    expect((await events(second)).map(({ action }: { action: string }) => action)).toEqual(['create'])
  })

  test('of which nothing is left: no valid host, at once, and the next server learns it without asking', async () => {
    await twoClouds([refuses('account-limit')], [refuses('no-capacity')])
    const id = await boot()
    // What clients of Nova look for to tell a quota from a broken machine, though the last cloud spoke of room.
    for (const word of [/^No valid host was found\. /, /exceeds/, /quota/, /quota exceeded/])
      expect(await fault(id)).toMatch(word)
    expect(await fault(id)).toMatch(/ Each place that refused it is an event of the server\.$/)
    expect((await events(id)).filter(({ action }: { action: string }) => action === 'place_refused')).toHaveLength(12)
    const before = [await asked('first'), await asked('second')]
    const next = await boot()
    expect([await asked('first'), await asked('second')]).toEqual(before)
    expect(await fault(next)).toMatch(/^No valid host was found\. .*exceeds.*quota exceeded.* It is asked for again/)
    expect((await placement(next)).attempts).toEqual([])
  })
})

describe('what is remembered', () => {
  test.each<[Shortage, number]>([
    ['no-capacity', 3],
    ['account-limit', 15],
  ])('of %s is forgotten after %i minutes', async (shortage, minutes) => {
    await twoClouds([refuses(shortage, { size: 's', count: 2 })])
    await boot()
    const [one] = await refused()
    expect(one).toMatchObject({ size: 's', option: 'on-demand', shortage, project_id: null })
    expect(Date.parse(one.until) - Date.parse(one.at)).toBe(minutes * MINUTE)
    w.plimsoll.clock.advance(minutes * MINUTE)
    expect(await refused()).toEqual([])
  })

  test('of what a zone does not sell is forgotten with the next inventory', async () => {
    await twoClouds([refuses('unsupported', { size: 's' })])
    await boot()
    expect(await refused()).toHaveLength(2)
    w.plimsoll.clock.advance(6 * MINUTE)
    await runCron(w.plimsoll.host)
    expect(await refused()).toEqual([])
  })

  test.each(['capacity', 'throttled'] as const)('keeps nobody waiting who deletes the server: %s', async (fault) => {
    await twoClouds([{ method: 'server.create', fault, count: 2 }])
    const id = await boot()
    expect(await status(id)).toBe('ACTIVE')
    const from = w.plimsoll.clock.now
    expect((await w.newest.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await w.newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect(w.plimsoll.clock.now - from).toBeLessThan(MINUTE / 2)
  })

  test.each(['denied', 'definitive'] as const)('is nothing of what was %s', async (kind) => {
    await twoClouds([{ method: 'server.create', fault: kind, count: 1 }])
    expect(await status(await boot())).toBe('ERROR')
    expect(await refused()).toEqual([])
    const next = await boot()
    expect([await status(next), (await went(next)).length]).toEqual(['ACTIVE', 1])
  })

  test('of an account is not held against a project that may have another', async () => {
    await twoClouds([refuses('account-limit', { size: 's', count: 2 })])
    const demo = w.plimsoll.projectId('demo')
    await w.admin.put(`/broker/v1/projects/${demo}/clouds/first`, { mapping: { filters: 'trusted' } })
    await boot()
    expect((await refused()).map((each: { project_id: string }) => each.project_id)).toEqual([demo, demo])
    await w.plimsoll.newProject('other', { clouds: ['first'] })
    const created = await w.boot(
      { networks: 'none' },
      w.plimsoll.as('other').with({ 'OpenStack-API-Version': 'compute 2.96' }),
    )
    expect(created.status, JSON.stringify(created.body)).toBe(202)
    await w.plimsoll.settle()
    expect((await went(created.body.server.id)).map((at) => at.replace(/\.[ab]/, ''))).toEqual(['first/s'])
  })

  test('is forgotten when an administrator says so, and seen by nobody else', async () => {
    await twoClouds([refuses('no-capacity', { count: 2 })])
    await boot()
    expect(await refused()).toHaveLength(2)
    const path = '/broker/v1/clouds/first/refused-offers'
    expect([(await w.demo.get(path)).status, (await w.demo.delete(path)).status]).toEqual([403, 403])
    expect((await w.admin.delete(path)).status).toBe(204)
    expect(await refused()).toEqual([])
    expect((await went(await boot())).map((at) => at.replace(/\.[ab]/, ''))).toEqual(['first/s'])
  })
})
