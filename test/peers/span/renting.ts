import assert from 'node:assert/strict'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { freePort } from '../support/child.ts'
import type { Report } from '../support/report.ts'
import { CLIENTS, type ClientName, rent, type Wish } from './client.ts'

/** Programs that rent machines and name one network, one image, one flavor, one key and one group. */
export const renting = async (report: Report): Promise<void> => {
  await Promise.all(RUNTIMES.map((runtime) => clientsOn(runtime, report)))
}

const clientsOn = async (runtime: Runtime, report: Report): Promise<void> => {
  const story = `${runtime} × renting clients`
  const started = Date.now()
  let broker: Broker | undefined
  try {
    broker = await startBroker(runtime)
    const demo = await logIn(broker, 'demo')
    const wish = await wishOf(broker, demo, 'sandbox-linux')
    // Nodepool takes any zone of the list, by chance: with one that leaves the choice open it cannot take a wrong one.
    const admin = await logIn(broker, 'admin')
    await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy: { zones: 'policy' } })
    report.step(story, 'one network, image, flavor, key and group', 'passed', Date.now() - started)
    // One after the other: each asserts that what it lists is its own.
    for (const { client, disk } of RENTALS) {
      const from = Date.now()
      const wished = { ...wish, ...(disk ? { boot_from_volume: disk } : {}), port: await freePort() }
      const fault = await rent(client, wished, looksUp(demo, disk)).then(
        () => nothingLeft(demo),
        (error) => String(error instanceof Error ? error.message : error),
      )
      const title = `${client} rents ${disk ? 'with a volume to boot from' : ''} and gives back`.replace('  ', ' ')
      report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault ?? '')
      if (fault) console.log(`last words of the broker of ${story}:\n${broker.tail(20)}`)
    }
  } catch (error) {
    report.step(story, 'the broker and what the clients name', 'failed', Date.now() - started, String(error))
  } finally {
    await broker?.stop()
  }
}

/** Those that boot from volumes do so as well; `disk` in GiB. */
const RENTALS: { client: ClientName; disk?: number }[] = [
  ...(Object.keys(CLIENTS) as ClientName[]).map((client) => ({ client })),
  { client: 'nodepool', disk: 20 },
  { client: 'buildbot', disk: 20 },
]

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'

/** Makes what the clients name, and an application credential: the only login that all of them know. */
const wishOf = async (broker: Broker, demo: Api, image: string): Promise<Omit<Wish, 'port'>> => {
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'wide' } })
  await demo.must('POST', `${NEUTRON}/subnets`, {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.71.0.0/24' },
  })
  await demo.must('POST', `${NEUTRON}/security-groups`, { security_group: { name: 'web' } })
  await demo.must('POST', `${NOVA}/os-keypairs`, { keypair: { name: 'ci' } })
  const { flavors } = await demo.must('GET', `${NOVA}/flavors`)
  const { images } = await demo.must('GET', `/image/v2/images?name=${image}`)
  const { application_credential } = await demo.must(
    'POST',
    `/identity/v3/users/${demo.userId}/application_credentials`,
    { application_credential: { name: 'renters' } },
  )
  return {
    folder: broker.folder,
    name: 'renters',
    auth_url: `${broker.url}/identity/v3`,
    region: 'RegionOne',
    credential: application_credential,
    image,
    image_id: images[0].id,
    flavor: 'm1.small',
    flavor_id: flavors.find(({ name }: { name: string }) => name === 'm1.small').id,
    network: 'wide',
    network_id: network.id,
    key: 'ci',
    group: 'web',
  }
}

const looksUp = (demo: Api, disk?: number) => async (servers: string[]) => {
  assert.notEqual(servers.length, 0)
  for (const id of servers) {
    const { server } = await demo.must('GET', `${NOVA}/servers/${id}`)
    assert.equal(server.status, 'ACTIVE')
    assert.equal(server.key_name, 'ci')
    assert.equal(server['os-extended-volumes:volumes_attached'].length, disk ? 1 : 0)
    assert.deepEqual(
      server.security_groups.map(({ name }: { name: string }) => name),
      ['web'],
    )
    assert.deepEqual(Object.keys(server.addresses), ['wide'])
  }
}

/** Null, or what a client that said that it was done has left. */
const nothingLeft = async (demo: Api): Promise<string | null> => {
  for (const until = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const { servers } = await demo.must('GET', `${NOVA}/servers`)
    const { ports } = await demo.must('GET', `${NEUTRON}/ports?device_owner=compute:nova`)
    const { volumes } = await demo.must('GET', `/volume/v3/${demo.projectId}/volumes`)
    const left = [...servers, ...ports, ...volumes].map(({ id }: { id: string }) => id)
    if (!left.length) return null
    if (Date.now() > until) return `still there: ${left.join(', ')}`
  }
}
