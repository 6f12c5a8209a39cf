import assert from 'node:assert/strict'
import { Victim } from '../chaos/broker.ts'
import { Client } from '../chaos/client.ts'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { AWAY, type CloudName, forget, type Ground, HOME, IMAGE_NAME, layGround, prefer, settle } from './ground.ts'
import { agree, portOf, standingOn } from './standing.ts'

const SERVERS = 8
const KILL_EVERY_MS = 2_500
/** Recovery is promised within a minute of the last kill. */
const RECOVERY_MS = 60_000
/**
 * What is wanted comes about between kills too. Each call that a kill breaks off costs up to a minute, and a server that is
 * refused at home makes two of them at least.
 */
const PATIENCE_MS = 300_000
const STORY = 'node × two clouds, killed'

/** Servers go from cloud to cloud for want of room, while the broker is killed every few seconds. */
export const killed = async (report: Report): Promise<void> => {
  const ground = await layGround()
  const broker = await Victim.make()
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = await run().then(
      () => null,
      (error) => String(error instanceof Error ? error.message : error).slice(0, 2_000),
    )
    report.step(STORY, title, fault === null ? 'passed' : 'failed', Date.now() - from, fault ?? '')
  }
  try {
    await broker.start()
    const people = {
      admin: new Client(broker, 'admin'),
      demo: new Client(broker, 'demo'),
      broker: { cron: async () => {} },
    }
    const { demo } = people
    await demo.must('GET', `${NOVA}`)
    await settle(people, ground)
    await prefer(people, [HOME, AWAY])
    const { network, subnets, segments } = await span(demo, ground)
    const made = new Map<string, string>()
    const chosen: Record<CloudName, number> = { [HOME]: 0, [AWAY]: 0 }
    await step(`${SERVERS} servers, half of which find no room at home, through kills`, () =>
      broker.killedWhile(() => boot(people, ground, network, made), KILL_EVERY_MS),
    )
    await step('each is ACTIVE, with the port that it began with and an address of its segment', async () => {
      for (const [id, port] of made) {
        chosen[await standingOn(demo, id)]++
        assert.equal(await portOf(demo, id), port)
      }
      assert.ok(chosen[HOME] > 0 && chosen[AWAY] > 0, `not both clouds were needed: ${JSON.stringify(chosen)}`)
    })
    await step('each exists once, on the cloud that its row names', () => agree(demo, ground))
    await step('all of it is deleted, through kills, and nothing is left on either cloud', async () => {
      await broker.killedWhile(
        () => demolish({ broker, demo }, [...made.keys()], subnets, segments, network),
        KILL_EVERY_MS,
      )
      await patiently(async () => assert.deepEqual(await ground.leftovers(), []), broker.within(RECOVERY_MS))
    })
    await step('it was killed, and no request failed inside', async () => {
      assert.ok(broker.kills >= 3, `only ${broker.kills} kills`)
      assert.deepEqual(demo.failures, [])
    })
  } catch (error) {
    report.step(STORY, 'two clouds are set up', 'failed', 0, String(error))
  } finally {
    await broker.close()
    await ground.stop()
  }
}

/** A network with a segment and a subnet on each of the clouds. */
const span = async (demo: Client, { places }: Ground) => {
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'wide' } })
  const [subnets, segments]: [string[], string[]] = [[], []]
  for (const { physical, cidr } of Object.values(places)) {
    const { segment } = await demo.must('POST', `${NEUTRON}/segments`, {
      segment: { network_id: network.id, physical_network: physical, network_type: 'vlan' },
    })
    const { subnet } = await demo.must('POST', `${NEUTRON}/subnets`, {
      subnet: { network_id: network.id, segment_id: segment.id, ip_version: 4, cidr },
    })
    segments.push(segment.id)
    subnets.push(subnet.id)
  }
  return { network: network.id as string, subnets, segments }
}

/** `made`: ports by server, as they were right after the request. */
const boot = async (
  people: { admin: Client; demo: Client },
  ground: Ground,
  network: string,
  made: Map<string, string>,
): Promise<void> => {
  const { demo } = people
  const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
  const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
  const flavorRef = flavors.find(({ name }: { name: string }) => name === 'm1.small').id
  for (let n = 0; n < SERVERS; n++) {
    // Every second one meets a home that is full, at whatever moment its process is killed.
    if (n % 2) await ground.refuse(HOME, 100)
    const { server } = await demo.must('POST', NOVA, {
      server: { name: `s${n}`, imageRef: images[0].id, flavorRef, networks: [{ uuid: network }] },
    })
    made.set(server.id, await portOf(demo, server.id))
    await standingOn(demo, server.id, PATIENCE_MS / 1_000)
    await ground.heal()
    await forget(people)
  }
}

const demolish = async (
  { broker, demo }: { broker: Victim; demo: Client },
  servers: string[],
  subnets: string[],
  segments: string[],
  network: string,
): Promise<void> => {
  for (const id of servers) await demo.call('DELETE', `${NOVA}/${id}`)
  for (const id of servers) {
    const end = await demo.until(`${NOVA}/${id}`, ({ status }) => status === 404, broker.within(PATIENCE_MS))
    assert.ok(end, `server ${id} does not go`)
  }
  for (const id of subnets) await demo.call('DELETE', `${NEUTRON}/subnets/${id}`)
  for (const id of segments) await demo.call('DELETE', `${NEUTRON}/segments/${id}`)
  await demo.call('DELETE', `${NEUTRON}/networks/${network}`)
}
