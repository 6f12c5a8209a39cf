import { beforeEach, describe, expect, test } from 'vitest'
import { callLog, plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../../../adapters/sandbox/faults.ts'
import { serverById } from '../../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../../db/scope.ts'
import { joinParent } from '../../../../functions/broker/compute/fork/fork.ts'
import { deleteServer } from '../../../../functions/broker/compute/server.ts'
import { commit } from '../../../../functions/broker/line/commit.ts'
import { runCron } from '../../../../functions/cron.ts'
import { forkingCloudType, WHY_STILL } from '../../../support/forking-cloud.ts'
import type { Answer } from '../../../support/harness.ts'
import { outOfStep } from '../../../support/in-step.ts'
import { NOVA, newWorld, type World } from './world.ts'

forkingCloudType()

const nobody = '11111111-2222-4333-8444-555555555555'
const IMAGES = '/image/v2/images'
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message

let w: World
let parent: string
const begin = async (type: string) => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type }] })
  parent = await w.running({ name: 'golden', metadata: { role: 'web' } })
}
const fork = (more: Record<string, unknown> = {}, hints: Record<string, unknown> = {}, client = w.newest) =>
  client.post(`${NOVA}/servers`, {
    server: { name: 'fork', flavorRef: '1', networks: 'auto', ...more },
    'os:scheduler_hints': { 'plimsoll:fork_of': parent, ...hints },
  })
const forked = async (more: Record<string, unknown> = {}, hints: Record<string, unknown> = {}): Promise<string> => {
  const answer = await fork(more, hints)
  expect(answer.body, JSON.stringify(answer.body)).toHaveProperty('server')
  await w.plimsoll.settle()
  return answer.body.server.id
}
const remove = (id: string) => w.newest.delete(`${NOVA}/servers/${id}`)
const gone = async (id: string) => (await w.newest.get(`${NOVA}/servers/${id}`)).status === 404
/** Some minutes of the cron. */
const pass = async (seconds: number) => {
  w.plimsoll.clock.advance(seconds * 1000)
  await runCron(w.plimsoll.host)
  await w.plimsoll.settle()
}
const hiddenImages = async () => (await w.demo.get(`${IMAGES}?os_hidden=true`)).body.images
const calls = async (method: string) =>
  (await callLog(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'))).filter((call) => call.method === method)
const plant = (...rules: FaultRule[]) => plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), rules)
const used = async () => {
  const { limits } = (await w.newest.get(`${NOVA}/limits`)).body
  return [limits.absolute.totalInstancesUsed, limits.absolute.totalCoresUsed]
}

describe('where the cloud keeps no memory', () => {
  beforeEach(() => begin('sandbox'))

  test('a fork is booted from an image of its parent, which goes when nobody needs it', async () => {
    const answer = await fork()
    expect(answer.status).toBe(202)
    const { id } = answer.body.server
    expect(await w.server(parent)).toMatchObject({ 'OS-EXT-STS:task_state': 'image_uploading' })
    expect(await hiddenImages()).toMatchObject([{ visibility: 'private', instance_uuid: parent }])
    expect((await w.demo.get(IMAGES)).body.images.map((image: { name: string }) => image.name)).not.toContain(
      'Fork of golden',
    )
    await w.plimsoll.settle()
    const [origin, made] = [await w.server(parent), await w.server(id)]
    expect(origin).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
    expect(made).toMatchObject({
      status: 'ACTIVE',
      image: { id: w.image },
      metadata: { fork_mode: 'snapshot+boot', 'plimsoll:fork_of': parent },
      'OS-EXT-AZ:availability_zone': origin['OS-EXT-AZ:availability_zone'],
    })
    expect(made.metadata.role).toBeUndefined()
    expect(made.addresses.private).toHaveLength(1)
    expect(made.addresses.private[0].addr).not.toBe(origin.addresses.private[0].addr)
    expect(await calls('image.create')).toHaveLength(1)
    const actions = (await w.newest.get(`${NOVA}/servers/${parent}/os-instance-actions`)).body.instanceActions
    expect(actions.map(({ action }: { action: string }) => action)).toContain('createImage')

    await pass(61)
    expect(await hiddenImages()).toEqual([])
    expect(await calls('image.remove')).not.toHaveLength(0)
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: { id: w.image } })
  })

  test('several forks are booted from one image, in one batch, and count', async () => {
    const before = await used()
    const answer = await fork({ min_count: 3 })
    expect(answer.status).toBe(202)
    expect(await used()).toEqual([before[0] + 3, before[1] + 3])
    await w.plimsoll.settle()
    await pass(61)
    const { servers } = (await w.newest.get(`${NOVA}/servers/detail`)).body
    const forks = servers.filter((server: Answer['body']) => server.metadata['plimsoll:fork_of'] === parent)
    expect(forks.map((server: Answer['body']) => [server.name, server.status]).sort()).toEqual([
      ['fork-1', 'ACTIVE'],
      ['fork-2', 'ACTIVE'],
      ['fork-3', 'ACTIVE'],
    ])
    expect(await calls('image.create')).toHaveLength(1)
    expect(await hiddenImages()).toEqual([])
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('one too many for the quota is none, and no image', async () => {
    await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set: { instances: 3 } })
    const answer = await fork({ min_count: 3 })
    expect([answer.status, message(answer)]).toEqual([403, expect.stringMatching(/Quota exceeded for instances/)])
    expect(await hiddenImages()).toEqual([])
    expect(await w.server(parent)).toMatchObject({ 'OS-EXT-STS:task_state': null })
    expect((await fork({ min_count: 1, max_count: 3 })).status).toBe(202)
    expect((await used())[0]).toBe(3)
  })

  test('another flavor, and networks of its own', async () => {
    const made = await w.demo.post('/network/v2.0/networks', { network: { name: 'other' } })
    const { id: network } = made.body.network
    await w.demo.post('/network/v2.0/subnets', {
      subnet: { network_id: network, ip_version: 4, cidr: '10.9.0.0/24' },
    })
    const id = await forked({ flavorRef: '2', networks: [{ uuid: network }] })
    const server = await w.server(id)
    expect(server.flavor.original_name).toBe('m1.small')
    expect(Object.keys(server.addresses)).toEqual(['other'])
  })

  test('an image that cannot be made is the reason for which the fork fails', async () => {
    await plant({ method: 'image.create', fault: 'definitive', message: 'Not this one.' })
    const id = await forked()
    expect(await w.server(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringMatching(/Not this one/) },
    })
    expect(await w.server(parent)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
    await pass(61)
    expect(await hiddenImages()).toEqual([])
    expect((await remove(id)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await remove(parent)).status).toBe(204)
  })

  test('a fork that is deleted while its image is made takes the image with it', async () => {
    const { id } = (await fork()).body.server
    expect((await remove(id)).status).toBe(204)
    await w.plimsoll.settle()
    await pass(61)
    expect(await gone(id)).toBe(true)
    expect(await hiddenImages()).toEqual([])
    expect(await w.server(parent)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
  })

  test('the same request again is the same fork', async () => {
    const headers = { 'Idempotency-Key': 'once' }
    const body = {
      server: { name: 'fork', flavorRef: '1', networks: 'auto' },
      'os:scheduler_hints': { 'plimsoll:fork_of': parent },
    }
    const first = await w.newest.post(`${NOVA}/servers`, body, headers)
    // The answer never got into the database.
    await w.plimsoll.host.d1.prepare('update repeatables set answer = null').run()
    const second = await w.newest.post(`${NOVA}/servers`, body, headers)
    expect([second.status, second.body.server.id]).toEqual([202, first.body.server.id])
    await w.plimsoll.settle()
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(2)
  })
})

describe('where the cloud shares memory', () => {
  beforeEach(() => begin('forking'))

  test('a fork goes on from its parent, without an image', async () => {
    const id = await forked()
    expect(await w.server(id)).toMatchObject({
      status: 'ACTIVE',
      image: { id: w.image },
      metadata: { fork_mode: 'instant', 'plimsoll:fork_of': parent },
    })
    expect(await calls('image.create')).toEqual([])
    expect((await remove(parent)).status).toBe(409)
  })

  test('what it can is told beforehand, and that nobody has proved it', async () => {
    const { clouds } = (await w.demo.get('/broker/v1/capabilities')).body
    expect(clouds[0].capabilities['server.fork']).toEqual({ available: true, unverified: 'There is no memory.' })
  })

  test('while its parent does not run it waits, and then fails with the reason', async () => {
    await plant({ method: 'server.create', fault: 'throttled', count: 1 })
    const { id } = (await fork()).body.server
    expect((await w.act(parent, { 'os-stop': null })).status).toBe(202)
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ERROR', fault: { message: WHY_STILL } })
    expect(await w.server(parent)).toMatchObject({ status: 'SHUTOFF' })
  })

  test('a parent whose size is not sold any more is forked all the same', async () => {
    await w.plimsoll.host.d1.prepare("update servers set flavor = json_set(flavor, '$.id', 'gone')").run()
    const id = await forked({ flavorRef: 'gone' })
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', flavor: { vcpus: 1, ram: 512 } })
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['another flavor', { flavorRef: '2' }, /has flavor 1, and so have the forks/],
    ['no network card', { networks: 'none' }, /has 1 network cards/],
    ['a config drive', { config_drive: true }, /too late to read a config drive/],
    ['an unknown flavor', { flavorRef: 'x' }, /Flavor x could not be found/],
  ])('not with %s', async (_, more, words) => {
    const answer = await fork(more)
    expect([answer.status, message(answer)]).toEqual([400, expect.stringMatching(words)])
  })

  test('not while volumes are in it', async () => {
    const made = await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1, name: 'data' } })
    await w.plimsoll.settle()
    const volumeId = made.body.volume.id
    await w.newest.post(`${NOVA}/servers/${parent}/os-volume_attachments`, { volumeAttachment: { volumeId } })
    await w.plimsoll.settle()
    const answer = await fork()
    expect([answer.status, message(answer)]).toEqual([409, expect.stringContaining(volumeId)])
  })
})

describe('whichever way', () => {
  beforeEach(() => begin('sandbox'))

  test('an image may stand for the server', async () => {
    const image = await w.demo.post(IMAGES, { name: 'golden', 'plimsoll:fork_of': parent })
    const answer = await w.boot({ imageRef: image.body.id })
    expect(answer.status).toBe(202)
    await w.plimsoll.settle()
    expect(await w.server(answer.body.server.id)).toMatchObject({
      status: 'ACTIVE',
      image: { id: w.image },
      metadata: { 'plimsoll:fork_of': parent },
    })
    const limited = await w.newest.post(`${NOVA}/servers`, {
      server: { name: 'brief', flavorRef: '1', networks: 'auto', imageRef: image.body.id },
      'OS-SCH-HNT:scheduler_hints': { 'plimsoll:ttl': 60 },
    })
    expect(limited.status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.server(limited.body.server.id)).metadata).toHaveProperty(['plimsoll:expires_at'])
  })

  test.each<[string, Record<string, unknown>, Record<string, unknown>, number, RegExp]>([
    ['nobody knows', {}, { 'plimsoll:fork_of': nobody }, 400, /^Instance 1{8}-.* could not be found\.$/],
    ['has no id', {}, { 'plimsoll:fork_of': 'golden' }, 400, /'golden' is not a 'uuid'/],
    ['is made of another image', { imageRef: nobody }, {}, 400, /^Image 1{8}-.* is not the one/],
    ['is elsewhere', { availability_zone: 'ELSE' }, {}, 400, /and so are its forks/],
    ['is in no such zone', { availability_zone: 'nova' }, {}, 400, /availability zone is not available/],
    ['lives no second', {}, { 'plimsoll:ttl': 0 }, 400, /less than the minimum of 1/],
    ['lives for some time', {}, { 'plimsoll:ttl': 'long' }, 400, /is not of type 'integer'/],
    ['has a hint misspelt', {}, { 'plimsoll:tll': 60 }, 400, /there is no scheduler hint plimsoll:tll/],
  ])('a server that %s', async (_, more, hints, status, words) => {
    const zone = (await w.server(parent))['OS-EXT-AZ:availability_zone']
    const other = zone === 'sandbox.a' ? 'sandbox.b' : 'sandbox.a'
    const answer = await fork(more.availability_zone === 'ELSE' ? { availability_zone: other } : more, hints)
    expect([answer.status, message(answer)]).toEqual([status, expect.stringMatching(words)])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(1)
  })

  test('only forks have a time to live, and there is no server without image or parent', async () => {
    const body = { name: 'one', flavorRef: '1', imageRef: w.image, networks: 'auto' }
    const hints = { 'os:scheduler_hints': { 'plimsoll:ttl': 60 } }
    const timed = await w.newest.post(`${NOVA}/servers`, { server: body, ...hints })
    expect([timed.status, message(timed)]).toEqual([400, 'Only a fork has a time to live.'])
    const bare = await w.newest.post(`${NOVA}/servers`, { server: { ...body, imageRef: undefined }, ...hints })
    expect([bare.status, message(bare)]).toEqual([400, 'Missing imageRef attribute'])
  })

  test('the zone of the parent may be named', async () => {
    const zone = (await w.server(parent))['OS-EXT-AZ:availability_zone']
    for (const availability_zone of [zone, 'sandbox']) {
      const id = await forked({ availability_zone })
      expect((await w.server(id))['OS-EXT-AZ:availability_zone']).toBe(zone)
    }
  })

  test('somebody else, admins too, forks only what is in the project', async () => {
    await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
    for (const name of ['other', 'admin']) {
      const answer = await fork({}, {}, w.plimsoll.as(name).with({ 'OpenStack-API-Version': 'compute 2.96' }))
      expect([answer.status, message(answer)]).toEqual([400, `Instance ${parent} could not be found.`])
    }
  })

  test('a server that does not run, or is busy, is not forked', async () => {
    await w.act(parent, { 'os-stop': null })
    expect(message(await fork())).toMatch(/Cannot 'fork' instance .* while it is in task_state powering-off/)
    await w.plimsoll.settle()
    const answer = await fork()
    expect([answer.status, message(answer)]).toEqual([
      409,
      `Cannot 'fork' instance ${parent} while it is in vm_state stopped`,
    ])
  })

  test('a locked server is forked, and stays locked', async () => {
    await w.act(parent, { lock: null })
    expect((await w.server(await forked())).locked).toBe(false)
    expect((await w.server(parent)).locked).toBe(true)
  })

  test('what a fork says of itself is not for users to change', async () => {
    const id = await forked({ metadata: { own: 'yes', fork_mode: 'magic' } })
    const own = { fork_mode: 'snapshot+boot', 'plimsoll:fork_of': parent }
    const path = `${NOVA}/servers/${id}/metadata`
    expect((await w.newest.get(path)).body.metadata).toEqual({ own: 'yes', ...own })
    const replaced = await w.newest.put(path, { metadata: { another: 'one' } })
    expect(replaced.body.metadata).toEqual({ another: 'one', ...own })
    expect((await w.newest.delete(`${path}/fork_mode`)).status).toBe(400)
    expect((await w.newest.put(`${path}/fork_mode`, { meta: { fork_mode: 'x' } })).status).toBe(400)
    expect((await w.newest.delete(`${path}/another`)).status).toBe(204)
    expect((await w.newest.get(path)).body.metadata).toEqual(own)
    const rebuilt = await w.act(id, { rebuild: { imageRef: w.image, metadata: { fork_mode: 'x' } } })
    expect(rebuilt.body.server.metadata).toEqual(own)
  })

  test('an image of a fork is an image', async () => {
    const handle = await w.demo.post(IMAGES, { name: 'golden', 'plimsoll:fork_of': parent })
    const { id } = (await w.boot({ imageRef: handle.body.id })).body.server
    await w.plimsoll.settle()
    const image = (await w.act(id, { createImage: { name: 'copy' } })).body.image_id
    await w.plimsoll.settle()
    const booted = await w.running({ imageRef: image })
    expect((await w.server(booted)).metadata).toEqual({})
  })
})

describe('a parent with forks', () => {
  beforeEach(() => begin('sandbox'))

  test('stays until they are gone, the forks of forks first', async () => {
    const child = await forked()
    const answer = await fork({}, { 'plimsoll:fork_of': child })
    await w.plimsoll.settle()
    const grandchild = answer.body.server.id
    const refused = await remove(parent)
    expect([refused.status, Object.keys(refused.body)]).toEqual([409, ['conflictingRequest']])
    expect(message(refused)).toBe(`Instance ${parent} has forks, which have to be deleted before it: ${child}`)
    expect((await remove(child)).status).toBe(409)
    expect(await w.server(parent)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
    for (const id of [grandchild, child, parent]) {
      expect((await remove(id)).status).toBe(204)
      await w.plimsoll.settle()
      expect(await gone(id)).toBe(true)
    }
    expect(await used()).toEqual([0, 0])
    await pass(61)
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('whoever looked before the other was done is refused by the batch', async () => {
    const context = w.plimsoll.context('demo')
    const before = (await serverById(w.plimsoll.db, everyProject, parent))!
    const child = await forked()
    await expect(deleteServer(context, before)).rejects.toMatchObject({ refusal: { kind: 'forked', forks: [child] } })
    await remove(child)
    await w.plimsoll.settle()
    await deleteServer(context, before)
    const late = {
      parent: { ...before, cloudId: before.cloudId! },
      mode: 'instant',
      expiresAt: null,
      disk: null,
    } as const
    const entry = { action: 'create', kind: 'server', resourceId: nobody }
    await expect(commit(context, entry, joinParent(context, late, [{ id: nobody }]))).rejects.toMatchObject({
      refusal: { kind: 'guard', what: 'parent-moved' },
    })
  })

  test.each(['sandbox', 'forking'])(
    'forked and deleted at the same time on %s, one of the two is refused',
    async (type) => {
      for (const first of ['fork', 'delete']) {
        await begin(type)
        const both = first === 'fork' ? [fork(), remove(parent)] : [remove(parent), fork()]
        const statuses = (await Promise.all(both)).map(({ status }) => status)
        const [forking, deleting] = first === 'fork' ? statuses : statuses.toReversed()
        expect([
          [202, 409],
          [400, 204],
          [409, 204],
        ]).toContainEqual([forking, deleting])
        await w.plimsoll.settle()
        const { servers } = (await w.newest.get(`${NOVA}/servers/detail`)).body
        expect(servers.map(({ status }: Answer['body']) => status)).toEqual(forking === 202 ? ['ACTIVE', 'ACTIVE'] : [])
      }
    },
  )
})

describe('time to live', () => {
  beforeEach(() => begin('sandbox'))

  test('when it is over the fork goes as if its user had deleted it', async () => {
    const before = await used()
    const id = await forked({}, { 'plimsoll:ttl': '600' })
    const port = (await w.demo.get(`/network/v2.0/ports?device_id=${id}`)).body.ports[0].id
    const { metadata, created } = await w.server(id)
    expect(Date.parse(metadata['plimsoll:expires_at']) - Date.parse(created)).toBe(600_000)
    await pass(500)
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
    await pass(101)
    expect(await gone(id)).toBe(true)
    expect((await w.demo.get(`/network/v2.0/ports/${port}`)).status).toBe(404)
    expect(await used()).toEqual(before)
    const actions = (
      await w.admin.with({ 'OpenStack-API-Version': 'compute 2.96' }).get(`${NOVA}/servers/${id}/os-instance-actions`)
    ).body.instanceActions
    expect(actions[0]).toMatchObject({ action: 'delete' })
    expect((await remove(parent)).status).toBe(204)
  })

  test('a locked fork stays, and one with forks of its own stays as long as they do', async () => {
    const locked = await forked({}, { 'plimsoll:ttl': 60 })
    await w.act(locked, { lock: null })
    const child = await forked({}, { 'plimsoll:ttl': 60 })
    const grandchild = await forked({}, { 'plimsoll:fork_of': child, 'plimsoll:ttl': 600 })
    await pass(120)
    expect([await gone(locked), await gone(child), await gone(grandchild)]).toEqual([false, false, false])
    expect(w.plimsoll.logged.map((line) => line.message)).toContain(
      'the time of a fork is up, and it is locked: it stays',
    )
    await pass(600)
    await pass(61)
    expect([await gone(locked), await gone(child), await gone(grandchild)]).toEqual([false, true, true])
    await w.act(locked, { unlock: null })
    await pass(61)
    expect(await gone(locked)).toBe(true)
  })
})
