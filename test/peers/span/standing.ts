import assert from 'node:assert/strict'
import { eventually, NEUTRON, NOVA } from '../mixed/place.ts'
import type { Api } from '../support/api.ts'
import { patiently } from '../support/patiently.ts'
import { AWAY, BLOCKS, type CloudName, type Ground, HOME } from './ground.ts'

/* Where servers stand, as their user sees it and as the clouds themselves count. */

type Person = Pick<Api, 'must'>

interface Seen {
  id: string
  status: string
  fault?: { message: string }
  addresses: Record<string, { addr: string }[]>
  'OS-EXT-AZ:availability_zone': string
  /** Where it is, if the zone that was named leaves it open. */
  'plimsoll:zone'?: string
}

const cloudOf = (server: Seen): CloudName =>
  (server['plimsoll:zone'] ?? server['OS-EXT-AZ:availability_zone']).split('.')[0] as CloudName

/**
 * The cloud of a server that is ACTIVE, with one address on network `wide` that lies in the segment there.
 *
 * @param seconds how long it may be in the making
 */
export const standingOn = async (demo: Person, id: string, seconds = 120): Promise<CloudName> => {
  const server = await eventually<Seen>(
    async () => (await demo.must('GET', `${NOVA}/${id}`)).server,
    ({ status }) => status !== 'BUILD',
    seconds,
  )
  if (server.status !== 'ACTIVE') {
    const { placement } = await demo.must('GET', `/broker/v1/servers/${id}/placement`)
    throw new Error(`${server.fault?.message} ${JSON.stringify(placement)}`)
  }
  const cloud = cloudOf(server)
  const addresses = server.addresses.wide?.map(({ addr }) => addr) ?? []
  assert.equal(addresses.length, 1, JSON.stringify(server.addresses))
  assert.ok(addresses[0]!.startsWith(BLOCKS[cloud].prefix), `${addresses[0]} is no address of ${BLOCKS[cloud].cidr}`)
  return cloud
}

/** Id of the only port of a server. */
export const portOf = async (demo: Person, id: string): Promise<string> => {
  const { ports } = await demo.must('GET', `${NEUTRON}/ports?device_id=${id}`)
  assert.equal(ports.length, 1)
  return ports[0].id
}

/** The rows of the broker and the books of the clouds come to say the same. */
export const agree = (demo: Person, ground: Ground): Promise<void> =>
  patiently(async () => {
    const { servers } = await demo.must('GET', `${NOVA}/detail`)
    const rows = { [HOME]: 0, [AWAY]: 0 }
    for (const server of servers as Seen[]) rows[cloudOf(server)]++
    assert.deepEqual(await ground.census(), rows)
  }, 60_000)
