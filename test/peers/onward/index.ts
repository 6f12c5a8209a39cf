import assert from 'node:assert/strict'
import { eventually, NOVA, serverOf } from '../mixed/place.ts'
import type { Api } from '../support/api.ts'
import { RUNTIMES, type Runtime } from '../support/broker.ts'
import type { Report } from '../support/report.ts'
import { inRounds, told } from '../support/told.ts'
import { CODES, draw } from './draw.ts'
import { type Ground, LAST, layGround, settle, type Wish } from './ground.ts'
import { keyOf, REGIONS, survivorOf } from './offers.ts'

/**
 * One request for a server, and clouds that refuse it by drawn codes: it ends where an independent calculation says.
 *
 * @param long waits, too, until what was refused may be asked for again, which takes minutes
 */
export const onward = async (report: Report, long: boolean): Promise<void> => {
  await Promise.all(RUNTIMES.map((runtime) => refusedOn(runtime, report, long)))
}

const refusedOn = (runtime: Runtime, report: Report, long: boolean): Promise<void> => {
  const setting = 'two regions and another cloud are set up'
  return told({ runtime, report, story: `${runtime} × refused offers`, setting }, async (at) => {
    const { broker, admin, demo, step, ends } = at
    const ground = await layGround()
    ends.push(() => ground.stop())
    const people = { broker, admin, demo }
    const wish = await settle(people, ground)
    inRounds(at)
    const scene: Scene = { ...people, ground, wish }
    for (let region = 0; region <= REGIONS.length; region++)
      await step(
        `one request ends on the survivor, ${region < REGIONS.length ? `in region ${region + 1}` : 'on another cloud'}`,
        () => survives(scene, region),
      )
    if (!long) return
    await step('after their time the remembered ones are asked again, and those of a longer time are not', () =>
      forgets(scene),
    )
  })
}

const MINUTE = 60_000

interface Scene {
  admin: Api
  demo: Api
  ground: Ground
  wish: Wish
}

/** What EC2 was asked for since then, as `<cloud>.<zone>/<size>`, with what it answered in place of an instance. */
const asked = ({ ground }: Scene, since: number) =>
  ground.proxy.log.slice(since).flatMap(({ action, params, fault }) => {
    const zone = params['Placement.AvailabilityZone']
    const cloud = REGIONS.find(({ zones }) => (zones as readonly string[]).includes(zone ?? ''))?.cloud
    return action === 'RunInstances' && cloud ? [{ key: `${cloud}.${zone}/${params.InstanceType}`, fault }] : []
  })

const boot = async ({ demo, wish }: Scene, name: string): Promise<string> => {
  const { server } = await demo.must('POST', NOVA, { server: { name, ...wish } })
  const seen = await eventually(
    () => serverOf(demo, server.id),
    ({ status }) => status !== 'BUILD',
    180,
  )
  assert.equal(seen.status, 'ACTIVE', JSON.stringify(seen.fault))
  assert.equal(seen.flavor.id ?? seen.flavor.original_name, wish.flavorRef, 'the flavor stays as it was asked for')
  return server.id
}

/** A zone that has the server by the broker's word, and by EC2's. */
const where = async ({ demo, ground }: Scene, id: string): Promise<string> => {
  const zone: string = (await serverOf(demo, id))['OS-EXT-AZ:availability_zone']
  const instance = await ground.instanceOf(id)
  if (instance === null) {
    assert.ok(zone.startsWith(`${LAST}.`), `EC2 has no instance, and the server is said to be in ${zone}`)
    return LAST
  }
  assert.equal(zone, `${instance.cloud}.${instance.zone}`)
  return keyOf(instance)
}

const refuse = async (scene: Scene, refused: Map<string, string>): Promise<void> => {
  const { admin, ground } = scene
  for (const cloud of [...REGIONS.map((region) => region.cloud), LAST])
    await admin.must('DELETE', `/broker/v1/clouds/${cloud}/refused-offers`)
  ground.proxy.rules = ground.sold.flatMap((offer) => {
    const fault = refused.get(keyOf(offer))
    const params = { 'Placement.AvailabilityZone': offer.zone, InstanceType: offer.size }
    return fault ? [{ action: 'RunInstances', fault, params }] : []
  })
}

/** When each region was last asked what it sells: from then on nothing is held against it that it does not sell. */
const inventoriesOf = async ({ admin }: Scene): Promise<string> =>
  (
    await Promise.all(
      REGIONS.map(async ({ cloud }) => (await admin.must('GET', `/broker/v1/clouds/${cloud}`)).cloud.inventory_at),
    )
  ).join()

const survives = async (scene: Scene, region: number): Promise<void> => {
  const { demo, ground } = scene
  const refused = draw(ground.sold, ground.sizes, region)
  const survivor = survivorOf(ground.sold, ground.sizes, refused)
  await refuse(scene, refused)
  console.log(`${refused.size} offers refuse, ${survivor ? keyOf(survivor) : LAST} is left`)
  const before = ground.proxy.log.length
  const [from, inventories] = [Date.now(), await inventoriesOf(scene)]
  const id = await boot(scene, `refused-${region}`)
  const { placement } = await demo.must('GET', `/broker/v1/servers/${id}/placement`)
  const why = JSON.stringify([placement.considered, placement.ties, placement.attempts])
  assert.equal(await where(scene, id), survivor ? keyOf(survivor) : LAST, why)
  const tries = asked(scene, before).filter(({ fault }) => fault)
  assert.equal(new Set(tries.map(({ key }) => key)).size, tries.length, 'no offer is asked for twice')
  const { instanceActions } = await demo.must('GET', `${NOVA}/${id}/os-instance-actions`)
  const events = (instanceActions as { action: string; message: string }[]).filter(
    (each) => each.action === 'place_refused',
  )
  const told = events.map(({ message }) => message.replace(/^(\S+) refused (\S+): .*\((\w+)\)$/, '$1/$2 $3'))
  assert.deepEqual(told.toSorted(), tries.map(({ key, fault }) => `${key} ${fault}`).toSorted())
  // The next one knows.
  const again = ground.proxy.log.length
  assert.equal(await where(scene, await boot(scene, `next-${region}`)), survivor ? keyOf(survivor) : LAST)
  // Of a machine that is busy for minutes some of it is over by now.
  const minutes = (Date.now() - from) / MINUTE
  const anew = (await inventoriesOf(scene)) !== inventories
  const isKnown = (fault: string) => (CODES[fault] === null ? !anew : minutes < CODES[fault]!)
  const known = new Set(tries.filter(({ fault }) => isKnown(fault!)).map(({ key }) => key))
  assert.deepEqual(
    asked(scene, again).filter(({ key }) => known.has(key)),
    [],
  )
}

/** The offers of the first region are refused by codes of every time, and the next region has room. */
const forgets = async (scene: Scene): Promise<void> => {
  const { ground } = scene
  const names = Object.keys(CODES)
  const first = ground.sold.filter(({ cloud }) => cloud === REGIONS[0].cloud)
  const refused = new Map(first.map((offer, n) => [keyOf(offer), names[n % names.length]!]))
  await refuse(scene, refused)
  const from = ground.proxy.log.length
  await boot(scene, 'before-its-time')
  const tries = asked(scene, from).filter(({ fault }) => fault)
  assert.equal(tries.length, first.length, 'all of the first region is asked for')
  await new Promise((resolve) => setTimeout(resolve, 3 * MINUTE + 5_000))
  const later = ground.proxy.log.length
  await boot(scene, 'after-its-time')
  const again = new Set(asked(scene, later).map(({ key }) => key))
  for (const { key, fault } of tries)
    if (CODES[fault!] !== null) assert.equal(again.has(key), CODES[fault!] === 3, `${key} was refused with ${fault}`)
}
