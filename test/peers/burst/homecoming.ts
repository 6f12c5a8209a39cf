import assert from 'node:assert/strict'
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2'
import { NEUTRON, NOVA, serverOf } from '../mixed/place.ts'
import { AWAY, drawn, type Ground, HOME, IMAGE_NAME, layGround, layNetwork, markHome, settle } from '../span/ground.ts'
import { standingOn } from '../span/standing.ts'
import type { Api } from '../support/api.ts'
import type { Broker, Runtime } from '../support/broker.ts'
import { patiently, slowness } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { inRounds, told } from '../support/told.ts'
import { machineOf, readyUrlOf } from '../vsphere/seen.ts'
import { type Watch, watchBoth } from './watch.ts'

const PATIENCE_MS = 120_000
/** So many home takes; the simulated hosts have memory for little more. */
const MARK = 3
/** So long a machine has to say that it is ready, in seconds, on a machine that has nothing else to do. */
const READY = 15
const MOVABLE = { 'plimsoll:movable': 'true' }

interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  ground: Ground
  watch: Watch
  /** What every server is made of. */
  wish: Record<string, unknown>
  network: string
  /** Ids of those that are outside. */
  out: { first: string; second: string; third: string; busy: string; fixed: string }
}

/**
 * Servers that spilled and may come home, when home is freed: made at home anew, ready by the URL that vSphere's own inventory says
 * the guest was told, and then gone from EC2's books. What never says so goes again; what is busy, and what nobody agreed to move,
 * stays. Home is at no look above its mark.
 */
export const homecoming = (runtime: Runtime, report: Report): Promise<void> => {
  const room = drawn(6, 8)
  const share = (MARK + drawn(1, 9) / 10) / room
  const story = `${runtime} × homecoming, ${room} vCPUs, mark ${share.toFixed(3)}`
  const settings = (url: string) => ({
    PLIMSOLL_PUBLIC_URL: url,
    PLIMSOLL_HOMECOMING_AFTER: '1',
    PLIMSOLL_HOMECOMING_READY: String(Math.ceil(READY * slowness())),
    PLIMSOLL_HOMECOMING_GRACE: '2',
  })
  return told({ runtime, report, story, setting: 'two clouds are set up', settings }, async (at) => {
    const { broker, admin, demo, step, ends } = at
    const ground = await layGround()
    ends.push(() => ground.stop())
    inRounds(at)
    await settle({ broker, admin, demo }, ground)
    const network = await layNetwork(demo, 'wide', ground)
    await markHome({ admin, demo }, share, room, { hysteresis: 0 })
    const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
    const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
    const flavorRef = flavors.find(({ name }: { name: string }) => name === 'm1.small').id
    const wish = { imageRef: images[0].id, flavorRef, networks: [{ uuid: network }] }
    const watch = watchBoth(ground)
    ends.push(() => watch.stop())
    const out = { first: '', second: '', third: '', busy: '', fixed: '' }
    const scene: Scene = { broker, admin, demo, ground, watch, wish, network, out }
    for (const [title, tell] of Object.entries(STEPS)) await step(title, () => tell(scene))
  })
}

const boot = async ({ demo, broker, wish }: Scene, name: string, metadata = {}): Promise<string> => {
  const response = await fetch(broker.url + NOVA, {
    method: 'POST',
    headers: {
      'X-Auth-Token': demo.token,
      'Content-Type': 'application/json',
      // Tags are told at once from here on.
      'OpenStack-API-Version': 'compute 2.52',
    },
    body: JSON.stringify({ server: { name, ...wish, metadata: { ...metadata, role: name }, tags: ['night'] } }),
  })
  const { server } = (await response.json()) as { server?: { id: string } }
  assert.ok(server, `${name}: ${response.status}`)
  return server.id
}

const remove = async ({ demo }: Scene, ids: string[]): Promise<void> => {
  for (const id of ids) await demo.must('DELETE', `${NOVA}/${id}`)
  await patiently(async () => {
    for (const id of ids) assert.equal((await demo.call('GET', `${NOVA}/${id}`)).status, 404)
  }, PATIENCE_MS)
}

const stand = ({ ground }: Scene, home: number, away: number): Promise<void> =>
  patiently(async () => assert.deepEqual(await ground.census(), { [HOME]: home, [AWAY]: away }), PATIENCE_MS)

const homecomingOf = async ({ demo }: Scene, id: string) =>
  (await demo.must('GET', `/broker/v1/servers/${id}/placement`)).placement.homecoming

const actionsOf = async ({ demo }: Scene, id: string): Promise<string[]> =>
  (await demo.must('GET', `${NOVA}/${id}/os-instance-actions`)).instanceActions.map(
    ({ action }: { action: string }) => action,
  )

/** The instances that EC2 has, or had, for a server, with their states. */
const instancesOf = async ({ ground }: Scene, id: string): Promise<string[]> => {
  const filter = { Name: 'tag:plimsoll:resource', Values: [id] }
  const { Reservations } = await ground.moto.ec2.send(new DescribeInstancesCommand({ Filters: [filter] }))
  return (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).map(({ State }) => State!.Name!)
}

/** The URL that the guest of a server at home is told, by the settings of its machine in vSphere's inventory. */
const urlFor = async ({ ground }: Scene, id: string): Promise<string> => {
  const url = readyUrlOf(machineOf(await ground.home.vcsim!.inventory(), id))
  assert.ok(url, 'its guest is told no URL')
  return url
}

const STEPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  'home is full, what comes then is outside, and new work goes home when that is freed': async (scene) => {
    const { demo, wish, network } = scene
    const fillers: string[] = []
    for (let n = 0; n < MARK; n++) fillers.push(await boot(scene, `filler-${n}`))
    await stand(scene, MARK, 0)
    const first = await boot(scene, 'first', MOVABLE)
    const second = await boot(scene, 'second', MOVABLE)
    const third = await boot(scene, 'third', MOVABLE)
    const busy = await boot(scene, 'busy', { ...MOVABLE, 'plimsoll:busy': 'true' })
    const fixed = await boot(scene, 'fixed')
    scene.out = { first, second, third, busy, fixed }
    await stand(scene, MARK, 5)
    for (const id of [...fillers, ...Object.values(scene.out)]) await standingOn(demo, id)
    await remove(scene, fillers)
    const placement = { flavor: wish.flavorRef, image: wish.imageRef, networks: [network] }
    await patiently(async () => {
      const { placement: places } = await demo.must('POST', '/broker/v1/placements', { placement })
      assert.equal(places.places[0].cloud, HOME)
    }, PATIENCE_MS)
    assert.equal(await standingOn(demo, await boot(scene, 'new')), HOME)
  },

  'two that may come are made at home, up to its mark; the others stay where they are, and say why': async (scene) => {
    const { demo, out } = scene
    await stand(scene, MARK, 5)
    for (const id of Object.values(out)) assert.equal(await standingOn(demo, id), AWAY)
    for (const id of [out.first, out.second]) assert.equal((await homecomingOf(scene, id)).state, 'arriving')
    assert.equal(await homecomingOf(scene, out.fixed), null)
    await patiently(async () => {
      const said = await Promise.all([out.third, out.busy].map(async (id) => (await homecomingOf(scene, id))?.state))
      assert.ok(!said.includes('arriving'), String(said))
    }, PATIENCE_MS)
  },

  'the one that says so is the server under its id, and EC2 has it no more; the silent one goes again': async (
    scene,
  ) => {
    const { demo, out } = scene
    const [ready, silent] = drawn(0, 1) ? [out.first, out.second] : [out.second, out.first]
    const before = await serverOf(demo, ready)
    const tags = (await demo.must('GET', `${NOVA}/${ready}`)).server.tags
    const answer = await fetch(await urlFor(scene, ready), { method: 'POST' })
    assert.equal(answer.status, 204)
    await patiently(async () => assert.equal(await standingOn(demo, ready), HOME), PATIENCE_MS)
    const after = await serverOf(demo, ready)
    for (const same of ['id', 'name', 'metadata', 'created', 'status', 'flavor', 'image'])
      assert.deepEqual(after[same], before[same], same)
    assert.deepEqual(after.tags, tags)
    assert.ok((await actionsOf(scene, ready)).includes('homecoming'))

    // One has come, and one that never said anything is gone: it never was anywhere else.
    await stand(scene, MARK - 1, 4)
    assert.deepEqual(await instancesOf(scene, ready), ['terminated'])
    assert.deepEqual(await instancesOf(scene, silent), ['running'])
    assert.equal(await standingOn(demo, silent), AWAY)
    assert.ok((await actionsOf(scene, silent)).includes('homecoming_failed'))
    assert.equal((await homecomingOf(scene, silent)).reason, 'It was not ready in time.')
    for (const id of [out.third, out.busy, out.fixed]) assert.deepEqual(await instancesOf(scene, id), ['running'])
    // Home has room for it now, and it is looked at.
    await patiently(
      async () => assert.match((await homecomingOf(scene, out.busy))?.reason ?? '', /plimsoll:busy=true/),
      PATIENCE_MS,
    )
    scene.watch.refuseAbove(MARK)
  },

  'nothing is left on either when all of it is deleted': async (scene) => {
    const { demo, ground, network, broker } = scene
    const { servers } = await demo.must('GET', NOVA)
    await remove(
      scene,
      servers.map(({ id }: { id: string }) => id),
    )
    for (const kind of ['subnets', 'segments']) {
      const found = await demo.must('GET', `${NEUTRON}/${kind}?network_id=${network}`)
      for (const { id } of found[kind]) await demo.must('DELETE', `${NEUTRON}/${kind}/${id}`)
    }
    await demo.must('DELETE', `${NEUTRON}/networks/${network}`)
    await patiently(async () => {
      await broker.cron()
      assert.deepEqual(await ground.leftovers(), [])
    }, PATIENCE_MS)
    scene.watch.refuseAbove(MARK)
  },
}
