import { NEUTRON } from '../mixed/place.ts'
import { logIn } from '../support/api.ts'
import { type Broker, type Runtime, startBroker } from '../support/broker.ts'
import { freePort } from '../support/child.ts'
import type { Report } from '../support/report.ts'
import { rent } from './client.ts'
import { isAsWished, networkOf, nothingLeft, type Rental, titleOf, wished, wishOf } from './rental.ts'

/** Programs that rent machines and name one network, one image, one flavor, one key and one group, on the embedded cloud. */
export const renting = async (report: Report, runtime: Runtime, rentals: Rental[]): Promise<void> => {
  const story = `${runtime} × renting clients`
  const started = Date.now()
  let broker: Broker | undefined
  try {
    broker = await startBroker(runtime)
    const demo = await logIn(broker, 'demo')
    const network = await networkOf(demo)
    await demo.must('POST', `${NEUTRON}/subnets`, {
      subnet: { network_id: network, ip_version: 4, cidr: '10.71.0.0/24' },
    })
    const wish = await wishOf(broker, demo, network, 'sandbox-linux')
    // Nodepool takes any zone of the list, by chance: with one that leaves the choice open it cannot take a wrong one.
    const admin = await logIn(broker, 'admin')
    await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy: { zones: 'policy' } })
    report.step(story, 'one network, image, flavor, key and group', 'passed', Date.now() - started)
    // One after the other: each asserts that what it lists is its own.
    for (const rental of rentals) {
      const from = Date.now()
      const fault = await rent(rental.client, wished(wish, rental, await freePort()), (servers) =>
        isAsWished(demo, servers, rental),
      ).then(
        () => nothingLeft(demo),
        (error) => String(error instanceof Error ? error.message : error),
      )
      report.step(
        story,
        `${titleOf(rental)} and gives back`,
        fault ? 'failed' : 'passed',
        Date.now() - from,
        fault ?? '',
      )
      if (fault) console.log(`last words of the broker of ${story}:\n${broker.tail(20)}`)
    }
  } catch (error) {
    report.step(story, 'the broker and what the clients name', 'failed', Date.now() - started, String(error))
  } finally {
    await broker?.stop()
  }
}
