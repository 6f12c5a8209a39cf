import assert from 'node:assert/strict'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { finish } from '../support/child.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { blankImage, NOTHING, oursOn } from './blank.ts'
import { type Libvirtd, launch } from './launch.ts'

const NOVA = '/compute/v2.1'
const SIZE = { name: 'k.tiny', vcpus: 1, ram_mib: 64, disk_gib: 1 }
const WITHIN_MS = 90_000

type Step = (title: string, run: () => Promise<unknown>) => Promise<void>
interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  step: Step
  /** By the names that the clouds have for them. */
  hosts: { kvm1: Libvirtd; kvm2: Libvirtd }
}

/** Two hosts, each with files, network and processes of its own: as two zones, and as one. */
export const spreadOnLibvirt = async (report: Report): Promise<void> => {
  const step: Step = async (title, run) => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, two hosts', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  const kvm1 = await launch()
  const kvm2 = await launch().catch((error) => kvm1.stop().then(() => Promise.reject(error)))
  const broker = await startBroker('node').catch(() => null)
  try {
    assert.ok(broker, 'the broker does not start')
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await dropSandbox({ admin, demo })
    const scene: Scene = { broker, admin, demo, step, hosts: { kvm1, kvm2 } }
    await asZones(scene)
    await asGroup(scene)
  } finally {
    await broker?.stop()
    await Promise.all([kvm1.stop(), kvm2.stop()])
  }
}

const optionsOf = ({ hosts }: Scene, of: (name: string) => object = () => ({})) => ({
  hosts: Object.entries(hosts).map(([name, { uri }]) => ({ name, uri, ...of(name) })),
  sizes: [SIZE],
  shutdown_seconds: 0,
  allow_private: true,
})

const add = async (scene: Scene, name: string, options: object): Promise<() => Promise<unknown>> => {
  await addCloud(scene, { name, type: 'libvirt', endpoint: null, credentials: {}, options })
  return async () => {
    await scene.admin.must('DELETE', `/broker/v1/projects/${scene.demo.projectId}/clouds/${name}`)
    await scene.admin.must('DELETE', `/broker/v1/clouds/${name}`)
  }
}

const image = ({ demo, broker }: Scene): Promise<string> =>
  blankImage(demo, async (path, body) => {
    const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
    return (await fetch(broker.url + path, { method: 'PUT', headers, body })).status
  })

const create = async ({ demo }: Scene, imageRef: string, zone: string, name: string): Promise<string> => {
  const { flavors } = await demo.must('GET', `${NOVA}/flavors`)
  const flavorRef = flavors.find((flavor: { name: string }) => flavor.name === SIZE.name).id
  const wish = { name, imageRef, flavorRef, availability_zone: zone }
  return (await demo.must('POST', `${NOVA}/servers`, { server: wish })).server.id
}

const is = ({ demo }: Scene, id: string, status: string, withinMs = WITHIN_MS): Promise<void> =>
  patiently(async () => {
    const { server } = await demo.must('GET', `${NOVA}/servers/${id}`)
    assert.equal(server.status, status, JSON.stringify(server.fault ?? server.status))
  }, withinMs)

const goes = async ({ demo }: Scene, path: string): Promise<void> => {
  await demo.call('DELETE', path)
  await patiently(async () => assert.equal((await demo.call('GET', path)).status, 404), WITHIN_MS)
}

/** Servers of ours on a host, by the ids that are in their names. */
const on = async (host: Libvirtd): Promise<string[]> =>
  (await oursOn(host)).servers.map((name) => name.replace('plimsoll-', ''))

const asZones = async (scene: Scene): Promise<void> => {
  const { step, hosts } = scene
  const remove = await add(scene, 'pair', optionsOf(scene))
  await step('two hosts are two zones: what is asked for in one is on that host alone', async () => {
    const imageRef = await image(scene)
    const [first, second] = await Promise.all(
      ['kvm1', 'kvm2'].map((zone) => create(scene, imageRef, `pair.${zone}`, zone)),
    )
    for (const id of [first!, second!]) await is(scene, id, 'ACTIVE')
    assert.deepEqual([await on(hosts.kvm1), await on(hosts.kvm2)], [[first], [second]])
    for (const id of [first!, second!]) await goes(scene, `${NOVA}/servers/${id}`)
    await goes(scene, `/image/v2/images/${imageRef}`)
    for (const host of Object.values(hosts))
      await patiently(async () => assert.deepEqual(await oursOn(host), NOTHING), WITHIN_MS)
  })
  await remove()
}

const asGroup = async (scene: Scene): Promise<void> => {
  const { admin, demo, step, hosts } = scene
  const group = (more: (name: string) => object = () => ({})) =>
    optionsOf(scene, (name) => ({ zone: 'row1', ...more(name) }))
  await add(scene, 'row', group())
  const imageRef = await image(scene)
  const made: string[] = []
  const another = async (): Promise<string> => {
    const id = await create(scene, imageRef, 'row.row1', `s${made.length}`)
    made.push(id)
    await is(scene, id, 'ACTIVE')
    return id
  }
  await step('as one zone of a name of its own, it spreads servers over its hosts', async () => {
    for (let i = 0; i < 4; i++) await another()
    const there = [await on(hosts.kvm1), await on(hosts.kvm2)]
    assert.deepEqual(
      there.map(({ length }) => length),
      [2, 2],
    )
    assert.deepEqual(there.flat().sort(), [...made].sort())
  })
  await step('a host in maintenance keeps what it has, and gets no more', async () => {
    const before = await on(hosts.kvm1)
    const resting = group((name) => (name === 'kvm1' ? { maintenance: true } : {}))
    await admin.must('PATCH', '/broker/v1/clouds/row', { cloud: { options: resting } })
    const more = [await another(), await another()]
    assert.deepEqual(await on(hosts.kvm1), before)
    for (const id of more) assert.ok((await on(hosts.kvm2)).includes(id))
    await admin.must('PATCH', '/broker/v1/clouds/row', { cloud: { options: group() } })
  })
  const seenAt = async (id: string): Promise<string> =>
    (await admin.must('GET', `/broker/v1/bindings?kind=server&resource_id=${id}`)).bindings[0].seen_at
  const command = (...words: string[]) => {
    const [first = '', ...rest] = [...hosts.kvm2.on, ...words]
    return finish({ command: first, args: rest })
  }
  await step('what is on a dead host keeps its last truth with a date, and is started nowhere else', async () => {
    const lost = await on(hosts.kvm2)
    assert.ok(lost.length >= 2)
    await command('sh', '-c', 'kill -9 $(cat /run/libvirt/libvirtd.pid)')
    const from = new Date(Date.now() + 1_000).toISOString()
    const fresh = await another()
    assert.ok((await on(hosts.kvm1)).includes(fresh))
    // Asked for, and not done: it cannot be while its host is away.
    await demo.call('POST', `${NOVA}/servers/${lost[0]}/action`, { reboot: { type: 'HARD' } })
    await admin.must('POST', '/broker/v1/clouds/row/check')
    const here = (await on(hosts.kvm1)).filter((id) => id !== fresh)
    await hosts.kvm1.virsh('destroy', `plimsoll-${here[0]}`)
    // Told by its host, not found by a sweep, whatever became of the other one.
    await is(scene, here[0]!, 'SHUTOFF', 20_000)
    assert.ok((await seenAt(here[0]!)) > from, 'what changed has no newer date')
    await demo.must('POST', `${NOVA}/servers/${here[0]}/action`, { 'os-start': null })
    await is(scene, here[0]!, 'ACTIVE')
    await admin.must('POST', '/broker/v1/reconcile')
    await patiently(async () => {
      const { cloud } = await admin.must('GET', '/broker/v1/clouds/row')
      const [up, down] = cloud.hosts
      assert.deepEqual([up.name, up.state, down.name, down.state], ['kvm1', 'up', 'kvm2', 'down'])
      assert.ok(up.seen_at > from && down.seen_at <= from, JSON.stringify(cloud.hosts))
    }, WITHIN_MS)
    for (const id of lost) {
      const { server } = await demo.must('GET', `${NOVA}/servers/${id}`)
      assert.match(server.status, /^(ACTIVE|HARD_REBOOT)$/)
      assert.equal(server['OS-EXT-STS:power_state'], 1)
      assert.ok(
        (await seenAt(id)) <= new Date(Date.parse(from) + 1_000).toISOString(),
        'it was seen though nobody could',
      )
      assert.ok(!here.includes(id), `${id} was made again on the other host`)
    }
  })
  await step('back again, it goes on with what it had, each of it once', async () => {
    await command('sh', '-c', 'libvirtd -d --pid-file /run/libvirt/libvirtd.pid')
    await patiently(async () => void (await hosts.kvm2.virsh('uri')), WITHIN_MS)
    for (const id of made) await is(scene, id, 'ACTIVE')
    const there = [await on(hosts.kvm1), await on(hosts.kvm2)].flat()
    assert.deepEqual(there.sort(), [...made].sort())
    for (const id of made) await demo.must('DELETE', `${NOVA}/servers/${id}`)
    for (const id of made) await goes(scene, `${NOVA}/servers/${id}`)
    await goes(scene, `/image/v2/images/${imageRef}`)
    for (const host of Object.values(hosts))
      await patiently(async () => assert.deepEqual(await oursOn(host), NOTHING), WITHIN_MS)
  })
}
