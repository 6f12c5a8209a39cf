import assert from 'node:assert/strict'
import { Victim } from '../chaos/broker.ts'
import { Client } from '../chaos/client.ts'
import { finish } from '../support/child.ts'
import { addCloud } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { blankImage, NOTHING, oursOn } from './blank.ts'
import { type Libvirtd, launch } from './launch.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'
const CLOUD = 'rack6'
const ZONE = `${CLOUD}.kvm1`
const SERVERS = 4
const KILL_EVERY_MS = 2_500
const WITHIN_MS = 120_000
/** Far below the minute that lies between two sweeps. */
const SECONDS = 8_000

type Step = (title: string, run: () => Promise<unknown>) => Promise<void>
interface Scene {
  broker: Victim
  demo: Client
  host: Libvirtd
  step: Step
  made: Made[]
}
interface Made {
  server: string
  volume: string
}

/** Brokers, guests and libvirtd that are killed: what is asked for is there once, what happens is seen, and nothing stays. */
export const killedOnLibvirt = async (report: Report): Promise<void> => {
  const host = await launch()
  const broker = await Victim.make()
  const step: Step = async (title, run) => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, killed', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 2_000)),
    )
  }
  try {
    await broker.start()
    const demo = new Client(broker, 'demo')
    await settle(broker, demo, host)
    const scene: Scene = { broker, demo, host, step, made: [] }
    await brokers(scene)
    await guests(scene)
    await daemons(scene)
    await step('all of it is deleted, and nothing of ours is left on the host', () => demolish(scene))
    await step('no request failed inside', async () => assert.deepEqual(demo.failures, []))
  } finally {
    await broker.close()
    await host.stop()
  }
}

const settle = async (broker: Victim, demo: Client, host: Libvirtd): Promise<void> => {
  const admin = new Client(broker, 'admin')
  await demo.must('GET', `${NOVA}/flavors`)
  const options = {
    hosts: [{ name: 'kvm1', uri: host.uri }],
    sizes: [{ name: 'k.tiny', vcpus: 1, ram_mib: 64, disk_gib: 1 }],
    // Guests that do nothing; the host has as many processors as it is said to have.
    overcommit: { vcpus: 16 },
    shutdown_seconds: 0,
    allow_private: true,
  }
  const cloud = { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options }
  await addCloud({ admin, demo, broker: { cron: async () => {} } }, cloud)
}

const reaches = ({ demo }: Scene, path: string, kind: string, status: string, ms = WITHIN_MS): Promise<void> =>
  patiently(async () => {
    const { [kind]: seen } = await demo.must('GET', path)
    assert.equal(seen.status, status, `${path}: ${JSON.stringify(seen.fault ?? seen.status)}`)
  }, ms)

const goes = ({ demo }: Scene, path: string): Promise<void> =>
  patiently(async () => assert.equal((await demo.call('GET', path)).status, 404, path), WITHIN_MS)

const build = async (scene: Scene, imageRef: string): Promise<void> => {
  const { demo, made } = scene
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'n' } })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.77.0.0/24' }
  await demo.must('POST', `${NEUTRON}/subnets`, { subnet })
  const { flavors } = await demo.must('GET', `${NOVA}/flavors`)
  const flavorRef = flavors.find(({ name }: { name: string }) => name === 'k.tiny').id
  const wish = { imageRef, flavorRef, networks: [{ uuid: network.id }], availability_zone: ZONE }
  const volumes = `/volume/v3/${demo.projectId}/volumes`
  const one = async (name: string) => {
    const { server } = await demo.must('POST', `${NOVA}/servers`, { server: { ...wish, name } })
    const { volume } = await demo.must('POST', volumes, { volume: { size: 1, name, availability_zone: ZONE } })
    made.push({ server: server.id, volume: volume.id })
    await reaches(scene, `${NOVA}/servers/${server.id}`, 'server', 'ACTIVE')
    await reaches(scene, `${volumes}/${volume.id}`, 'volume', 'available')
  }
  await Promise.all(Array.from({ length: SERVERS }, (_, i) => one(`s${i}`)))
}

/** What is on the host is what there are rows of: one of each, and nothing besides. */
const isCounted = async ({ demo, host, made }: Scene): Promise<void> => {
  const { ports } = await demo.must('GET', `${NEUTRON}/ports`)
  const seen = await oursOn(host)
  assert.deepEqual(seen.servers, made.map(({ server }) => `plimsoll-${server}`).sort())
  const counts = [seen.disks, seen.volumes, seen.images, seen.networks, seen.filters].map(({ length }) => length)
  const owned = ports.filter(({ device_owner: owner }: { device_owner: string }) => owner.startsWith('compute:'))
  assert.deepEqual(counts, [made.length, made.length, 1, 1, owned.length], JSON.stringify(seen))
}

const brokers = async (scene: Scene): Promise<void> => {
  const { broker, demo, step, made } = scene
  await step(`${SERVERS} servers with a port and a volume each are made while the broker is killed`, async () => {
    const imageRef = await blankImage(demo, async (path, body) => {
      const { token } = await tokenOf(broker)
      const headers = { 'X-Auth-Token': token, 'Content-Type': 'application/octet-stream' }
      return (await fetch(broker.url + path, { method: 'PUT', headers, body })).status
    })
    await broker.killedWhile(() => build(scene, imageRef), KILL_EVERY_MS)
    assert.ok(broker.kills >= 2, `only ${broker.kills} kills`)
  })
  await step('each is there once, as virsh counts them, and nothing besides', () =>
    patiently(() => isCounted(scene), WITHIN_MS),
  )
  assert.equal(made.length, SERVERS)
}

const tokenOf = async ({ url, passwords }: Victim): Promise<{ token: string }> => {
  const domain = { id: 'default' }
  const identity = { methods: ['password'], password: { user: { name: 'demo', domain, password: passwords.demo } } }
  const body = JSON.stringify({ auth: { identity, scope: { project: { name: 'demo', domain } } } })
  const headers = { 'Content-Type': 'application/json' }
  const answer = await fetch(`${url}/identity/v3/auth/tokens`, { method: 'POST', headers, body })
  await answer.text()
  return { token: answer.headers.get('x-subject-token') ?? '' }
}

const run = ({ host }: Scene, script: string): Promise<string> => {
  const [command = '', ...args] = [...host.on, 'sh', '-c', script]
  return finish({ command, args })
}
const qemuOf = (id: string): string => `/run/libvirt/qemu/plimsoll-${id}.pid`

const guests = async (scene: Scene): Promise<void> => {
  const [{ server }] = scene.made as [Made]
  const path = `${NOVA}/servers/${server}`
  await scene.step('a QEMU that is killed is a server that is off within seconds, and starts again', async () => {
    await run(scene, `kill -9 $(cat ${qemuOf(server)})`)
    await patiently(async () => {
      const { status } = (await scene.demo.must('GET', path)).server
      assert.match(status, /^(SHUTOFF|ERROR)$/)
    }, SECONDS)
    await scene.demo.must('POST', `${path}/action`, { 'os-start': null })
    await reaches(scene, path, 'server', 'ACTIVE')
  })
}

const daemons = async (scene: Scene): Promise<void> => {
  const { demo, host, made } = scene
  const statuses = async (): Promise<string[]> => {
    const { servers } = await demo.must('GET', `${NOVA}/servers/detail`)
    return servers.map(({ status }: { status: string }) => status)
  }
  const processes = () => Promise.all(made.map(({ server }) => run(scene, `cat ${qemuOf(server)}`)))
  await scene.step('a libvirtd that is killed and started anew loses nothing, and is heard again', async () => {
    const before = await processes()
    await run(scene, 'kill -9 $(cat /run/libvirt/libvirtd.pid)')
    const away = new Set(await statuses())
    await run(scene, 'libvirtd -d --pid-file /run/libvirt/libvirtd.pid')
    await patiently(async () => void (await host.virsh('uri')), WITHIN_MS)
    assert.deepEqual([...away, ...new Set(await statuses())], ['ACTIVE', 'ACTIVE'])
    assert.deepEqual(await processes(), before)
    await isCounted(scene)
    const { server } = made.at(-1)!
    // It is listened to again five seconds after a line broke.
    await new Promise((resolve) => setTimeout(resolve, SECONDS))
    await host.virsh('destroy', `plimsoll-${server}`)
    await reaches(scene, `${NOVA}/servers/${server}`, 'server', 'SHUTOFF', SECONDS)
  })
}

const demolish = async (scene: Scene): Promise<void> => {
  const { demo, host, made } = scene
  const volumes = `/volume/v3/${demo.projectId}/volumes`
  for (const { server, volume } of made) {
    await demo.call('DELETE', `${NOVA}/servers/${server}`)
    await demo.call('DELETE', `${volumes}/${volume}`)
  }
  for (const { server, volume } of made) {
    await goes(scene, `${NOVA}/servers/${server}`)
    await goes(scene, `${volumes}/${volume}`)
  }
  const { networks } = await demo.must('GET', `${NEUTRON}/networks?name=n`)
  await demo.must('DELETE', `${NEUTRON}/networks/${networks[0].id}`)
  const { images } = await demo.must('GET', '/image/v2/images?name=blank')
  await demo.must('DELETE', `/image/v2/images/${images[0].id}`)
  await patiently(async () => assert.deepEqual(await oursOn(host), NOTHING), WITHIN_MS)
}
