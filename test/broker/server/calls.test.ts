import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { callLog, plantFaults, recall } from '../../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../../adapters/sandbox/faults.ts'
import { bindings } from '../../../db/schema/index.ts'
import { NOVA, newWorld, type World } from '../../api/compute/servers/world.ts'

let w: World
let id: string
let cloudId: string
beforeEach(async () => {
  w = await newWorld()
  id = await w.running()
  cloudId = w.plimsoll.cloudId('sandbox')
})
const store = () => w.plimsoll.host.cloudState
const plant = (...rules: FaultRule[]) => plantFaults(store(), cloudId, rules)
/** Calls of a method that were made since. */
const calls = async (method: string) =>
  (await callLog(store(), cloudId)).filter((call) => call.method === method).length
const machine = async () => {
  const [binding] = await w.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
  return (await recall(store(), cloudId, 'server', binding!.nativeId!))!
}

describe('what the cloud is asked', () => {
  test('a reboot is asked for once', async () => {
    await w.act(id, { reboot: { type: 'SOFT' } })
    await w.plimsoll.settle()
    expect(await calls('server.reboot')).toBe(1)
  })

  test('again only if nobody knows whether it was heard', async () => {
    await plant({ method: 'server.reboot', fault: 'lost_answer', count: 1 })
    await w.act(id, { reboot: { type: 'HARD' } })
    await w.plimsoll.settle()
    expect(await calls('server.reboot')).toBe(2)
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
  })

  test.each([
    ['stop', { 'os-stop': null }, 'SHUTOFF'],
    ['resize', { resize: { flavorRef: '3' } }, 'VERIFY_RESIZE'],
    ['rebuild', { rebuild: { imageRef: '' } }, 'ACTIVE'],
    ['pause', { pause: null }, 'PAUSED'],
  ] as const)('%s comes true through throttling and lost answers', async (method, action, status) => {
    await plant(
      { method: `server.${method}`, fault: 'throttled', count: 1 },
      { method: `server.${method}`, fault: 'lost_answer', count: 1 },
    )
    const asked = 'rebuild' in action ? { rebuild: { imageRef: w.image } } : action
    expect((await w.act(id, asked)).status).toBe(202)
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status, 'OS-EXT-STS:task_state': null })
  })

  test('what stands in the way for minutes ends the action, not the server', async () => {
    await plant({ method: 'server.pause', fault: 'conflict' })
    await w.act(id, { pause: null })
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null })
    const { body } = await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)
    expect(body.instanceActions[0]).toMatchObject({ action: 'pause', message: expect.any(String) })
  })

  test('name and metadata are told when they change, and not otherwise', async () => {
    await w.act(id, { 'os-stop': null })
    await w.plimsoll.settle()
    expect(await calls('server.describe')).toBe(0)
    await w.demo.put(`${NOVA}/servers/${id}`, { server: { name: 'renamed' } })
    await w.plimsoll.settle()
    await w.demo.put(`${NOVA}/servers/${id}/metadata/k`, { meta: { k: 'v' } })
    await w.plimsoll.settle()
    expect(await calls('server.describe')).toBe(2)
    expect(await machine()).toMatchObject({ name: 'renamed', metadata: { k: 'v' } })
    await w.demo.put(`${NOVA}/servers/${id}`, { server: { description: 'x' } })
    await w.act(id, { 'os-start': null })
    await w.plimsoll.settle()
    expect(await calls('server.describe')).toBe(2)
  })

  test('nothing at all by reads and by what is above the line', async () => {
    const before = (await callLog(store(), cloudId)).length
    for (const path of [
      '',
      '/ips',
      '/metadata',
      '/tags',
      '/os-interface',
      '/os-volume_attachments',
      '/os-instance-actions',
    ])
      expect((await w.newest.get(`${NOVA}/servers/${id}${path}`)).status).toBe(200)
    await w.newest.get(`${NOVA}/servers/detail`)
    await w.act(id, { lock: null })
    await w.act(id, { unlock: null })
    await w.newest.put(`${NOVA}/servers/${id}/tags`, { tags: ['a'] })
    expect((await callLog(store(), cloudId)).length).toBe(before)
    expect(w.plimsoll.waiting()).toBe(0)
  })
})
