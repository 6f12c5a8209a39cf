import assert from 'node:assert/strict'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { patience } from '../support/patiently.ts'
import { CLIENTS, type ClientName, type Wish } from './client.ts'

/* What the renting clients name, and what is seen of what they rent: the same wherever it stands. */

/** One renting: boots from a volume of so many GiB, and in a group of servers apart, where it says so. */
export interface Rental {
  client: ClientName
  disk?: number
  apart?: boolean
}

/** Those that know how boot from volumes and name a group of servers as well. */
export const RENTALS: Rental[] = [
  ...(Object.keys(CLIENTS) as ClientName[]).map((client) => ({ client })),
  { client: 'nodepool', disk: 20 },
  { client: 'buildbot', disk: 20, apart: true },
]

export const titleOf = ({ client, disk, apart }: Rental): string =>
  [client, 'rents', disk ? 'with a volume to boot from' : '', apart ? 'apart from others' : '']
    .filter(Boolean)
    .join(' ')

const GROUPS = '/compute/v2.1/os-server-groups'

/** Makes the network that they name; the caller adds where it reaches. */
export const networkOf = async (demo: Api): Promise<string> =>
  (await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'wide' } })).network.id

/** Makes the rest of what they name, and an application credential: the only login that all of them know. */
export const wishOf = async (
  broker: Broker,
  demo: Api,
  network: string,
  image: string,
): Promise<Omit<Wish, 'port'>> => {
  await demo.must('POST', `${NEUTRON}/security-groups`, { security_group: { name: 'web' } })
  await demo.must('POST', '/compute/v2.1/os-keypairs', { keypair: { name: 'ci' } })
  const { server_group } = await demo.must('POST', GROUPS, {
    server_group: { name: 'apart', policies: ['anti-affinity'] },
  })
  const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
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
    network_id: network,
    key: 'ci',
    group: 'web',
    server_group: server_group.id,
  }
}

/** `wish` as this rental has it. */
export const wished = (wish: Omit<Wish, 'port'>, { disk, apart }: Rental, port: number): Wish => {
  const { server_group, ...rest } = wish
  return {
    ...rest,
    ...(disk ? { boot_from_volume: disk } : {}),
    ...(apart && server_group ? { server_group } : {}),
    port,
  }
}

/** Each server is ACTIVE and what the client asked for. */
export const isAsWished = async (demo: Api, servers: string[], { disk, apart }: Rental): Promise<void> => {
  assert.notEqual(servers.length, 0)
  for (const id of servers) {
    const { server } = await demo.must('GET', `${NOVA}/${id}`)
    assert.equal(server.status, 'ACTIVE')
    assert.equal(server.key_name, 'ci')
    assert.equal(server['os-extended-volumes:volumes_attached'].length, disk ? 1 : 0)
    assert.deepEqual(
      server.security_groups.map(({ name }: { name: string }) => name),
      ['web'],
    )
    assert.deepEqual(Object.keys(server.addresses), ['wide'])
  }
  const { server_groups } = await demo.must('GET', GROUPS)
  assert.deepEqual(server_groups[0].members, apart ? servers : [])
}

/** Null, or what a client that said that it was done has left. */
export const nothingLeft = async (demo: Api, ms = 30_000): Promise<string | null> => {
  for (const isOver = patience(ms); ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const { servers } = await demo.must('GET', NOVA)
    const { ports } = await demo.must('GET', `${NEUTRON}/ports?device_owner=compute:nova`)
    const { volumes } = await demo.must('GET', `/volume/v3/${demo.projectId}/volumes`)
    const left = [...servers, ...ports, ...volumes].map(({ id }: { id: string }) => id)
    if (!left.length) return null
    if (isOver()) return `still there: ${left.join(', ')}`
  }
}

/** What a client that failed has left goes, so that the next one can be judged. */
export const takeBack = async (demo: Api): Promise<void> => {
  const { servers } = await demo.must('GET', NOVA)
  for (const { id } of servers) await demo.call('DELETE', `${NOVA}/${id}`)
  const volumes = `/volume/v3/${demo.projectId}/volumes`
  for (const isOver = patience(30_000); (await nothingLeft(demo, 1_000)) && !isOver(); )
    for (const { id } of (await demo.must('GET', volumes)).volumes) await demo.call('DELETE', `${volumes}/${id}`)
}
