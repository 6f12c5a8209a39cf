import assert from 'node:assert/strict'
import { Victim } from '../chaos/broker.ts'
import { Client } from '../chaos/client.ts'
import { NOVA } from '../mixed/place.ts'
import {
  AWAY,
  type CloudName,
  drawn,
  type Ground,
  HOME,
  IMAGE_NAME,
  layGround,
  layNetwork,
  markHome,
  settle,
} from '../span/ground.ts'
import { agree } from '../span/standing.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { type Watch, watchBoth } from './watch.ts'

const BURSTS = '/broker/v1/bursts'
const KILL_EVERY_MS = 3_000
const PATIENCE_MS = 120_000

interface Scene {
  broker: Victim
  ground: Ground
  demo: Client
  wish: Record<string, unknown>
  /** So many servers of one vCPU home takes. */
  mark: number
  watch: Watch
}

/**
 * Bursts over a home that is filled up to its mark and a cloud outside for the rest, both drawn: filled, made larger and
 * smaller, drained, and all of it again while the broker is killed every few seconds. What is counted is what vSphere and EC2
 * have, at every look.
 */
export const bursts = async (report: Report): Promise<void> => {
  // The simulated hosts themselves have memory for little more than three.
  const room = drawn(4, 6)
  const share = drawn(40, 59) / 100
  const mark = Math.floor(share * room)
  const story = `node × bursts, home of ${room} vCPUs, mark ${share}`
  const ends: (() => unknown)[] = []
  try {
    const ground = await layGround()
    ends.push(() => ground.stop())
    const broker = await Victim.make()
    ends.push(() => broker.close())
    await broker.start()
    const people = {
      admin: new Client(broker, 'admin'),
      demo: new Client(broker, 'demo'),
      broker: { cron: async () => {} },
    }
    const { demo } = people
    await demo.must('GET', NOVA)
    await settle(people as never, ground)
    const network = await layNetwork(demo, 'wide', ground)
    await markHome(people as never, share, room, { hysteresis: 0 })
    const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
    const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
    const flavor = flavors.find(({ name }: { name: string }) => name === 'm1.small').id
    const watch = watchBoth(ground)
    ends.push(() => watch.stop())
    const wish = { flavor, image: images[0].id, networks: [network] }
    const scene: Scene = { broker, ground, demo, wish, mark, watch }
    for (const [title, run] of Object.entries(STEPS)) {
      const from = Date.now()
      const fault = await run(scene).then(
        () => '',
        (error) => String(error instanceof Error ? error.message : error).slice(0, 2_000),
      )
      report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault)
    }
  } catch (error) {
    report.step(story, 'two clouds are set up', 'failed', 0, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const stand = ({ ground }: Scene, home: number, away: number): Promise<void> => {
  const wanted: Record<CloudName, number> = { [HOME]: home, [AWAY]: away }
  return patiently(async () => assert.deepEqual(await ground.census(), wanted), PATIENCE_MS)
}

const ask = async ({ demo, wish }: Scene, name: string, count: object): Promise<string> =>
  (await demo.must('POST', BURSTS, { ...wish, name, count })).burst.id

const shows = ({ demo }: Scene, id: string, wanted: object): Promise<void> =>
  patiently(async () => {
    const { burst } = await demo.must('GET', `${BURSTS}/${id}`)
    const seen = { state: burst.state, clouds: burst.members.clouds }
    assert.deepEqual(seen, wanted, burst.reason ?? '')
  }, PATIENCE_MS)

const drain = async (scene: Scene, id: string): Promise<void> => {
  await scene.demo.must('DELETE', `${BURSTS}/${id}`)
  await stand(scene, 0, 0)
  await shows(scene, id, { state: 'done', clouds: {} })
}

/** More than home takes. */
const OVER = 3

const STEPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  'it fills home up to its mark, and has the rest outside': async (scene) => {
    const { mark, demo, ground, watch } = scene
    const most = mark + OVER
    const id = await ask(scene, 'filled', { min: most, max: most })
    await stand(scene, mark, OVER)
    await shows(scene, id, { state: 'running', clouds: { [HOME]: mark, [AWAY]: OVER } })
    await agree(demo, ground)

    await demo.must('PATCH', `${BURSTS}/${id}`, { count: { min: 1, max: most + 1 } })
    await stand(scene, mark, OVER + 1)
    await demo.must('PATCH', `${BURSTS}/${id}`, { count: { min: 1, max: mark } })
    // What is outside goes first.
    await stand(scene, mark, 0)
    await drain(scene, id)
    assert.ok(watch.most.both <= most + 1, `${watch.most.both} at one look, of ${most + 1} at most`)
    watch.refuseAbove(mark)
  },

  'killed over and over it has as many as it may, at no look more, and none is left of it': async (scene) => {
    const { mark, broker, watch, demo, ground } = scene
    const most = mark + OVER
    watch.begin()
    let id = ''
    await broker.killedWhile(async () => {
      id = await ask(scene, 'killed', { min: most, max: most })
      await stand(scene, mark, OVER)
    }, KILL_EVERY_MS)
    await shows(scene, id, { state: 'running', clouds: { [HOME]: mark, [AWAY]: OVER } })
    await agree(demo, ground)
    await broker.killedWhile(() => drain(scene, id), KILL_EVERY_MS)
    assert.ok(broker.kills >= 2, `only ${broker.kills} kills`)
    assert.ok(watch.most.both <= most, `${watch.most.both} at one look, of ${most} at most`)
    watch.refuseAbove(mark)
    assert.deepEqual(demo.failures, [])
  },
}
