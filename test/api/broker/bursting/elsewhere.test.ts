import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import type { Fault } from '../../../../adapters/sandbox/faults.ts'
import { imageNamed } from '../../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'

const NOVA = '/compute/v2.1'
const V96 = { 'OpenStack-API-Version': 'compute 2.96' }
const CHAIN = ['dc1', 'outside', 'far']
const zones = ['a', 'b'].map((name) => ({ name, vcpus: 8, ram_mib: 262_144, disk_gib: 4_000 }))
const OPTIONS = { 'images.as': { linux: 'sandbox-linux' }, zones }

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let imageRef: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: CHAIN.map((name) => ({ name, type: 'sandbox', options: OPTIONS })) })
  ;[admin, demo] = [plimsoll.as('admin'), plimsoll.as('demo')]
  imageRef = await imageNamed(demo, 'linux')
})

const say = async (policy: object) => {
  const path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
  const answer = await admin.put(path, { policy: { chain: CHAIN, ...policy } })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
/** Asked for, and not sent anywhere yet. */
const asked = async (wish: object = {}): Promise<string> => {
  const server = { name: 's', flavorRef: '1', imageRef, networks: 'none', ...wish }
  const answer = await demo.post(`${NOVA}/servers`, { server }, V96)
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
  return answer.body.server.id
}
const makes = (cloud: string, fault: Fault, more: { zone?: string } = {}) =>
  plantFaults(plimsoll.host.cloudState, plimsoll.cloudId(cloud), [{ method: 'server.create', fault, ...more }])
const where = async (id: string): Promise<string> => {
  await plimsoll.settle()
  const { server } = (await demo.get(`${NOVA}/servers/${id}`, V96)).body
  return server.status === 'ACTIVE' ? server['OS-EXT-AZ:availability_zone'].split('.')[0] : server.status
}

test('what is out may go on to another cloud outside, though no more may be out than is', async () => {
  await say({ marks: { dc1: 0 }, spill_cap: { cores: 1 } })
  await makes('outside', 'capacity')
  expect(await where(await asked())).toBe('far')
  expect(await where(await asked())).toBe('ERROR')
})

test('what was admitted may go to another zone of its cloud, however full that is by then', async () => {
  await say({ marks: { dc1: 1 } })
  await makes('dc1', 'capacity', { zone: 'a' })
  const id = await asked()
  await say({ marks: { dc1: 0 } })
  expect(await where(id)).toBe('dc1')
  expect(await where(await asked()), 'what is new goes on').toBe('outside')
})

test.each([
  ['does not spill', { spill: 'never' }, 'ERROR'],
  ['keeps it at home', { never_spill: { tags: ['secret'] } }, 'ERROR'],
  ['goes elsewhere', { chain: ['dc1', 'far'] }, 'far'],
  ['is to stay in another region', { regions: ['eu'] }, 'ERROR'],
  ['has not changed its mind', {}, 'outside'],
])('a project that %s by the time that home refuses a server finds it kept', async (_, policy, ends) => {
  for (const name of ['outside', 'far'])
    expect((await admin.patch(`/broker/v1/clouds/${name}`, { cloud: { region: 'us' } })).status).toBe(200)
  await say({})
  await makes('dc1', 'capacity')
  const id = await asked({ tags: ['secret'] })
  await say(policy)
  expect(await where(id)).toBe(ends)
})

test.each([
  ['never', 'on-demand'],
  ['preferred', 'spot'],
])('where spot is %s by the time that home refuses it, it is bought elsewhere as %s', async (spot, option) => {
  await say({ spot: 'preferred' })
  const sizes = [{ name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1, spot_price: 0.5 }]
  for (const name of CHAIN)
    await admin.patch(`/broker/v1/clouds/${name}`, { cloud: { options: { ...OPTIONS, sizes } } })
  await plimsoll.settle()
  await makes('dc1', 'capacity')
  const id = await asked()
  await say({ spot })
  await where(id)
  const rows = await plimsoll.db.all<{ bought: string }>(
    sql`select places ->> '$.at.option' as bought from servers where id = ${id}`,
  )
  expect(rows).toEqual([{ bought: option }])
})
