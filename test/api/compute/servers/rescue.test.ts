import { beforeEach, describe, expect, test } from 'vitest'
import { callLog, plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
let id: string
beforeEach(async () => {
  w = await newWorld()
  id = await w.running()
})
const shown = async () => {
  const { status, 'OS-EXT-STS:vm_state': state, 'OS-EXT-STS:task_state': task } = await w.server(id)
  return [status, state, task]
}
const asked = async (action: Record<string, unknown>, client = w.newest) => {
  const answer = await w.act(id, action, client)
  await w.plimsoll.settle()
  return answer
}
const minimal = async (): Promise<string> => {
  const { images } = (await w.demo.get('/image/v2/images')).body
  return images.find(({ name }: { name: string }) => name === 'sandbox-linux-minimal').id
}
const words = ({ body }: { body: Record<string, { message: string }> }) => Object.values(body)[0]!.message

describe('a rescue', () => {
  test('runs the server from its own image until somebody ends it', async () => {
    const before = await w.server(id)
    const answer = await w.act(id, { rescue: { adminPass: 'MySecretPass' } })
    expect([answer.status, answer.body]).toEqual([200, { adminPass: 'MySecretPass' }])
    expect(await shown()).toEqual(['ACTIVE', 'active', 'rescuing'])
    await w.plimsoll.settle()
    expect(await shown()).toEqual(['RESCUE', 'rescued', null])
    expect((await w.newest.get(`${NOVA}/servers?status=RESCUE`)).body.servers).toHaveLength(1)
    expect((await w.act(id, { unrescue: null })).status).toBe(202)
    expect(await shown()).toEqual(['RESCUE', 'rescued', 'unrescuing'])
    await w.plimsoll.settle()
    expect(await shown()).toEqual(['ACTIVE', 'active', null])
    const after = await w.server(id)
    expect([after.image, after.addresses]).toEqual([before.image, before.addresses])
    const { instanceActions } = (await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body
    expect(instanceActions.map(({ action }: { action: string }) => action)).toEqual(['unrescue', 'rescue', 'create'])
  })

  test('takes another image and makes a password up, and starts what was off', async () => {
    await asked({ 'os-stop': null })
    const answer = await asked({ rescue: { rescue_image_ref: await minimal() } })
    expect([answer.status, answer.body]).toEqual([200, { adminPass: expect.stringMatching(/^\w{12}$/) }])
    expect(await w.server(id)).toMatchObject({ status: 'RESCUE', 'OS-EXT-STS:power_state': 1 })
    await asked({ unrescue: null })
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: { id: w.image } })
  })

  test('lets nothing else be done to it but its end', async () => {
    await asked({ rescue: null })
    for (const [name, body] of Object.entries({
      rescue: null,
      'os-stop': null,
      'os-start': null,
      reboot: { type: 'HARD' },
      resize: { flavorRef: '2' },
      rebuild: { imageRef: w.image },
      shelve: null,
      createImage: { name: 'copy' },
    })) {
      const answer = await w.act(id, { [name]: body })
      expect([name, answer.status]).toEqual([name, 409])
      const called = name.replace('os-', '')
      expect(words(answer)).toBe(`Cannot '${called}' instance ${id} while it is in vm_state rescued`)
    }
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  })

  test('is refused as Nova refuses it', async () => {
    const unknown = crypto.randomUUID()
    const none = await w.act(id, { rescue: { rescue_image_ref: unknown } })
    expect([none.status, words(none)]).toEqual([400, `Requested rescue image '${unknown}' is not supported`])
    for (const junk of [{ rescue_image_ref: 'x' }, { adminPass: 1 }, { other: 1 }, 'x', []])
      expect((await w.act(id, { rescue: junk })).status).toBe(400)
    const early = await w.act(id, { unrescue: null })
    expect([early.status, words(early)]).toEqual([
      409,
      `Cannot 'unrescue' instance ${id} while it is in vm_state active`,
    ])
    await asked({ pause: null })
    expect((await w.act(id, { rescue: null })).status).toBe(409)
  })

  test('of a server that boots from a volume is there from 2.87 on', async () => {
    const disk = { boot_index: 0, uuid: w.image, source_type: 'image', destination_type: 'volume', volume_size: 10 }
    id = await w.running({ imageRef: '', block_device_mapping_v2: [disk] })
    const old = await w.act(id, { rescue: null }, w.demo.with(at('2.86')))
    expect([old.status, words(old)]).toEqual([
      400,
      `Instance ${id} cannot be rescued: Cannot rescue a volume-backed instance`,
    ])
    expect((await asked({ rescue: null })).status).toBe(200)
    expect((await shown())[0]).toBe('RESCUE')
    await asked({ unrescue: null })
    expect((await shown())[0]).toBe('ACTIVE')
  })

  test('comes true through lost answers, and is made once', async () => {
    const cloud = w.plimsoll.cloudId('sandbox')
    await plantFaults(w.plimsoll.host.cloudState, cloud, [
      { method: 'server.rescue', fault: 'lost_answer', count: 2 },
      { method: 'server.unrescue', fault: 'lost_answer', count: 1 },
    ])
    await asked({ rescue: null })
    expect((await shown())[0]).toBe('RESCUE')
    await asked({ unrescue: null })
    expect(await shown()).toEqual(['ACTIVE', 'active', null])
    const calls = (await callLog(w.plimsoll.host.cloudState, cloud)).map(({ method }) => method)
    expect(calls).not.toContain('server.rebuild')
  })

  test('that its cloud refuses leaves the server as it was', async () => {
    const cloud = w.plimsoll.cloudId('sandbox')
    await plantFaults(w.plimsoll.host.cloudState, cloud, [{ method: 'server.rescue', fault: 'definitive', count: 1 }])
    await asked({ rescue: null })
    expect(await shown()).toEqual(['ACTIVE', 'active', null])
  })
})
