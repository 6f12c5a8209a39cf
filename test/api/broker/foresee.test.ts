import { beforeEach, describe, expect, test } from 'vitest'
import { createServer, imageNamed } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/** A home of 8 vCPUs in one zone, and a dearer cloud outside. */
const size = (price: number) => [{ name: 'one', vcpus: 1, ram_mib: 2_048, disk_gib: 20, price }]
const zones = (vcpus: number) => [{ name: 'a', vcpus, ram_mib: 262_144, disk_gib: 4_000 }]
const shared = { 'images.as': { linux: 'sandbox-linux' } }

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let image: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc1', type: 'sandbox', options: { ...shared, zones: zones(8), sizes: size(0.01) } },
      { name: 'outside', type: 'sandbox', options: { ...shared, zones: zones(500), sizes: size(0.05) } },
    ],
  })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  image = await imageNamed(demo, 'linux')
})

const say = async (policy: object) => {
  const path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
  expect((await admin.put(path, { policy })).status).toBe(200)
}
const foresee = async (wanted: object = {}) => {
  const answer = await demo.post('/broker/v1/placements', {
    placement: { flavor: '1', image, networks: 'none', ...wanted },
  })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body.placement
}
const servers = async () => (await demo.get('/compute/v2.1/servers')).body.servers

describe('a placement that is only asked for', () => {
  test('names where a server would go and what that costs, and makes nothing', async () => {
    const placement = await foresee()
    expect(placement).toMatchObject({
      outcome: 'placed',
      filters: 'enforced',
      places: [
        { cloud: 'dc1', zone: 'a', size: 'one', option: 'on-demand', hourly: '0.01' },
        { cloud: 'outside', zone: 'a', size: 'one', option: 'on-demand', hourly: '0.05' },
      ],
    })
    expect(await servers()).toEqual([])
  })

  test('says what the creation then does, up to the mark and above it', async () => {
    await say({ chain: ['dc1', 'outside'], marks: { dc1: 0.5 } })
    for (let i = 0; i < 6; i++) {
      const [first] = (await foresee()).places
      const id = await createServer(plimsoll, demo, { imageRef: image })
      const { placement } = (await demo.get(`/broker/v1/servers/${id}/placement`)).body
      expect([first.cloud, first.zone, first.size]).toEqual(Object.values(placement.at))
      expect(first.cloud).toBe(i < 4 ? 'dc1' : 'outside')
    }
    const { considered } = await foresee()
    expect(considered.find((each: { cloud: string }) => each.cloud === 'dc1')).toMatchObject({ rule: 'mark' })
  })

  test('weighs as many as are asked for together', async () => {
    await say({ chain: ['dc1', 'outside'], marks: { dc1: 0.5 } })
    expect((await foresee({ count: 4 })).places[0].cloud).toBe('dc1')
    expect((await foresee({ count: 5 })).places[0].cloud).toBe('outside')
  })

  test('tells of a place that nothing is left in, and of what is too dear, as the creation would', async () => {
    await say({ chain: ['dc1'], marks: { dc1: 0 } })
    expect(await foresee()).toMatchObject({ outcome: 'nowhere', places: [] })
    await say({ max_hourly_cost: { amount: '0.005', currency: 'USD' } })
    expect(await foresee()).toMatchObject({
      outcome: 'refused',
      rule: 'cost',
      reason: expect.stringMatching(/size one in dc1/),
    })
  })

  test('reads what metadata tighten, and refuses a misspelt one', async () => {
    await say({ chain: ['dc1', 'outside'], marks: { dc1: 0 } })
    const metadata = { 'plimsoll:never_spill': 'true' }
    expect((await foresee()).places[0].cloud).toBe('outside')
    expect(await foresee({ metadata })).toMatchObject({ outcome: 'nowhere' })
    const placement = { flavor: '1', image, metadata: { 'plimsoll:never_spil': 'true' } }
    const answer = await demo.post('/broker/v1/placements', { placement })
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([400, expect.stringContaining('plimsoll:never_spil')])
  })

  test.each([
    ['flavor', { flavor: 'none-such' }, 'There is no flavor none-such.'],
    ['zone', { availability_zone: 'moon' }, 'There is no zone moon.'],
    [
      'network',
      { networks: ['11111111-2222-4333-8444-555555555555'] },
      'There is no network 11111111-2222-4333-8444-555555555555.',
    ],
  ])('says that there is no such %s', async (_, wanted, reason) => {
    expect(await foresee(wanted)).toEqual({ outcome: 'refused', rule: 'unknown', reason })
  })
})
