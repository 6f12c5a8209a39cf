import assert from 'node:assert/strict'
import { NEUTRON } from '../mixed/place.ts'
import { logIn } from '../support/api.ts'
import { type Runtime, startBroker } from '../support/broker.ts'
import { freePort } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { rent } from './client.ts'
import { AWAY, type CloudName, forget, HOME, IMAGE_NAME, layGround, settle } from './ground.ts'
import { isAsWished, networkOf, nothingLeft, type Rental, takeBack, titleOf, wished, wishOf } from './rental.ts'
import { agree, standingOn } from './standing.ts'

const other = (cloud: CloudName): CloudName => (cloud === HOME ? AWAY : HOME)

/**
 * The same programs over two clouds, of which they know nothing. Each rents twice: where the project's order says, which is
 * drawn, and then with no room there.
 */
export const rentingWide = async (report: Report, runtime: Runtime, rentals: Rental[]): Promise<void> => {
  const story = `${runtime} × renting on two clouds`
  const ends: (() => unknown)[] = []
  const started = Date.now()
  try {
    const broker = await startBroker(runtime)
    ends.push(() => broker.stop())
    const ground = await layGround()
    ends.push(() => ground.stop())
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    const cron = setInterval(() => void broker.cron().catch(() => {}), 5_000)
    ends.push(() => clearInterval(cron))
    await settle({ broker, admin, demo }, ground)
    const network = await networkOf(demo)
    for (const { physical, cidr } of Object.values(ground.places)) {
      const { segment } = await demo.must('POST', `${NEUTRON}/segments`, {
        segment: { network_id: network, physical_network: physical, network_type: 'vlan' },
      })
      await demo.must('POST', `${NEUTRON}/subnets`, {
        subnet: { network_id: network, segment_id: segment.id, ip_version: 4, cidr },
      })
    }
    const wish = await wishOf(broker, demo, network, IMAGE_NAME)
    report.step(story, 'one network over both, image, flavor, key and groups', 'passed', Date.now() - started)

    // Nodepool takes any zone of the list, by chance: with one that leaves the choice open it cannot take a wrong one.
    const prefer = (first: CloudName): Promise<unknown> => {
      const policy = { chain: [first, other(first)], min_filters: 'trusted', zones: 'policy' }
      return admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy })
    }
    const rentsOn = async (rental: Rental, cloud: CloudName): Promise<void> => {
      await rent(rental.client, wished(wish, rental, await freePort()), async (servers) => {
        await isAsWished(demo, servers, rental)
        for (const id of servers) assert.equal(await standingOn(demo, id), cloud)
        await agree(demo, ground)
      })
      const left = await nothingLeft(demo)
      if (left) throw new Error(left)
      await agree(demo, ground)
    }
    const step = async (title: string, run: () => Promise<void>): Promise<void> => {
      const from = Date.now()
      const fault = await run().then(
        () => '',
        (error) => String(error instanceof Error ? error.message : error),
      )
      report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault)
      if (!fault) return
      console.log(`last words of the broker of ${story}:\n${broker.tail(Number(process.env.PEERS_LOG ?? 20))}`)
      await takeBack(demo)
    }
    // One after the other: each asserts that what it lists is its own.
    for (const rental of rentals) {
      const first = Math.random() < 0.5 ? HOME : AWAY
      await prefer(first)
      await step(`${titleOf(rental)} on ${first} and gives back`, () => rentsOn(rental, first))
      // What boots from a volume stays where that is made, so it is sent there.
      if (rental.disk) await prefer(other(first))
      else await ground.refuse(first, 1_000)
      const why = rental.disk ? 'which is preferred now' : `as ${first} has no room`
      await step(`${titleOf(rental)} on ${other(first)}, ${why}`, () => rentsOn(rental, other(first)))
      await ground.heal()
      await forget({ admin })
    }
    await step('nothing is left on either when what they named is deleted', async () => {
      await demo.must('DELETE', `/compute/v2.1/os-server-groups/${wish.server_group}`)
      const { subnets } = await demo.must('GET', `${NEUTRON}/subnets?network_id=${network}`)
      const { segments } = await demo.must('GET', `${NEUTRON}/segments?network_id=${network}`)
      for (const { id } of subnets) await demo.must('DELETE', `${NEUTRON}/subnets/${id}`)
      for (const { id } of segments) await demo.must('DELETE', `${NEUTRON}/segments/${id}`)
      await demo.must('DELETE', `${NEUTRON}/networks/${network}`)
      const { security_groups } = await demo.must('GET', `${NEUTRON}/security-groups?name=web`)
      await demo.must('DELETE', `${NEUTRON}/security-groups/${security_groups[0].id}`)
      await demo.must('DELETE', '/compute/v2.1/os-keypairs/ci')
      await patiently(async () => {
        await broker.cron()
        assert.deepEqual(await ground.leftovers(), [])
      }, 60_000)
    })
  } catch (error) {
    report.step(story, 'two clouds are set up', 'failed', Date.now() - started, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}
