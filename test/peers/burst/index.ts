import assert from 'node:assert/strict'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import { type Client, startClient } from '../openstackclient/client.ts'
import { rent } from '../span/client.ts'
import {
  AWAY,
  drawn,
  type Ground,
  HOME,
  type HomeKind,
  IMAGE_NAME,
  layGround,
  layNetwork,
  markHome,
  runtimesOf,
  settle,
} from '../span/ground.ts'
import { wishOf } from '../span/rental.ts'
import { agree } from '../span/standing.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { freePort } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { uploadImage } from '../support/upload.ts'
import { homecoming } from './homecoming.ts'
import { isolates } from './isolates.ts'
import { cap, price, spentAt } from './money.ts'
import { twins } from './twins.ts'
import { watchBoth } from './watch.ts'

/**
 * A home that is filled up to its mark and a cloud outside for the rest, room and mark drawn: by the unmodified client one
 * by one, and by many requests at once. What is counted is what vSphere and EC2 have, at every look. Then what comes home, two programs on one
 * database, and two isolates on one D1.
 *
 * @param home what home is; what comes after the first story is told of vSphere alone
 * @param turn null: on each runtime; else on the one whose turn it is
 */
export const burst = async (report: Report, turn: number | null, home: HomeKind): Promise<void> => {
  const all = runtimesOf(home)
  const runtimes = turn === null ? all : [all[turn % all.length]!]
  for (const runtime of runtimes) await burstOn(runtime, report, home)
  if (home !== 'vsphere') return
  // By turns, the other one; not on the day on which the peer `onward` waits for minutes.
  if (turn === null || turn % 3 !== 0)
    for (const runtime of turn === null ? RUNTIMES : [RUNTIMES[(turn + 1) % RUNTIMES.length]!])
      await homecoming(runtime, report)
  else report.step('homecoming', 'a day of its turn', 'skipped', 0, 'it is played on two days of three')
  await twins(report)
  await isolates(report)
}

interface Scene {
  people: { broker: Broker; admin: Api; demo: Api }
  ground: Ground
  client: Client
  network: string
  /** vCPUs that home lends, the share of them up to which it is filled, and so the number of servers of one vCPU that it takes. */
  room: number
  share: number
  mark: number
  /** Throws if home was ever seen above its mark. */
  refuseAbove(): void
}

const burstOn = async (runtime: Runtime, report: Report, home: HomeKind): Promise<void> => {
  const room = drawn(4, 6)
  const share = drawn(40, 59) / 100
  const mark = Math.floor(share * room)
  const story = `${runtime} × home on ${home} of ${room} vCPUs, mark ${share}`
  const ends: (() => unknown)[] = []
  try {
    const broker = await startBroker(runtime)
    ends.push(() => broker.stop())
    const ground = await layGround(home)
    ends.push(() => ground.stop())
    const people = { broker, admin: await logIn(broker, 'admin'), demo: await logIn(broker, 'demo') }
    const client = await startClient(broker)
    ends.push(() => client.stop())
    const cron = setInterval(() => void broker.cron().catch(() => {}), 5_000)
    ends.push(() => clearInterval(cron))
    await settle(people, ground, (name, body) => uploadImage(broker, people.demo, { name }, body))
    const network = await layNetwork(people.demo, 'wide', ground)
    await markHome(people, share, room, { hysteresis: 0 })
    const watch = watchBoth(ground)
    ends.push(() => watch.stop())
    const refuseAbove = () => watch.refuseAbove(mark)
    const scene: Scene = { people, ground, client, network, room, share, mark, refuseAbove }
    for (const [title, run] of Object.entries(STEPS)) {
      const from = Date.now()
      const fault = await run(scene).then(
        () => '',
        (error) => String(error instanceof Error ? error.message : error),
      )
      report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault)
    }
  } catch (error) {
    report.step(story, 'two clouds are set up', 'failed', 0, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const stand = (scene: Scene, home: number, away: number) =>
  patiently(async () => assert.deepEqual(await scene.ground.census(), { [HOME]: home, [AWAY]: away }), 120_000)

const boot = async ({ client }: Scene, name: string): Promise<void> => {
  const words = `server create --wait --image ${IMAGE_NAME} --flavor m1.small --network wide ${name}`
  const said = await client.say(['--os-cloud', 'plimsoll', ...words.split(' '), '-f', 'json'])
  assert.equal(said.rc, 0, said.stderr.slice(0, 800))
}

const remove = async ({ people: { demo } }: Scene, ids: string[]): Promise<void> => {
  for (const id of ids) await demo.must('DELETE', `${NOVA}/${id}`)
  await patiently(async () => {
    for (const id of ids) assert.equal((await demo.call('GET', `${NOVA}/${id}`)).status, 404)
  }, 120_000)
}

const removeAll = async (scene: Scene): Promise<void> => {
  const { servers } = await scene.people.demo.must('GET', NOVA)
  await remove(
    scene,
    servers.map(({ id }: { id: string }) => id),
  )
}

const whatIsBooted = async ({ people: { demo } }: Scene): Promise<{ flavorRef: string; imageRef: string }> => {
  const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
  const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
  return { flavorRef: flavors.find(({ name }: { name: string }) => name === 'm1.small').id, imageRef: images[0].id }
}

const bought = ({ ground }: Scene): number => ground.proxy.log.filter(({ action }) => action === 'RunInstances').length

/** More than are at home at once in the end. */
const MANY = 12

const STEPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  'home is filled one by one, and nothing is asked of the cloud outside': async (scene) => {
    for (let n = 1; n <= scene.mark; n++) await boot(scene, `one-${n}`)
    await stand(scene, scene.mark, 0)
    assert.equal(bought(scene), 0)
  },

  'what comes then is outside, and says why': async (scene) => {
    const { people, mark } = scene
    await boot(scene, 'over')
    await stand(scene, mark, 1)
    const { servers } = await people.demo.must('GET', `${NOVA}?name=over`)
    const { placement } = await people.demo.must('GET', `/broker/v1/servers/${servers[0].id}/placement`)
    const home = placement.considered.find(({ cloud }: { cloud: string }) => cloud === HOME)
    assert.deepEqual([placement.at.cloud, home.rule], [AWAY, 'mark'])
    await agree(people.demo, scene.ground)
  },

  'room at home is taken by what is new; what is outside stays': async (scene) => {
    const { people, mark } = scene
    const { servers } = await people.demo.must('GET', `${NOVA}?name=one-1`)
    await remove(scene, [servers[0].id])
    await stand(scene, mark - 1, 1)
    // Home has come down once its inventory says so.
    await patiently(async () => {
      await boot(scene, `again-${Date.now()}`)
      assert.equal((await scene.ground.census())[HOME], mark)
    }, 150_000)
  },

  'of many at once home takes no more than its mark, at no look': async (scene) => {
    const { people, mark, network } = scene
    await removeAll(scene)
    const booted = await whatIsBooted(scene)
    const server = { name: 'many', ...booted, networks: [{ uuid: network }] }
    const before = await people.demo.must('POST', '/broker/v1/placements', {
      placement: { flavor: booted.flavorRef, image: booted.imageRef, networks: [network] },
    })
    assert.equal(before.placement.places[0].cloud, HOME)
    const answers = await Promise.all(Array.from({ length: MANY }, () => people.demo.call('POST', NOVA, { server })))
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(MANY).fill(202),
    )
    await stand(scene, mark, MANY - mark)
    scene.refuseAbove()
    await agree(people.demo, scene.ground)
  },

  'of many at once no more is bought than a cap pays for': async (scene) => {
    const { people, ground, network } = scene
    await removeAll(scene)
    const tariff = { vcpu: drawn(10_000, 40_000), ramGib: drawn(1_000, 9_000) }
    await price(people, tariff)
    const server = { name: 'dear', ...(await whatIsBooted(scene)), networks: [{ uuid: network }] }
    await cap(people, null)
    // What one costs is learned from EC2, by buying one without a limit.
    const { server: first } = await people.demo.must('POST', NOVA, { server })
    await stand(scene, 0, 1)
    const one = await spentAt(ground.moto, tariff)
    await remove(scene, [first.id])
    const affordable = drawn(2, MANY - 3)
    await cap(people, one * affordable + drawn(1, one - 1))
    const answers = await Promise.all(Array.from({ length: MANY }, () => people.demo.call('POST', NOVA, { server })))
    const statuses = answers.map(({ status }) => status).toSorted()
    assert.deepEqual(statuses, [...Array(affordable).fill(202), ...Array(MANY - affordable).fill(403)])
    await stand(scene, 0, affordable)
    assert.equal(await spentAt(ground.moto, tariff), one * affordable)
  },

  'Nodepool and TARDIS fill home up to its mark, and have the rest outside': async (scene) => {
    const { people, mark, network, room, share } = scene
    await removeAll(scene)
    // Nodepool takes any zone of the list, by chance: with one that leaves the choice open it cannot take a wrong one.
    await markHome(people, share, room, { hysteresis: 0, zones: 'policy' })
    const wish = await wishOf(people.broker, people.demo, network, IMAGE_NAME)
    const over = drawn(1, 2)
    for (const client of ['nodepool', 'tardis'] as const) {
      const { server_group: _, ...told } = { ...wish, port: await freePort(), count: mark + over }
      await rent(client, told, async (servers) => {
        assert.equal(servers.length, mark + over)
        await stand(scene, mark, over)
        await agree(people.demo, scene.ground)
      })
      await stand(scene, 0, 0)
      scene.refuseAbove()
    }
    await people.demo.must('DELETE', `/compute/v2.1/os-server-groups/${wish.server_group}`)
    const { security_groups } = await people.demo.must('GET', `${NEUTRON}/security-groups?name=web`)
    await people.demo.must('DELETE', `${NEUTRON}/security-groups/${security_groups[0].id}`)
    await people.demo.must('DELETE', '/compute/v2.1/os-keypairs/ci')
  },

  'nothing is left on either when all of it is deleted': async (scene) => {
    const { people, ground, network } = scene
    await removeAll(scene)
    for (const kind of ['subnets', 'segments']) {
      const found = await people.demo.must('GET', `${NEUTRON}/${kind}?network_id=${network}`)
      for (const { id } of found[kind]) await people.demo.must('DELETE', `${NEUTRON}/${kind}/${id}`)
    }
    await people.demo.must('DELETE', `${NEUTRON}/networks/${network}`)
    await ground.home.clear(people)
    await patiently(async () => {
      await people.broker.cron()
      assert.deepEqual(await ground.leftovers(), [])
    }, 60_000)
    scene.refuseAbove()
  },
}
