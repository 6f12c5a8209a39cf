import { and, eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { plant, recall, vanish } from '../../../../adapters/sandbox/backdoor.ts'
import { bindings } from '../../../../db/schema/index.ts'
import type { Start } from '../../../support/harness.ts'
import { MemoryStore } from '../../../support/memory-store.ts'
import { restarted, speakingCloudType } from '../../../support/speaking-cloud.ts'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
const cloud = (options: Record<string, Json>) => ({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
const fault = (method: string, kind: string, more: Record<string, Json> = {}) =>
  cloud({ faults: [{ method, fault: kind, ...more }] })
const used = async () => (await w.newest.get(`${NOVA}/limits`)).body.limits.absolute

/** The first has no room, both have the image. Gives the id of the second. */
const twoClouds = async (start: Start = {}): Promise<string> => {
  const options = { faults: [{ method: 'server.create', fault: 'capacity' }] }
  w = await newWorld({
    clouds: [
      { name: 'first', type: 'sandbox', options },
      { name: 'second', type: 'sandbox' },
    ],
    ...start,
  })
  const { db } = w.plimsoll
  const onSecond = w.plimsoll.cloudId('second')
  const [first] = await db.select().from(bindings).where(eq(bindings.resourceId, w.image))
  await db
    .insert(bindings)
    .values({ ...first!, cloudId: first!.cloudId === onSecond ? w.plimsoll.cloudId('first') : onSecond })
  return onSecond
}

describe('a cloud that refuses', () => {
  test('to make a server leaves it in ERROR with the reason, and its quota until it is deleted', async () => {
    w = await newWorld(fault('server.create', 'definitive'))
    const id = await w.running()
    const server = await w.server(id)
    expect(server).toMatchObject({
      status: 'ERROR',
      'OS-EXT-STS:task_state': null,
      'OS-EXT-STS:vm_state': 'error',
      fault: { code: 500 },
    })
    expect(server.fault.message.length).toBeGreaterThan(5)
    expect(await used()).toMatchObject({ totalInstancesUsed: 1 })
    expect((await w.act(id, { 'os-start': null })).status).toBe(409)
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect(await used()).toMatchObject({ totalInstancesUsed: 0, totalCoresUsed: 0 })
    expect((await w.demo.get('/network/v2.0/ports')).body.ports).toEqual([])
  })

  test.each(['resize', 'rebuild', 'stop', 'reboot'])(
    'to %s leaves the server and its quota as they were',
    async (name) => {
      w = await newWorld(fault(`server.${name}`, 'definitive'))
      const id = await w.running()
      const { images } = (await w.demo.get('/image/v2/images?name=sandbox-linux-minimal')).body
      const other = images[0].id
      const asked = {
        resize: { flavorRef: '3' },
        rebuild: { imageRef: other },
        'os-stop': null,
        reboot: { type: 'HARD' },
      }
      const word = name === 'stop' ? 'os-stop' : (name as 'resize')
      const answer = await w.act(id, { [word]: asked[word] })
      expect(answer.status).toBe(202)
      await w.plimsoll.settle()
      expect(await w.server(id)).toMatchObject({
        status: 'ACTIVE',
        'OS-EXT-STS:task_state': null,
        flavor: { original_name: 'm1.tiny' },
        image: { id: w.image },
      })
      expect(await used()).toMatchObject({ totalCoresUsed: 1, totalRAMUsed: 512 })
      const request = answer.headers.get('x-compute-request-id')
      const entry = await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions/${request}`)
      expect(entry.body.instanceAction).toMatchObject({ action: name, events: [{ result: 'Error' }] })
      expect(entry.body.instanceAction.message).toBeTruthy()
    },
  )

  test('for a while is asked again', async () => {
    w = await newWorld(fault('server.create', 'throttled', { count: 2 }))
    const id = await w.running()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
  })

  test('and takes effect all the same makes no second server', async () => {
    w = await newWorld(fault('server.create', 'lost_answer', { count: 1 }))
    const id = await w.running()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
  })
})

describe('no room', () => {
  test('in one zone: the next one takes what has no network', async () => {
    w = await newWorld(fault('server.create', 'capacity', { count: 1 }))
    const created = await w.boot({ networks: 'none' })
    const first = (await w.server(created.body.server.id))['OS-EXT-AZ:availability_zone']
    await w.plimsoll.settle()
    const server = await w.server(created.body.server.id)
    expect(server.status).toBe('ACTIVE')
    expect(server['OS-EXT-AZ:availability_zone']).not.toBe(first)
  })

  test('for a size: the next larger one in the zone of its network', async () => {
    w = await newWorld(fault('server.create', 'capacity', { count: 2 }))
    const id = await w.running()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', flavor: { original_name: 'm1.tiny' } })
    const [binding] = await w.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
    expect(binding!.frozen).toMatchObject({ size: { native: 'sb.medium' } })
  })

  test('anywhere: the server is in ERROR', async () => {
    w = await newWorld(fault('server.create', 'capacity'))
    const id = await w.running()
    expect(await w.server(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringMatching(/^No valid host was found\. /) },
    })
  })

  test('on one cloud: another takes what has no network', async () => {
    const onSecond = await twoClouds()
    const id = await w.running({ networks: 'none' })
    expect(await w.server(id)).toMatchObject({
      status: 'ACTIVE',
      'OS-EXT-AZ:availability_zone': expect.stringMatching(/^second\./),
    })
    const all = await w.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
    expect(all.filter(({ phase }) => phase !== 'gone').map(({ cloudId }) => cloudId)).toEqual([onSecond])
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect(await used()).toMatchObject({ totalInstancesUsed: 0 })
  })

  test('on one cloud: a server that is deleted while that is found out goes nowhere, and is gone', async () => {
    let during: (() => Promise<unknown>) | null = null
    const cloudState = new (class extends MemoryStore {
      override async get(key: string) {
        await during?.()
        return super.get(key)
      }
    })()
    await twoClouds({ cloudState })
    const { id } = (await w.boot({ networks: 'none' })).body.server
    let deleted = 0
    during = async () => {
      const calling = await w.plimsoll.db
        .select()
        .from(bindings)
        .where(and(eq(bindings.resourceId, id), eq(bindings.phase, 'calling')))
        .get()
      if (!calling) return
      during = null
      deleted = (await w.demo.delete(`${NOVA}/servers/${id}`)).status
    }
    await w.plimsoll.settle()
    expect([deleted, (await w.demo.get(`${NOVA}/servers/${id}`)).status]).toEqual([204, 404])
    const attempts = await w.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
    expect(attempts.filter(({ phase }) => phase !== 'gone')).toEqual([])
    expect(await used()).toMatchObject({ totalInstancesUsed: 0 })
  })

  test('that any offer has: ERROR at once, and gone at once', async () => {
    w = await newWorld()
    const flavor = { name: 'huge', ram: 10_000_000, vcpus: 512, disk: 0, id: 'huge' }
    await w.admin.post(`${NOVA}/flavors`, { flavor })
    expect((await w.boot({ flavorRef: 'huge' })).status).toBe(403)
    await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set: { cores: -1, ram: -1 } })
    const created = await w.boot({ flavorRef: 'huge' })
    expect(created.status).toBe(202)
    const { id } = created.body.server
    expect(await w.server(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: 'No valid host was found. There are not enough hosts available.' },
    })
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect(await used()).toMatchObject({ totalInstancesUsed: 0 })
  })

  test('for a project without a cloud', async () => {
    w = await newWorld()
    await w.plimsoll.newProject('poor')
    const poor = w.plimsoll.as('poor').with(at('2.96'))
    const answer = await w.boot({ networks: 'none' }, poor)
    expect(answer.status).toBe(202)
    const server = (await poor.get(`${NOVA}/servers/${answer.body.server.id}`)).body.server
    expect(server).toMatchObject({
      status: 'ERROR',
      fault: { message: 'No valid host was found. The project has no access to any cloud.' },
    })
  })
})

describe('a machine that disappears', () => {
  beforeEach(async () => {
    w = await newWorld()
  })
  test('below the line is ERROR, heals when it is there again, and can be deleted', async () => {
    const id = await w.running()
    const { plimsoll } = w
    const cloudId = plimsoll.cloudId('sandbox')
    const [binding] = await plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
    const entity = await recall(plimsoll.host.cloudState, cloudId, 'server', binding!.nativeId!)
    await vanish(plimsoll.host.cloudState, cloudId, 'server', binding!.nativeId!)
    const look = async () => {
      plimsoll.clock.advance(600_000)
      await plimsoll.db.update(bindings).set({ dueAt: plimsoll.clock.now }).where(eq(bindings.resourceId, id))
      await plimsoll.settle()
    }
    await look()
    expect(await w.server(id)).toMatchObject({ status: 'ERROR', fault: { message: 'It disappeared from the cloud.' } })
    await plant(plimsoll.host.cloudState, cloudId, entity!)
    await look()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
    await vanish(plimsoll.host.cloudState, cloudId, 'server', binding!.nativeId!)
    await look()
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await plimsoll.settle()
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  })
})

describe('whoever looks', () => {
  test('drives the work on, without the cron', async () => {
    w = await newWorld()
    const { id } = (await w.boot()).body.server
    await w.plimsoll.runDeferred()
    for (let looks = 0; looks < 60; looks++) {
      w.plimsoll.clock.advance(1_000)
      const { status } = await w.server(id)
      if (status === 'ACTIVE') return
      await w.plimsoll.runDeferred()
    }
    expect.fail('it never became ACTIVE')
  })
  test('at a list drives it on too', async () => {
    w = await newWorld()
    const { id } = (await w.boot()).body.server
    for (let looks = 0; looks < 60; looks++) {
      await w.plimsoll.runDeferred()
      w.plimsoll.clock.advance(1_000)
      const { body } = await w.newest.get(`${NOVA}/servers/detail`)
      if (body.servers.find((each: { id: string }) => each.id === id).status === 'ACTIVE') return
    }
    expect.fail('it never became ACTIVE')
  })
})

test('a guest that takes its time has its server rebooting meanwhile, by one restart and no request that waits', async () => {
  speakingCloudType()
  w = await newWorld({ clouds: [{ name: 'lab', type: 'speaking' }] })
  const id = await w.running()
  Object.assign(restarted, { patience: 3, tokens: [] })
  expect((await w.act(id, { reboot: { type: 'SOFT' } })).status).toBe(202)
  expect(await w.server(id)).toMatchObject({ status: 'REBOOT', 'OS-EXT-STS:task_state': 'rebooting' })
  await w.plimsoll.settle()
  expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
  expect([restarted.tokens.length, new Set(restarted.tokens).size]).toEqual([4, 1])
  const [first] = restarted.tokens
  await w.act(id, { reboot: { type: 'HARD' } })
  await w.plimsoll.settle()
  expect(restarted.tokens).toHaveLength(4)
  await w.act(id, { reboot: { type: 'SOFT' } })
  await w.plimsoll.settle()
  expect(restarted.tokens.at(-1)).not.toBe(first)
})
