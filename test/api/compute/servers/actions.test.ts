import { beforeEach, describe, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
let id: string
beforeEach(async () => {
  w = await newWorld()
  id = await w.running()
})
const state = async () => {
  const { status, 'OS-EXT-STS:task_state': task, 'OS-EXT-STS:power_state': power } = await w.server(id)
  return [status, task, power]
}
/** Asks, shows the state between, brings it to rest. */
const doing = async (action: Record<string, unknown>) => {
  const answer = await w.act(id, action)
  expect([answer.status, answer.body]).toEqual([202, null])
  const between = await state()
  await w.plimsoll.settle()
  return between
}

describe('the power of a server', () => {
  test('goes off and on with stop and start', async () => {
    expect(await doing({ 'os-stop': null })).toEqual(['ACTIVE', 'powering-off', 1])
    expect(await state()).toEqual(['SHUTOFF', null, 4])
    expect(await w.server(id)).not.toHaveProperty('progress')
    const again = await w.act(id, { 'os-stop': null })
    expect(again.status).toBe(409)
    expect(again.body.conflictingRequest.message).toBe(`Cannot 'stop' instance ${id} while it is in vm_state stopped`)
    expect(await doing({ 'os-start': null })).toEqual(['SHUTOFF', 'powering-on', 4])
    expect(await state()).toEqual(['ACTIVE', null, 1])
  })

  test('goes off and on with a reboot, soft or hard', async () => {
    expect(await doing({ reboot: { type: 'SOFT' } })).toEqual(['REBOOT', 'rebooting', 1])
    expect(await state()).toEqual(['ACTIVE', null, 1])
    expect(await doing({ reboot: { type: 'HARD' } })).toEqual(['HARD_REBOOT', 'rebooting_hard', 1])
    expect(await state()).toEqual(['ACTIVE', null, 1])
    await doing({ 'os-stop': null })
    expect((await w.act(id, { reboot: { type: 'soft' } })).status).toBe(409)
    await doing({ reboot: { type: 'hard' } })
    expect(await state()).toEqual(['ACTIVE', null, 1])
    expect((await w.act(id, { reboot: { type: 'warm' } })).status).toBe(400)
  })

  test('is held by pause and suspend', async () => {
    expect(await doing({ pause: null })).toEqual(['ACTIVE', 'pausing', 1])
    expect(await state()).toEqual(['PAUSED', null, 3])
    await doing({ unpause: null })
    expect(await state()).toEqual(['ACTIVE', null, 1])
    await doing({ suspend: null })
    expect(await state()).toEqual(['SUSPENDED', null, 7])
    await doing({ resume: null })
    expect(await state()).toEqual(['ACTIVE', null, 1])
  })

  test('takes one action at a time', async () => {
    expect((await w.act(id, { 'os-stop': null })).status).toBe(202)
    const second = await w.act(id, { reboot: { type: 'HARD' } })
    expect(second.status).toBe(409)
    expect(second.body.conflictingRequest.message).toBe(
      `Cannot 'reboot' instance ${id} while it is in task_state powering-off`,
    )
  })

  test('takes no action before the server ran', async () => {
    const { body } = await w.boot({ name: 'two' })
    const early = await w.act(body.server.id, { 'os-stop': null })
    expect(early.status).toBe(409)
    expect(early.body.conflictingRequest.message).toBe(
      `Cannot 'stop' instance ${body.server.id} while it is in vm_state building`,
    )
  })
})

describe('a resize', () => {
  const used = async () => (await w.newest.get(`${NOVA}/limits`)).body.limits.absolute
  const flavor = async () => (await w.server(id)).flavor.original_name

  test('is confirmed, and the new size stays', async () => {
    expect(await doing({ resize: { flavorRef: '3' } })).toEqual(['RESIZE', 'resize_migrating', 1])
    expect(await state()).toEqual(['VERIFY_RESIZE', null, 1])
    expect(await flavor()).toBe('m1.medium')
    expect(await used()).toMatchObject({ totalCoresUsed: 2, totalRAMUsed: 4096 })
    const stop = await w.act(id, { 'os-stop': null })
    expect(stop.body.conflictingRequest.message).toMatch('while it is in vm_state resized')
    const confirmed = await w.act(id, { confirmResize: null })
    expect([confirmed.status, confirmed.body]).toEqual([204, null])
    expect(await state()).toEqual(['ACTIVE', null, 1])
    expect(await used()).toMatchObject({ totalCoresUsed: 2, totalRAMUsed: 4096 })
  })

  test('is reverted, and the old size is back', async () => {
    await doing({ resize: { flavorRef: '3' } })
    expect(await doing({ revertResize: null })).toEqual(['REVERT_RESIZE', 'resize_reverting', 1])
    expect(await state()).toEqual(['ACTIVE', null, 1])
    expect(await flavor()).toBe('m1.tiny')
    expect(await used()).toMatchObject({ totalCoresUsed: 1, totalRAMUsed: 512 })
  })

  test('leaves a stopped server off', async () => {
    await doing({ 'os-stop': null })
    await doing({ resize: { flavorRef: '2' } })
    expect(await state()).toEqual(['VERIFY_RESIZE', null, 4])
    await w.act(id, { confirmResize: null })
    expect(await state()).toEqual(['SHUTOFF', null, 4])
  })

  test('of a server that is deleted meanwhile gives both flavors back', async () => {
    await doing({ resize: { flavorRef: '3' } })
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect(await used()).toMatchObject({ totalInstancesUsed: 0, totalCoresUsed: 0, totalRAMUsed: 0 })
  })

  test('sets what is said of its disk, from then on', async () => {
    await doing({ resize: { flavorRef: '3', 'OS-DCF:diskConfig': 'AUTO' } })
    expect(await w.server(id)).toMatchObject({ 'OS-DCF:diskConfig': 'AUTO', status: 'VERIFY_RESIZE' })
    await w.act(id, { confirmResize: null })
    expect(await w.server(id)).toMatchObject({ 'OS-DCF:diskConfig': 'AUTO', status: 'ACTIVE' })
  })

  test('over the quota is forbidden, whether any cloud sells such a size or not', async () => {
    const flavor = { name: 'giant', ram: 1_048_576, vcpus: 4096, disk: 10, id: 'giant' }
    expect((await w.admin.post(`${NOVA}/flavors`, { flavor })).status).toBe(200)
    const answer = await w.act(id, { resize: { flavorRef: 'giant' } })
    expect(answer).toMatchObject({ status: 403 })
    expect(answer.body.forbidden.message).toMatch(
      /^Quota exceeded for cores: Requested 4095, but already used 1 of 400 cores$/,
    )
  })

  test.each([
    [{ flavorRef: 'nothing' }, 400],
    [{ flavorRef: '' }, 400],
    [{ flavorRef: '1' }, 400],
    [{}, 400],
  ])('%j is %i', async (resize, status) => {
    expect((await w.act(id, { resize })).status).toBe(status)
  })
  test('that was not asked for cannot be confirmed', async () => {
    expect((await w.act(id, { confirmResize: null })).status).toBe(409)
    expect((await w.act(id, { revertResize: null })).status).toBe(409)
  })
})

describe('a rebuild', () => {
  test('gives a fresh disk and keeps the addresses', async () => {
    const before = (await w.server(id)).addresses
    const images = await w.demo.get('/image/v2/images')
    const other = images.body.images.find(({ name }: { name: string }) => name === 'sandbox-linux-minimal').id
    const rebuild = { imageRef: other, name: 'anew', metadata: { a: 'b' }, adminPass: 'secret' }
    const answer = await w.act(id, { rebuild }, w.demo)
    expect(answer.status).toBe(202)
    expect(answer.body.server).toMatchObject({
      id,
      name: 'anew',
      status: 'REBUILD',
      image: { id: other },
      adminPass: 'secret',
      metadata: { a: 'b' },
    })
    expect(answer.body.server).not.toHaveProperty('key_name')
    expect(answer.body.server.addresses.private[0]).not.toHaveProperty('OS-EXT-IPS:type')
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: { id: other }, addresses: before })
  })

  test('of a stopped server leaves it off', async () => {
    await doing({ 'os-stop': null })
    expect((await w.act(id, { rebuild: { imageRef: w.image } })).body.server.status).toBe('REBUILD')
    await w.plimsoll.settle()
    expect(await state()).toEqual(['SHUTOFF', null, 4])
  })

  test('refuses what would not be honoured', async () => {
    const imageRef = w.image
    expect((await w.act(id, { rebuild: { imageRef, key_name: 'other' } })).status).toBe(400)
    expect((await w.act(id, { rebuild: { imageRef, user_data: 'a' } })).status).toBe(400)
    expect((await w.act(id, { rebuild: { imageRef: crypto.randomUUID() } })).status).toBe(400)
  })
})

describe('an image of a server', () => {
  test('is named in the body from 2.45 on, in Location before', async () => {
    const answer = await w.act(id, { createImage: { name: 'copy', metadata: { purpose: 'test' } } })
    expect(answer.status).toBe(202)
    const { image_id } = answer.body
    expect(await state()).toEqual(['ACTIVE', 'image_uploading', 1])
    expect((await w.act(id, { 'os-stop': null })).status).toBe(409)
    // As soon as the image is there the server takes the next order.
    const shown = async () => (await w.demo.get(`/image/v2/images/${image_id}`)).body.status
    for (let rounds = 0; rounds < 50 && (await shown()) !== 'active'; rounds++) {
      expect((await w.server(id))['OS-EXT-STS:task_state']).toBe('image_uploading')
      w.plimsoll.clock.advance(1_000)
      await w.plimsoll.runDeferred()
    }
    expect(await state()).toEqual(['ACTIVE', null, 1])
    expect((await w.act(id, { reboot: { type: 'SOFT' } })).status).toBe(202)
    await w.plimsoll.settle()
    const image = await w.demo.get(`/image/v2/images/${image_id}`)
    expect(image.body).toMatchObject({ name: 'copy', status: 'active', purpose: 'test' })
    const old = await w.act(id, { createImage: { name: 'second' } }, w.demo)
    expect([old.status, old.body]).toEqual([202, null])
    expect(old.headers.get('location')).toMatch(/\/images\/[0-9a-f-]{36}$/)
  })
})

describe('a backup of a server', () => {
  const back = (more: object = {}, client = w.demo) =>
    w.act(id, { createBackup: { name: 'nightly', backup_type: 'daily', rotation: 2, ...more } }, client)
  const backups = async (type = 'daily'): Promise<string[]> => {
    const { images } = (await w.demo.get(`/image/v2/images?image_type=backup&backup_type=${type}&sort=created_at:asc`))
      .body
    return images.map(({ name }: { name: string }) => name)
  }
  const made = async (more: object = {}) => {
    expect((await back(more)).status).toBe(202)
    await w.plimsoll.settle()
    w.plimsoll.clock.advance(1_000)
  }

  test('takes the place of the oldest of its type once it is there', async () => {
    for (const name of ['one', 'two']) await made({ name })
    await made({ name: 'weekly', backup_type: 'weekly' })
    expect((await back({ name: 'three' })).status).toBe(202)
    expect(await backups()).toEqual(['one', 'two', 'three'])
    await w.plimsoll.settle()
    expect(await backups()).toEqual(['two', 'three'])
    expect(await backups('weekly')).toEqual(['weekly'])
    await made({ rotation: 0 })
    expect(await backups()).toEqual([])
    expect(await backups('weekly')).toEqual(['weekly'])
  })

  test('says what it is, in the answer and on the image', async () => {
    const old = await back({ metadata: { purpose: 'test', image_type: 'odd' } })
    const [, imageId] = /\/images\/([0-9a-f-]{36})$/.exec(old.headers.get('location')!)!
    await w.plimsoll.settle()
    expect((await w.demo.get(`/image/v2/images/${imageId}`)).body).toMatchObject({
      ...{ name: 'nightly', image_type: 'backup', backup_type: 'daily', instance_uuid: id, purpose: 'test' },
    })
    expect((await back({}, w.newest)).body.image_id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('that is protected is left alone, and what is no backup is not asked for', async () => {
    await made({ name: 'kept', rotation: 1 })
    const { images } = (await w.demo.get('/image/v2/images?image_type=backup')).body
    const protect = [{ op: 'replace', path: '/protected', value: true }]
    const type = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
    expect((await w.demo.patch(`/image/v2/images/${images[0].id}`, protect, type)).status).toBe(200)
    await made({ name: 'next', rotation: 1 })
    expect(await backups()).toEqual(['kept', 'next'])
    for (const bad of [{ rotation: -1 }, { rotation: 'x' }, { backup_type: undefined }, { name: '' }, { more: 1 }])
      expect((await back(bad)).status).toBe(400)
  })
})

describe('locks', () => {
  test('keep members out and let admins in', async () => {
    expect((await w.act(id, { lock: { locked_reason: 'precious' } })).status).toBe(202)
    expect(await w.server(id)).toMatchObject({ locked: true, locked_reason: 'precious' })
    const stop = await w.act(id, { 'os-stop': null })
    expect(stop.status).toBe(409)
    expect(stop.body.conflictingRequest.message).toBe(`Instance ${id} is locked`)
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(409)
    expect((await w.act(id, { 'os-stop': null }, w.admin)).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.act(id, { unlock: null })).status).toBe(202)
    expect(await w.server(id)).toMatchObject({ locked: false, locked_reason: null, status: 'SHUTOFF' })
    expect((await w.act(id, { lock: {} }, w.demo)).status).toBe(202)
    expect((await w.newest.get(`${NOVA}/servers?locked=true`)).body.servers).toHaveLength(1)
  })
})

describe('the console', () => {
  test('gives the last lines', async () => {
    w.plimsoll.clock.advance(5_000)
    const whole = await w.act(id, { 'os-getConsoleOutput': {} })
    expect(whole.status).toBe(200)
    expect(whole.body.output).toMatch(/login:/)
    const some = await w.act(id, { 'os-getConsoleOutput': { length: '2' } })
    expect(some.body.output.split('\n')).toHaveLength(2)
    expect((await w.act(id, { 'os-getConsoleOutput': { length: 'x' } })).status).toBe(400)
  })
  test('is not there before the server is', async () => {
    const { body } = await w.boot({ name: 'two' })
    expect((await w.act(body.server.id, { 'os-getConsoleOutput': {} })).status).toBe(409)
  })
})

describe('what admins may', () => {
  test('is to reset a state', async () => {
    expect((await w.act(id, { 'os-resetState': { state: 'error' } })).status).toBe(403)
    expect((await w.act(id, { 'os-resetState': { state: 'error' } }, w.admin)).status).toBe(202)
    expect(await state()).toEqual(['ERROR', null, 1])
    await w.plimsoll.settle()
    expect(await state()).toEqual(['ERROR', null, 1])
    expect((await w.act(id, { 'os-resetState': { state: 'active' } }, w.admin)).status).toBe(202)
    expect(await state()).toEqual(['ACTIVE', null, 1])
    await w.act(id, { 'os-resetState': { state: 'error' } }, w.admin)
    await doing({ reboot: { type: 'HARD' } })
    expect(await state()).toEqual(['ACTIVE', null, 1])
  })
  test('is to reset one amid a resize, which gives back what that had claimed', async () => {
    const cores = async () => {
      const path = `${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}/detail`
      return (await w.demo.get(path)).body.quota_set.cores.in_use
    }
    const before = await cores()
    const { flavors } = (await w.demo.get(`${NOVA}/flavors/detail`)).body
    const had = (await w.server(id)).flavor
    const larger = flavors.find(({ vcpus }: { vcpus: number }) => vcpus > had.vcpus)
    expect((await w.act(id, { resize: { flavorRef: larger.id } })).status).toBe(202)
    expect(await cores()).toBe(before + larger.vcpus - had.vcpus)
    expect((await w.act(id, { 'os-resetState': { state: 'active' } }, w.admin)).status).toBe(202)
    expect(await cores()).toBe(before)
    await w.act(id, { 'os-resetState': { state: 'active' } }, w.admin)
    expect(await cores(), 'once').toBe(before)
    await w.plimsoll.settle()
    expect([(await w.server(id)).flavor, await cores()]).toEqual([had, before])
  })
  test('is to delete by force', async () => {
    expect((await w.act(id, { forceDelete: null })).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  })
})

describe('what no cloud has', () => {
  test('a dump of its memory is 409 with the reason', async () => {
    const answer = await w.act(id, { trigger_crash_dump: null })
    expect(answer.status).toBe(409)
    expect(answer.body.conflictingRequest.message).toMatch(/cannot make a server dump its memory/)
  })
  test('what is not deleted is not restored', async () => {
    const answer = await w.act(id, { restore: null })
    const reason = `Cannot 'restore' instance ${id} while it is in vm_state active`
    expect([answer.status, answer.body.conflictingRequest.message]).toEqual([409, reason])
  })
  test('what is on a cloud that answers is not evacuated from it, and from one that does not only by itself', async () => {
    const admin = w.admin.with({ 'OpenStack-API-Version': 'compute 2.96' })
    const to = async (asked: object, client = admin) => {
      const { status, body } = await w.act(id, { evacuate: asked }, client)
      return [status, (Object.values(body)[0] as { message: string }).message]
    }
    expect((await to({}, w.newest))[0]).toBe(403)
    expect(await to({})).toEqual([400, 'Compute service of sandbox is still in use.'])
    expect(await to({ host: 'nowhere' })).toEqual([404, 'Compute host nowhere not found.'])
    expect(await to({ host: 'sandbox' })).toEqual([400, "The target host can't be the same one."])
    expect((await to({ host: 7 }))[0]).toBe(400)
    const forced = w.admin.with({ 'OpenStack-API-Version': 'compute 2.60' })
    expect(await to({ force: true }, forced)).toEqual([400, "Can't force to a non-provided destination"])
    await w.plimsoll.db.run(`update clouds set closed_until = ${w.plimsoll.clock.now + 60_000}`)
    expect(await to({})).toEqual([409, expect.stringContaining('move machines between their hosts by themselves')])
  })
  test('a new password is refused with what the capabilities of its cloud say beforehand', async () => {
    const { clouds } = (await w.admin.get('/broker/v1/capabilities')).body
    const { available, reason } = clouds[0].capabilities['server.change_password']
    expect(available).toBe(false)
    const answer = await w.act(id, { changePassword: { adminPass: 'tea and biscuits' } })
    expect([answer.status, answer.body.conflictingRequest.message]).toEqual([409, reason])
  })
  test.each([
    ['migrate', {}],
    ['os-migrateLive', { block_migration: 'auto' }],
  ])('%s is for admins, who are told why not', async (name, besides) => {
    const admin = w.admin.with({ 'OpenStack-API-Version': 'compute 2.96' })
    const to = (host: string, client = admin) => w.act(id, { [name]: { ...besides, host } }, client)
    expect((await to('sandbox', w.newest)).status).toBe(403)
    expect((await to('sandbox')).status).toBe(409)
    const nowhere = await to('nowhere')
    expect([nowhere.status, nowhere.body.badRequest.message]).toEqual([400, 'Compute host nowhere could not be found.'])
    expect((await w.act(id, { [name]: { ...besides, host: 7 } }, admin)).status).toBe(400)
  })
  test('is refused by its old words in old versions only', async () => {
    expect((await w.act(id, { addFixedIp: { networkId: crypto.randomUUID() } }, w.demo)).status).toBe(404)
    expect((await w.act(id, { addFloatingIp: { address: '1.2.3.4' } })).status).toBe(404)
    expect((await w.act(id, { 'os-getVNCConsole': { type: 'novnc' } }, w.demo)).status).toBe(409)
    const console = { remote_console: { protocol: 'vnc', type: 'novnc' } }
    const screen = await w.newest.post(`${NOVA}/servers/${id}/remote-consoles`, console)
    expect([screen.status, screen.body.conflictingRequest.message]).toEqual([
      409,
      'The console of this server is brought by a WebSocket, which a broker on Workers does not do; one on Node does.',
    ])
  })
  test('is refused by a name that is unknown, and two at once', async () => {
    expect((await w.act(id, { dance: {} })).body.badRequest.message).toBe('There is no such action: dance')
    expect((await w.act(id, {})).status).toBe(400)
    expect((await w.act(id, { 'os-start': null, 'os-stop': null })).status).toBe(400)
    for (const nobody of ['-1', '9223372036854775808', crypto.randomUUID()])
      expect((await w.act(nobody, { 'os-start': null })).status).toBe(404)
  })
  test('is answered the same for every server', async () => {
    expect((await w.newest.get(`${NOVA}/servers/${id}/topology`)).body).toEqual({ nodes: [], pagesize_kb: null })
    expect((await w.demo.get(`${NOVA}/servers/${id}/os-server-password`)).body).toEqual({ password: '' })
    expect((await w.demo.delete(`${NOVA}/servers/${id}/os-server-password`)).status).toBe(204)
    expect((await w.demo.get(`${NOVA}/servers/${id}/os-virtual-interfaces`)).status).toBe(400)
    expect((await w.admin.get(`${NOVA}/servers/${id}/migrations`, at('2.23'))).body).toEqual({ migrations: [] })
    expect((await w.admin.get(`${NOVA}/servers/${id}/migrations/1`, at('2.23'))).status).toBe(404)
  })
})
