import assert from 'node:assert/strict'
import { eventually, NEUTRON, NOVA, serverOf } from '../mixed/place.ts'
import type { Api } from '../support/api.ts'
import { RUNTIMES, type Runtime } from '../support/broker.ts'
import type { Report } from '../support/report.ts'
import { inRounds, told } from '../support/told.ts'
import { forgive, type Ground, layGround, settle, type Wish } from './ground.ts'

/**
 * What EC2 takes back, by its own books: a server whose user agreed is made anew under the same id, thrice as spot and then for
 * good; another is in error, once and for all. Last, EC2 sells no spot at all.
 */
export const spot = async (report: Report): Promise<void> => {
  for (const runtime of RUNTIMES) await spotOn(runtime, report)
}

interface Scene {
  admin: Api
  demo: Api
  ground: Ground
  wish: Wish
}

const spotOn = (runtime: Runtime, report: Report): Promise<void> =>
  told({ runtime, report, story: `${runtime} × spot`, setting: 'a region that sells spot is set up' }, async (at) => {
    const { broker, admin, demo, step, ends } = at
    const ground = await layGround()
    ends.push(() => ground.stop())
    const people = { broker, admin, demo }
    const wish = await settle(people, ground)
    inRounds(at)
    const scene: Scene = { ...people, ground, wish }
    await step('a movable server is made anew thrice, and then bought on demand', () => takenThrice(scene))
    await step('a notice that EC2 gives is told, once, and the server runs until it is gone', () => noticed(scene))
    await step('one that nobody agreed to move is in error, and stays so', () => takenForGood(scene))
    await step('EC2 sells no spot: the server is bought on demand, and each refusal is an event', () => notSold(scene))
    await step('nothing is left when all servers are deleted', () => emptied(scene))
  })

const boot = async ({ demo, wish }: Scene, name: string, metadata: Record<string, string> = {}): Promise<string> => {
  const { server } = await demo.must('POST', NOVA, { server: { name, ...wish, metadata } })
  const seen = await eventually(
    () => serverOf(demo, server.id),
    ({ status }) => status !== 'BUILD',
    180,
  )
  assert.equal(seen.status, 'ACTIVE', JSON.stringify(seen.fault))
  return server.id
}

interface Event {
  action: string
  message: string | null
}

/** What its history says, oldest first. */
const eventsOf = async ({ demo }: Scene, id: string): Promise<Event[]> =>
  (await demo.must('GET', `${NOVA}/${id}/os-instance-actions`)).instanceActions.toReversed()
const actionsOf = async (scene: Scene, id: string) => (await eventsOf(scene, id)).map(({ action }) => action)

/** EC2 takes a server back, and the next listing shows it. */
const takeBack = async (scene: Scene, id: string): Promise<string> => {
  const gone = await scene.ground.interrupt(id)
  await scene.admin.must('POST', '/broker/v1/reconcile')
  return gone
}

const portsOf = async ({ demo }: Scene, id: string): Promise<string[]> =>
  (await demo.must('GET', `${NEUTRON}/ports?device_id=${id}`)).ports.map((port: { id: string }) => port.id)

const takenThrice = async (scene: Scene): Promise<void> => {
  const { demo, ground } = scene
  await forgive(scene)
  const id = await boot(scene, 'movable', { 'plimsoll:movable': 'true', role: 'worker' })
  const ports = await portsOf(scene, id)
  const bought = [await ground.boughtAs(id)]
  const gone = new Set<string>()
  for (let time = 1; time <= 3; time++) {
    gone.add(await takeBack(scene, id))
    await eventually(
      async () => ({ status: (await serverOf(demo, id)).status, bought: await ground.boughtAs(id) }),
      (seen) => seen.status === 'ACTIVE' && seen.bought !== null,
      180,
    )
    bought.push(await ground.boughtAs(id))
    assert.deepEqual(await portsOf(scene, id), ports, 'the ports are the same')
  }
  assert.deepEqual(bought, ['spot', 'spot', 'spot', 'on-demand'])
  const all = await ground.instancesOf(id)
  assert.equal(all.length, 4, 'four instances were that server, one after another')
  const ended = all.filter(({ State }) => State?.Name === 'terminated').map(({ InstanceId }) => InstanceId!)
  assert.deepEqual(new Set(ended), gone, 'those that EC2 took are gone, and no other')
  const server = await serverOf(demo, id)
  assert.deepEqual([server.name, server.metadata.role], ['movable', 'worker'])
  const actions = (await actionsOf(scene, id)).filter((action) => action !== 'place_refused')
  assert.deepEqual(actions, ['create', ...Array(3).fill(['reclaimed', 'replaced']).flat()])
}

/** So many calls ask for it that there is one with each listing and look at most, however many servers there are. */
const noticed = async (scene: Scene): Promise<void> => {
  const { demo, ground, admin } = scene
  await forgive(scene)
  const ids = [await boot(scene, 'warned'), await boot(scene, 'unwarned')]
  const [id] = ids as [string]
  const instance = await ground.announce(id)
  const from = ground.proxy.log.length
  await admin.must('POST', '/broker/v1/reconcile')
  await eventually(
    () => actionsOf(scene, id),
    (actions) => actions.includes('reclaim_announced'),
    120,
  )
  for (let look = 0; look < 2; look++) await admin.must('POST', '/broker/v1/reconcile')
  const log = ground.proxy.log.slice(from)
  const calls = (action: string) => log.filter((call) => call.action === action).length
  assert.ok(calls('DescribeSpotInstanceRequests') <= calls('DescribeInstances'), 'it is asked once with each listing')
  assert.deepEqual(await actionsOf(scene, id), ['create', 'reclaim_announced'])
  const [event] = (await eventsOf(scene, id)).slice(-1)
  assert.match(event!.message ?? '', /is going to take back t3\.\w+ \(spot\): .*marked for termination/)
  assert.deepEqual([(await serverOf(demo, id)).status, await ground.boughtAs(id)], ['ACTIVE', 'spot'])
  assert.equal(await takeBack(scene, id), instance)
  await eventually(
    () => serverOf(demo, id),
    ({ status }) => status === 'ERROR',
    120,
  )
  assert.deepEqual(await actionsOf(scene, id), ['create', 'reclaim_announced', 'reclaimed'])
  for (const each of ids) await demo.must('DELETE', `${NOVA}/${each}`)
}

const takenForGood = async (scene: Scene): Promise<void> => {
  const { demo, ground, admin } = scene
  await forgive(scene)
  const id = await boot(scene, 'settled')
  assert.equal(await ground.boughtAs(id), 'spot')
  await takeBack(scene, id)
  const seen = await eventually(
    () => serverOf(demo, id),
    ({ status }) => status === 'ERROR',
    120,
  )
  assert.match(seen.fault.message, /taken back by the cloud.*Spot instance termination/)
  for (let look = 0; look < 3; look++) {
    await admin.must('POST', '/broker/v1/reconcile')
    assert.equal(await ground.boughtAs(id), null, 'it is made anew, and nobody agreed to that')
  }
  assert.deepEqual(await actionsOf(scene, id), ['create', 'reclaimed'])
  assert.equal((await ground.instancesOf(id)).length, 1)
}

const CODES = ['SpotMaxPriceTooLow', 'MaxSpotInstanceCountExceeded']

const notSold = async (scene: Scene): Promise<void> => {
  const { ground } = scene
  await forgive(scene)
  const code = CODES[Math.floor(Math.random() * CODES.length)]!
  const from = ground.proxy.log.length
  const params = { 'InstanceMarketOptions.MarketType': 'spot' }
  ground.proxy.rules = [{ action: 'RunInstances', fault: code, params }]
  try {
    const id = await boot(scene, 'unsold', { 'plimsoll:movable': 'true' })
    assert.equal(await ground.boughtAs(id), 'on-demand')
    const refused = ground.proxy.log
      .slice(from)
      .filter(({ action, fault }) => action === 'RunInstances' && fault === code)
    assert.ok(refused.length > 0, 'EC2 is asked for spot first')
    const told = (await eventsOf(scene, id)).filter(({ action }) => action === 'place_refused')
    assert.equal(told.length, refused.length, `each of ${refused.length} refusals is an event`)
    for (const { message } of told) assert.match(message ?? '', new RegExp(`\\(spot\\): .*\\(${code}\\)$`))
  } finally {
    ground.proxy.rules = []
  }
}

const emptied = async ({ demo, ground }: Scene): Promise<void> => {
  const { servers } = await demo.must('GET', NOVA)
  assert.equal(servers.length, 3)
  for (const { id } of servers) await demo.must('DELETE', `${NOVA}/${id}`)
  await eventually(
    async () => (await demo.must('GET', NOVA)).servers.length,
    (left) => left === 0,
    120,
  )
  assert.equal(await ground.running(), 0)
}
