import assert from 'node:assert/strict'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import { type Client, startClient } from '../openstackclient/client.ts'
import { logIn } from '../support/api.ts'
import { type Broker, type Runtime, startBroker } from '../support/broker.ts'
import type { People } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { uploadImage } from '../support/upload.ts'
import {
  AWAY,
  type CloudName,
  forget,
  type Ground,
  HOME,
  type HomeKind,
  IMAGE_NAME,
  layGround,
  prefer,
  runtimesOf,
  settle,
} from './ground.ts'
import type { Upload } from './home.ts'
import { agree, portOf, standingOn } from './standing.ts'

/** One network over two clouds, by the unmodified OpenStack client, on both runtimes where the home is for both. */
export const wide = async (report: Report, home: HomeKind): Promise<void> => {
  await Promise.all(runtimesOf(home).map((runtime) => wideOn(runtime, report, home)))
}

interface Scene {
  people: People
  ground: Ground
  upload: Upload
  /** The client: `openstack …`, whose answer is JSON. */
  openstack(words: string): Promise<never>
}

const wideOn = async (runtime: Runtime, report: Report, home: HomeKind): Promise<void> => {
  const story = `${runtime} × one network, ${home} and EC2`
  const ends: (() => unknown)[] = []
  let broker: Broker | undefined
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    try {
      await run()
      report.step(story, title, 'passed', Date.now() - from)
    } catch (error) {
      report.step(story, title, 'failed', Date.now() - from, String(error instanceof Error ? error.message : error))
      throw new Untold()
    }
  }
  try {
    const started = await startBroker(runtime)
    broker = started
    ends.push(() => started.stop())
    const ground = await layGround(home)
    ends.push(() => ground.stop())
    const people = { broker, admin: await logIn(broker, 'admin'), demo: await logIn(broker, 'demo') }
    const client = await startClient(broker)
    ends.push(() => client.stop())
    const cron = setInterval(() => void started.cron().catch(() => {}), 5_000)
    ends.push(() => clearInterval(cron))
    const upload: Upload = (name, body) => uploadImage(started, people.demo, { name }, body)
    const scene: Scene = { people, ground, upload, openstack: (words) => speak(client, words) as Promise<never> }
    for (const [title, run] of Object.entries(STEPS))
      if (title !== SEGMENT_STEP || ground.home.vcsim) await step(title, () => run(scene))
  } catch (error) {
    if (!(error instanceof Untold)) report.step(story, 'two clouds are set up', 'failed', 0, String(error))
    console.log(`last words of the broker of ${story}:\n${broker?.tail(Number(process.env.PEERS_LOG ?? 20))}`)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** The rest of a story whose step failed makes no sense. */
class Untold extends Error {}

const speak = async (client: Client, words: string): Promise<unknown> => {
  const silent = / (delete|add|set|remove) /.test(` ${words} `)
  const said = await client.say(['--os-cloud', 'plimsoll', ...words.split(' '), ...(silent ? [] : ['-f', 'json'])])
  if (said.rc !== 0) throw new Error(`openstack ${words}: ${said.stderr.slice(0, 800)}`)
  return silent ? null : JSON.parse(said.stdout)
}

interface Named {
  id: string
  segmentation_id: number | null
}

const CLOUDS: CloudName[] = [HOME, AWAY]
const BOOT = `server create --image ${IMAGE_NAME} --flavor m1.small --key-name ci --security-group web --network wide`

/** On this cloud, with an address of its segment. */
const standsOn = async ({ people }: Scene, id: string, cloud: CloudName): Promise<void> =>
  assert.equal(await standingOn(people.demo, id), cloud)

/** `first` has no room when a server without a zone is asked for: it stands on `then`, with the port that it began with. */
const failsOver = async (scene: Scene, first: CloudName, then: CloudName): Promise<void> => {
  const { people, ground, openstack } = scene
  await prefer(people, [first, then])
  // As many tries as a broker makes: larger sizes of the same zone are tried before another cloud is.
  await ground.refuse(first, 100)
  const { id } = (await openstack(`${BOOT} over-${then}`)) as { id: string }
  const port = await portOf(people.demo, id)
  await standsOn(scene, id, then)
  assert.equal(await portOf(people.demo, id), port, 'the port is the one that it began with')
  await ground.heal()
  await forget(people)
  await agree(people.demo, ground)
}

/** Where home tells segments apart by VLANs. */
const SEGMENT_STEP = 'the VLAN of the port group at home is what tells its segment'

const STEPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  'two clouds, and an image that is the same on both': ({ people, ground, upload }) => settle(people, ground, upload),

  'one network gets a segment and a subnet on each': async ({ people, ground, openstack }) => {
    await openstack('network create wide')
    for (const cloud of CLOUDS) {
      const { physical, cidr } = ground.places[cloud]
      await openstack(
        `network segment create --network wide --physical-network ${physical} --network-type vlan s-${cloud}`,
      )
      await openstack(`subnet create --network wide --network-segment s-${cloud} --subnet-range ${cidr} n-${cloud}`)
    }
    const { 'router:external': external, l2_adjacency: adjacent } = (await openstack('network show wide')) as Record<
      string,
      unknown
    >
    assert.deepEqual([external, adjacent], [false, false])
    await openstack('security group create web')
    await people.demo.must('POST', '/compute/v2.1/os-keypairs', { keypair: { name: 'ci' } })
  },

  'the same words land in the zone that they name': async (scene) => {
    for (const cloud of CLOUDS)
      for (const n of [1, 2]) {
        const { zone } = scene.ground.places[cloud]
        const { id } = (await scene.openstack(`${BOOT} --availability-zone ${zone} ${cloud}-${n}`)) as { id: string }
        await standsOn(scene, id, cloud)
      }
    assert.deepEqual(await scene.ground.census(), { [HOME]: 2, [AWAY]: 2 })
  },

  [SEGMENT_STEP]: async ({ people, ground, openstack }) => {
    const { id } = (await openstack('network show wide')) as { id: string }
    const found = async (path: string) =>
      Object.values<Named[]>(await people.admin.must('GET', `${NEUTRON}/${path}`))[0]!
    const [segment] = await found(`segments?network_id=${id}&network_type=vlan&physical_network=${HOME}`)
    const { networks } = await ground.home.vcsim!.inventory()
    const groups = networks.filter(({ description }) => description.includes(` network ${id} `))
    assert.deepEqual(
      groups.map(({ vlan }) => vlan),
      [segment?.segmentation_id],
    )
    assert.ok(segment!.segmentation_id! > 0)
    const at = `provider:physical_network=${HOME}&provider:segmentation_id=${segment!.segmentation_id}`
    const ids = async (filters: string) => (await found(`networks?${filters}`)).map((each) => each.id)
    assert.deepEqual([await ids(at), await ids(`${at}1`)], [[id], []])
  },

  'without a zone the order of the project decides': async (scene) => {
    for (const cloud of CLOUDS) {
      await prefer(scene.people, [cloud, ...CLOUDS.filter((each) => each !== cloud)])
      const { id } = (await scene.openstack(`${BOOT} first-${cloud}`)) as { id: string }
      await standsOn(scene, id, cloud)
    }
    assert.deepEqual(await scene.ground.census(), { [HOME]: 3, [AWAY]: 3 })
  },

  'home is full: the server stands away, with the port that it began with': (scene) => failsOver(scene, HOME, AWAY),

  'away is full: it stands at home': (scene) => failsOver(scene, AWAY, HOME),

  'nothing is left on either when all of it is deleted': async ({ people, ground, openstack }) => {
    const { servers } = await people.demo.must('GET', NOVA)
    for (const { id } of servers) await openstack(`server delete --wait ${id}`)
    for (const cloud of CLOUDS) {
      await openstack(`subnet delete n-${cloud}`)
      await openstack(`network segment delete s-${cloud}`)
    }
    await openstack('network delete wide')
    await openstack('security group delete web')
    await openstack('keypair delete ci')
    await ground.home.clear(people)
    await patiently(async () => {
      await people.broker.cron()
      assert.deepEqual(await ground.leftovers(), [])
    }, 60_000)
  },
}
