import { beforeEach, describe, expect, test } from 'vitest'
import { createServer, imageNamed } from '../../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'

const PATH = '/broker/v1/loads'
const zones = [{ name: 'a', vcpus: 16, ram_mib: 262_144, disk_gib: 4_000 }]
const shared = { 'images.as': { linux: 'sandbox-linux' } }

let plimsoll: Plimsoll
let admin: Client
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc1', type: 'sandbox', options: { ...shared, zones } },
      { name: 'outside', type: 'sandbox', options: { ...shared, zones } },
    ],
  })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
})

const loads = async (client: Client, project?: string) => {
  const { status, body } = await client.get(PATH)
  expect(status).toBe(200)
  return project ? body.loads.find((each: { cloud: string }) => each.cloud === project) : body
}
const say = async (policy: object) => {
  const path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
  expect((await admin.put(path, { policy })).status).toBe(200)
}
const make = async () => createServer(plimsoll, demo, { imageRef: await imageNamed(demo, 'linux') })

describe('how full clouds are', () => {
  test('is told to members by shares, and what is theirs by amounts', async () => {
    await make()
    const dc1 = await loads(demo, 'dc1')
    const [servers, other] = [dc1.project.servers, (await loads(demo, 'outside')).project.servers]
    expect(servers + other).toBe(1)
    const taken = servers ? dc1 : await loads(demo, 'outside')
    expect(taken).toMatchObject({ status: 'available', type: 'sandbox', home: false, mark: null, past_mark: false })
    expect(taken.project.vcpus).toBeGreaterThan(0)
    expect(taken.load).toBeCloseTo(taken.project.vcpus / 16, 2)
    expect(Object.keys(taken)).not.toContain('room')
    expect(Object.keys(taken)).not.toContain('last_error')
  })

  test('is told to administrators of every cloud, by amounts', async () => {
    await make()
    const { loads: all } = await loads(admin)
    expect(all.map(({ cloud }: { cloud: string }) => cloud)).toEqual(['dc1', 'outside'])
    for (const { room } of all) expect(room).toEqual({ vcpus: 16, ram_mib: 262_144 })
    expect(all.reduce((sum: number, { taken }: { taken: { vcpus: number } }) => sum + taken.vcpus, 0)).toBeGreaterThan(
      0,
    )
  })

  test('comes with the mark, and with what has spilled', async () => {
    await say({ chain: ['outside', 'dc1'] })
    expect((await loads(demo)).loads[0].cloud).toBe('outside')
    await say({ chain: ['dc1', 'outside'], marks: { dc1: 0.01 } })
    await make()
    const body = await loads(demo)
    expect(body.loads[0]).toMatchObject({ cloud: 'dc1', home: true, mark: 0.01, past_mark: true, load: 0 })
    expect(body.spilled).toMatchObject({ servers: 1 })
  })

  test('says since when nothing is asked of a cloud', async () => {
    await admin.patch('/broker/v1/clouds/outside', { cloud: { enabled: false } })
    expect(await loads(demo, 'outside')).toMatchObject({ status: 'disabled', breaker_open_until: null })
  })

  test('says when a cloud was swept, and nothing of clouds of others', async () => {
    expect((await loads(demo, 'dc1')).swept_at).toBeNull()
    await admin.post('/broker/v1/reconcile', {})
    expect((await loads(demo, 'dc1')).swept_at).not.toBeNull()
    await plimsoll.newProject('other', { clouds: ['outside'] })
    const { loads: seen } = await loads(plimsoll.as('other'))
    expect(seen.map(({ cloud }: { cloud: string }) => cloud)).toEqual(['outside'])
  })

  test('says what an hour of it costs', async () => {
    await admin.put('/broker/v1/clouds/dc1/prices', { prices: { currency: 'USD', parts: { vcpu: '0.5', ram_gib: 0 } } })
    await say({ chain: ['dc1'] })
    await make()
    const { hourly, project } = await loads(demo, 'dc1')
    expect(hourly).toEqual({ amount: String(project.vcpus * 0.5), currency: 'USD' })
    expect((await loads(admin, 'dc1')).hourly).toEqual(hourly)
  })
})
