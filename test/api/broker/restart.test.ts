import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { move, recall } from '../../../adapters/sandbox/backdoor.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { loops } from '../../../functions/cron.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const MINUTE = 60_000
const NOVA = '/compute/v2.1'
const quick = { build_ms: 200, boot_ms: 200, stop_ms: 200, delete_ms: 200, volume_ms: 200 }

describe('what a cloud does to a running server by itself', () => {
  let plimsoll: Plimsoll
  let id: string
  let native: string

  const sandbox = () => [plimsoll.host.cloudState, plimsoll.cloudId('sandbox')] as const
  const show = async () => (await plimsoll.as('admin').get(`${NOVA}/servers/${id}`)).body.server
  const history = async () =>
    (await plimsoll.as('demo').get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions as {
      action: string
      user_id: string
      message: string | null
      request_id: string
    }[]
  const words = async () => (await history()).map(({ action }) => action)
  const asks = async (action: object) => {
    expect((await plimsoll.as('demo').post(`${NOVA}/servers/${id}/action`, action)).status).toBe(202)
    await plimsoll.settle()
  }
  const sweep = async () => {
    plimsoll.clock.advance(MINUTE)
    expect((await plimsoll.as('admin').post('/broker/v1/reconcile')).status).toBe(200)
    await plimsoll.settle()
  }
  const elsewhere = async () => {
    const { host } = (await recall(...sandbox(), 'server', native))!
    return `${host}-neighbour`
  }

  beforeEach(async () => {
    plimsoll = await startPlimsoll({
      clouds: [{ name: 'sandbox', type: 'sandbox', options: quick }],
      loops: loops.filter(({ name }) => name === 'converge'),
    })
    const demo = plimsoll.as('demo')
    const { images } = (await demo.get('/image/v2/images?architecture=x86_64')).body
    const wish = { server: { name: 's', flavorRef: '1', imageRef: images[0].id, networks: 'none' } }
    const made = await demo.with({ 'OpenStack-API-Version': 'compute 2.96' }).post(`${NOVA}/servers`, wish)
    id = made.body.server.id
    await plimsoll.settle()
    native = (
      await plimsoll.db.get<{ id: string }>(
        sql`select native_id as id from bindings where kind = 'server' and resource_id = ${id}`,
      )
    ).id
    await sweep()
    plimsoll.clock.advance(10 * MINUTE)
  })

  it('moving it to another host is no event: the id stays, only the host is another', async () => {
    const before = await show()
    await move(...sandbox(), native, { host: await elsewhere() })
    await sweep()
    const after = await show()
    expect(after.hostId).not.toBe(before.hostId)
    expect({ ...after, hostId: '', updated: '' }).toEqual({ ...before, hostId: '', updated: '' })
    expect(await words()).toEqual(['create'])
  })

  it('starting it again where it is shows as a reboot that nobody asked for, once', async () => {
    await move(...sandbox(), native, { bootedAt: plimsoll.clock.now })
    await sweep()
    await sweep()
    const [entry, ...rest] = await history()
    expect(entry).toMatchObject({ action: 'reboot', user_id: '', message: expect.stringMatching(/outside/) })
    expect(rest.map(({ action }) => action)).toEqual(['create'])
    const event = (await plimsoll.as('demo').get(`${NOVA}/servers/${id}/os-instance-actions/${entry!.request_id}`)).body
    expect(event.instanceAction.action).toBe('reboot')
    expect((await show()).status).toBe('ACTIVE')
  })

  it('starting it again on another host, because its own died, shows as an evacuation', async () => {
    const before = await show()
    await move(...sandbox(), native, { host: await elsewhere(), bootedAt: plimsoll.clock.now })
    await sweep()
    expect(await words()).toEqual(['evacuate', 'create'])
    expect((await show()).hostId).not.toBe(before.hostId)
    plimsoll.clock.advance(10 * MINUTE)
    await move(...sandbox(), native, { host: await elsewhere(), bootedAt: plimsoll.clock.now })
    await sweep()
    expect(await words()).toEqual(['evacuate', 'evacuate', 'create'])
  })

  it('what users asked for is told once, in their name', async () => {
    await asks({ reboot: { type: 'HARD' } })
    await sweep()
    await asks({ 'os-stop': null })
    await sweep()
    await asks({ 'os-start': null })
    await sweep()
    await asks({ resize: { flavorRef: '2' } })
    await sweep()
    expect(await words()).toEqual(['resize', 'start', 'stop', 'reboot', 'create'])
  })

  it('a reboot that the cloud shows late is still the one that was asked for', async () => {
    await asks({ reboot: { type: 'HARD' } })
    await move(...sandbox(), native, { bootedAt: plimsoll.clock.now + 30_000 })
    await sweep()
    expect(await words()).toEqual(['reboot', 'create'])
  })

  it('a stop by others and their start are both in its history', async () => {
    const { cloud } = await connectCloud(plimsoll.host, plimsoll.cloudId('sandbox'), plimsoll.projectId('demo'))
    await cloud.server.stop(native)
    await sweep()
    await cloud.server.start(native)
    await sweep()
    expect(await words()).toEqual(['start', 'stop', 'create'])
    expect((await show()).status).toBe('ACTIVE')
  })
})
