import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { unsettled } from '../chaos/books.ts'
import { Victim } from '../chaos/broker.ts'
import { Client } from '../chaos/client.ts'
import { addCloud } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import { Report } from '../support/report.ts'
import { stretch, type Wire } from '../support/wire.ts'
import { VCENTER } from './client.peer.ts'
import { launch, type Vcsim } from './launch.ts'
import { marked } from './seen.ts'

const SERVERS = 12
const KILL_EVERY_MS = 2_500
const ZONE = 'dc1-vsphere.DC0_C0'
/** Recovery is promised within a minute of the last kill. */
const RECOVERY_MS = 60_000
/** What is wanted comes about between kills too: what each of them breaks off costs up to a minute. */
const PATIENCE_MS = 120_000

interface Scene {
  broker: Victim
  vcsim: Vcsim
  wire: Wire
  demo: Client
}

/** The Node broker on vcsim: answers are lost and its process is killed every few seconds, while users build and delete. */
export const killedOnVcsim = async (report: Report): Promise<void> => {
  const vcsim = await launch()
  const wire = await stretch(vcsim.url)
  const broker = await Victim.make()
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × vsphere, killed', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => {
        const waiting = [...unsettled(broker.file).busy.values()].slice(0, 20)
        const words = String(error instanceof Error ? error.message : error).slice(0, 4_000)
        end('failed', [words, ...(waiting.length ? ['under way:', ...waiting] : [])].join('\n'))
      },
    )
  }
  try {
    await broker.start()
    const scene: Scene = { broker, vcsim, wire, demo: new Client(broker, 'demo') }
    await settle(scene)
    const made: Made[] = []
    await step(`${SERVERS} servers with a volume each, through kills and lost answers`, () => build(scene, made))
    await step('each exists once in vcsim, and nothing besides', () => existsOnce(scene, made))
    await step('all of it is deleted, through kills and lost answers', () => demolish(scene, made))
    await step('nothing with our mark is left in vcsim', () =>
      patiently(async () => assert.deepEqual(marked(await vcsim.inventory()), []), broker.within(RECOVERY_MS)),
    )
    await step('no request failed inside', async () => {
      const errors = broker.log().filter((line) => line.includes('"level":"error"'))
      assert.equal(scene.demo.failures.length, 0, [...scene.demo.failures, ...errors].join('\n').slice(0, 4_000))
    })
    await step('it was killed, and answers were lost', async () => {
      assert.ok(broker.kills >= 4, `only ${broker.kills} kills`)
      assert.ok(wire.lost() >= 4, `only ${wire.lost()} answers lost`)
    })
  } finally {
    await broker.close()
    await wire.stop()
    await vcsim.stop()
  }
}

interface Made {
  server: string
  volume: string
}

const settle = async ({ broker, wire, demo }: Scene): Promise<void> => {
  const admin = new Client(broker, 'admin')
  await demo.must('GET', '/compute/v2.1/flavors')
  await addCloud({ admin, demo, broker: { cron: async () => {} } }, { ...VCENTER, endpoint: wire.url })
}

/** Kills while the work goes on, and leaves a broker that runs. */
const whileKilled = async ({ broker, wire }: Scene, work: () => Promise<unknown>): Promise<void> => {
  for (const call of ['CloneVM_Task', 'CreateDisk_Task', 'AttachDisk_Task', 'Destroy_Task', 'DetachDisk_Task'])
    wire.lose(`<${call} `, 2)
  await broker.killedWhile(work, KILL_EVERY_MS)
}

const build = async (scene: Scene, made: Made[]): Promise<void> => {
  const { demo } = scene
  const volumes = `/volume/v3/${demo.projectId}/volumes`
  await whileKilled(scene, async () => {
    const { network } = await demo.must('POST', '/network/v2.0/networks', { network: { name: 'n' } })
    await demo.must('POST', '/network/v2.0/subnets', {
      subnet: { network_id: network.id, ip_version: 4, cidr: '10.70.0.0/24' },
    })
    const { images } = await demo.must('GET', '/image/v2/images?name=debian-12')
    const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
    const flavorRef = flavors.find(({ name }: { name: string }) => name === 'm1.small').id
    const wish = { imageRef: images[0].id, flavorRef, networks: [{ uuid: network.id }], availability_zone: ZONE }
    const one = async (name: string) => {
      const { server } = await demo.must('POST', '/compute/v2.1/servers', { server: { ...wish, name } })
      const { volume } = await demo.must('POST', volumes, { volume: { size: 1, name, availability_zone: ZONE } })
      made.push({ server: server.id, volume: volume.id })
      await reaches(scene, `/compute/v2.1/servers/${server.id}`, 'server', 'ACTIVE')
      await reaches(scene, `${volumes}/${volume.id}`, 'volume', 'available')
      const attachment = { volumeAttachment: { volumeId: volume.id } }
      await demo.must('POST', `/compute/v2.1/servers/${server.id}/os-volume_attachments`, attachment)
    }
    await Promise.all(Array.from({ length: SERVERS }, (_, i) => one(`s${i}`)))
  })
  for (const { volume } of made) await reaches(scene, `${volumes}/${volume}`, 'volume', 'in-use')
}

const reaches = async ({ broker, demo }: Scene, path: string, kind: string, status: string): Promise<void> => {
  const ms = broker.within(PATIENCE_MS)
  const seen = await demo.until(path, ({ body }) => body[kind]?.status === status, ms)
  if (seen) return
  const { body } = await demo.call('GET', path)
  throw new Error(`${path} is not ${status} after ${ms / 1000} s: ${JSON.stringify(body).slice(0, 300)}`)
}

const goes = async ({ broker, demo }: Scene, path: string): Promise<void> => {
  const ms = broker.within(PATIENCE_MS)
  if (!(await demo.until(path, ({ status }) => status === 404, ms)))
    throw new Error(`${path} is there after ${ms / 1000} s`)
}

const existsOnce = async ({ vcsim }: Scene, made: Made[]): Promise<void> => {
  const resource = (mark: string | undefined) => mark?.split(' ')[4] ?? ''
  const { machines, disks } = await vcsim.inventory()
  const ours = machines.map(({ settings }) => resource(settings['plimsoll.mark'])).filter(Boolean)
  assert.deepEqual(ours.sort(), made.map(({ server }) => server).sort())
  const shelf = disks.map(({ metadata }) => resource(metadata['plimsoll.mark'])).filter(Boolean)
  assert.deepEqual(shelf.sort(), made.map(({ volume }) => volume).sort())
  for (const { server, volume } of made) {
    const machine = machines.find(({ settings }) => resource(settings['plimsoll.mark']) === server)!
    const disk = disks.find(({ metadata }) => resource(metadata['plimsoll.mark']) === volume)!
    assert.ok(
      machine.disks.some(({ id }) => id === disk.id),
      `volume ${volume} is not in its server`,
    )
    assert.equal(machine.power, 'poweredOn')
  }
}

const demolish = async (scene: Scene, made: Made[]): Promise<void> => {
  const { demo } = scene
  const volumes = `/volume/v3/${demo.projectId}/volumes`
  await whileKilled(scene, () =>
    Promise.all(
      made.map(async ({ server, volume }) => {
        await demo.call('DELETE', `/compute/v2.1/servers/${server}`)
        await goes(scene, `/compute/v2.1/servers/${server}`)
        await reaches(scene, `${volumes}/${volume}`, 'volume', 'available')
        await demo.must('DELETE', `${volumes}/${volume}`)
        await goes(scene, `${volumes}/${volume}`)
      }),
    ),
  )
  const { networks } = await demo.must('GET', '/network/v2.0/networks?name=n')
  await demo.must('DELETE', `/network/v2.0/networks/${networks[0].id}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report()
  await killedOnVcsim(report)
  report.print()
  process.exit(report.count('failed') ? 1 : 0)
}
