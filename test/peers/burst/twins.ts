import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { addEc2, IMAGE } from '../aws/index.ts'
import { type Look, lookAt } from '../aws/look.ts'
import { reading } from '../chaos/books.ts'
import { Victim } from '../chaos/broker.ts'
import { Client } from '../chaos/client.ts'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import { startProxy } from '../moto/fault-proxy.ts'
import { launch as launchMoto } from '../moto/launch.ts'
import { AWAY, drawn } from '../span/ground.ts'
import { dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { cap, costBy, heldAt, price, spentAt, type Tariff } from './money.ts'

/** So many servers are asked for at once, by turns of both programs. */
const MANY = 32
/** How often the database and EC2 are looked at meanwhile, in milliseconds. */
const LOOK = 50
const MINUTE = 60_000

interface Scene {
  one: Victim
  other: Victim
  moto: Look
  people: { admin: Client; demo: Client; broker: { cron(): Promise<void> } }
  /** Somebody who asks one of both. */
  asking(n: number): Client
  server: Record<string, unknown>
  tariff: Tariff
}

/**
 * Two programs on one database, and one of them killed in the middle: what may be spent and the mark of a cloud are not
 * passed at any committed state, nor by what EC2 itself has. Each has a data folder of its own, as the lock of a folder
 * would refuse the second.
 */
export const twins = async (report: Report): Promise<void> => {
  const ends: (() => unknown)[] = []
  const story = 'two programs on one database'
  const step = async (title: string, work: () => Promise<string>): Promise<void> => {
    const from = Date.now()
    const [fault, said] = await work().then(
      (told) => ['', told],
      (error) => [String(error instanceof Error ? error.message : error), ''],
    )
    report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault || said)
  }
  try {
    const moto = await launchMoto()
    ends.push(() => moto.stop())
    const proxy = await startProxy(moto.url)
    ends.push(() => proxy.stop())
    const one = await Victim.make()
    ends.push(() => one.close())
    await one.start()
    const other = await Victim.make(one)
    ends.push(() => other.close())
    await other.start()
    const scene = await prepare(one, other, proxy.url, lookAt(moto.url))
    for (const [title, work] of Object.entries(STEPS)) await step(title, () => work(scene))
  } catch (error) {
    report.step(story, 'both start', 'failed', 0, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const prepare = async (one: Victim, other: Victim, endpoint: string, moto: Look): Promise<Scene> => {
  const people = { admin: new Client(one, 'admin'), demo: new Client(one, 'demo'), broker: { cron: async () => {} } }
  const { admin, demo } = people
  // Who somebody is, is known once he has spoken.
  for (const each of [admin, demo]) await each.must('GET', NOVA)
  await dropSandbox(people)
  await addEc2(people, endpoint)
  const none = { instances: -1, cores: -1, ram: -1 }
  await admin.must('PUT', `/compute/v2.1/os-quota-sets/${demo.projectId}`, { quota_set: none })
  await admin.must('PUT', `${NEUTRON}/quotas/${demo.projectId}`, { quota: { port: -1 } })
  const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE}`)
  const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
  const flavorRef = flavors.find(({ name }: { name: string }) => name === 'm1.small').id
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'twins' } })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.81.0.0/24' }
  await demo.must('POST', `${NEUTRON}/subnets`, { subnet })
  const server = { name: 'twin', imageRef: images[0].id, flavorRef, networks: [{ uuid: network.id }] }
  const tariff = { vcpu: drawn(10_000, 40_000), ramGib: drawn(1_000, 9_000) }
  await price(people, tariff)
  const asking = (n: number) => new Client(n % 2 ? other : one, 'demo')
  return { one, other, moto, people, asking, server, tariff }
}

/** Looks over and over until told to stop; throws what a look threw. */
const watching = (look: () => Promise<void>) => {
  let over = false
  let fault: unknown = null
  let looks = 0
  const work = (async () => {
    for (; !over; looks++) {
      await look().catch((error) => {
        fault ??= error
      })
      await pause(LOOK)
    }
  })()
  return async (): Promise<number> => {
    over = true
    await work
    if (fault) throw fault
    return looks
  }
}

/** Asks for all at once, while the second program is killed twice and started again; how many each answer was given to. */
const allAtOnce = async ({ other, asking, server }: Scene): Promise<Record<number, number>> => {
  const clients = Array.from({ length: MANY }, (_, n) => asking(n))
  // A login takes longer than what is to be seen here.
  await Promise.all(clients.map((client) => client.must('GET', NOVA)))
  const asked = Promise.all(clients.map((client) => client.call('POST', NOVA, { server })))
  for (let n = 0; n < 2; n++) {
    await pause(drawn(20, 200))
    await other.kill()
    await other.start()
  }
  const counted: Record<number, number> = {}
  for (const { status } of await asked) counted[status] = (counted[status] ?? 0) + 1
  assert.deepEqual(
    clients.flatMap(({ failures }) => failures),
    [],
  )
  return counted
}

const number = (file: string, sql: string): number =>
  reading(file, (db: DatabaseSync) => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0))

const HOURLY = `select sum(max(coalesce(places ->> '$.at.hourly', 0), coalesce(places ->> '$.to.hourly', 0))) from servers where deleted_at is null`
const VCPUS = `select sum(max(flavor ->> '$.vcpus', places ->> '$.at.vcpus')) from servers where deleted_at is null and cloud_id is not null`

const removeAll = async ({ people: { demo }, moto }: Scene): Promise<void> => {
  const { servers } = await demo.must('GET', NOVA)
  for (const { id } of servers) await demo.must('DELETE', `${NOVA}/${id}`)
  await patiently(async () => assert.equal((await heldAt(moto)).length, 0), 3 * MINUTE)
  await patiently(async () => assert.deepEqual((await demo.must('GET', NOVA)).servers, []), MINUTE)
}

/** What one server costs and takes, learned from EC2 by buying one without a limit. */
const buyOne = async (scene: Scene): Promise<{ micros: number; vcpus: number }> => {
  const { people, moto, server, tariff } = scene
  await cap(people, null)
  await people.demo.must('POST', NOVA, { server })
  await patiently(async () => assert.equal((await heldAt(moto)).length, 1), MINUTE)
  const micros = await spentAt(moto, tariff)
  const [held] = await heldAt(moto)
  await removeAll(scene)
  return { micros, vcpus: held!.vcpus }
}

/** Between a launch or an end and when the broker sees it there are so many seconds at most. */
const SEEN_WITHIN = 15

const STEPS: Record<string, (scene: Scene) => Promise<string>> = {
  "what servers cost is what EC2's own history says": async (scene) => {
    const { people, moto, server, tariff } = scene
    await cap(people, null)
    const ids: string[] = []
    for (let n = drawn(3, 5); n > 0; n--) {
      ids.push((await people.demo.must('POST', NOVA, { server })).server.id)
      await pause(drawn(1_000, 8_000))
    }
    await patiently(async () => assert.equal((await heldAt(moto)).length, ids.length), MINUTE)
    for (const id of ids.slice(2)) {
      await pause(drawn(2_000, 12_000))
      await people.demo.must('DELETE', `${NOVA}/${id}`)
    }
    await patiently(async () => assert.equal((await heldAt(moto)).length, 2), MINUTE)
    await pause(MINUTE)
    const { costs } = await people.demo.must('GET', '/broker/v1/costs?group_by=server')
    const until = Date.now()
    const rows: { server: string; seconds: number; cost: { amount: string } }[] = costs
    assert.deepEqual(rows.map((row) => row.server).toSorted(), ids.toSorted())
    const told = rows.reduce((sum, { cost }) => sum + Number(cost.amount) * 1e6, 0)
    const { micros, hourly } = await costBy(moto, tariff, ids, until)
    const near = (hourly * SEEN_WITHIN) / 3600
    assert.ok(Math.abs(told - micros) <= near, `${told} micros are told, EC2 says ${micros}: more than ${near} apart`)
    assert.ok(micros > 2 * near, 'they lived too short for that to say anything')
    await removeAll(scene)
    return `${Math.round(told)} micros told, ${Math.round(micros)} by EC2's books`
  },

  'of 32 at once through both, one of them killed, no more is bought than a cap pays for': async (scene) => {
    const { people, one, moto, tariff } = scene
    const { micros } = await buyOne(scene)
    const affordable = drawn(3, MANY - 8)
    const most = micros * affordable + drawn(1, micros - 1)
    await cap(people, most)
    const stop = watching(async () => {
      assert.ok(number(one.file, HOURLY) <= most, 'rows are above the cap')
      assert.ok((await spentAt(moto, tariff)) <= most, 'EC2 is above the cap')
    })
    const statuses = await allAtOnce(scene)
    await patiently(async () => assert.equal(await spentAt(moto, tariff), micros * affordable), 2 * MINUTE)
    const looks = await stop()
    assert.deepEqual(statuses, { 202: affordable, 403: MANY - affordable })
    await removeAll(scene)
    return `${affordable} of ${MANY}, ${looks} looks, ${scene.other.kills} kills`
  },

  'nor more than its mark takes': async (scene) => {
    const { people, one, moto } = scene
    const { vcpus } = await buyOne(scene)
    const fitting = drawn(3, MANY - 8)
    const room = 2 * vcpus * fitting + drawn(0, 2 * vcpus - 1)
    await people.admin.must('PUT', `/broker/v1/projects/${people.demo.projectId}/clouds/${AWAY}`, {
      mapping: { room: { vcpus: room, ram_mib: 4_194_304 } },
    })
    await cap(people, null, { marks: { [AWAY]: 0.5 }, hysteresis: 0 })
    const taken = async () => (await heldAt(moto)).reduce((sum, each) => sum + each.vcpus, 0)
    const stop = watching(async () => {
      assert.ok(number(one.file, VCPUS) <= room / 2, 'rows are above the mark')
      assert.ok((await taken()) <= room / 2, 'EC2 is above the mark')
    })
    const statuses = await allAtOnce(scene)
    await patiently(async () => assert.equal(await taken(), vcpus * fitting), 2 * MINUTE)
    const looks = await stop()
    // Who finds no place is answered as Nova does: by a server in error.
    assert.deepEqual(statuses, { 202: MANY })
    const { servers } = await people.demo.must('GET', `${NOVA}?status=ERROR`)
    assert.equal(servers.length, MANY - fitting)
    await removeAll(scene)
    return `${fitting} of ${MANY}, ${looks} looks`
  },
}
