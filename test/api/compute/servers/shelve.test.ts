import { beforeEach, describe, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './world.ts'

const zone = (name: string, vcpus: number) => ({ name, vcpus, ram_mib: vcpus * 1_024, disk_gib: 100 })
const TIGHT = { zones: [zone('a', 1), zone('b', 1)] }

let w: World
let id: string
beforeEach(async () => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: TIGHT }] })
  id = await w.running({ availability_zone: 'sandbox.a' })
})
const shown = async (server = id) => {
  const { status, 'OS-EXT-STS:vm_state': state, 'OS-EXT-STS:task_state': task } = await w.server(server)
  return [status, state, task]
}
const asked = async (action: Record<string, unknown>, client = w.newest, server = id) => {
  const answer = await w.act(server, action, client)
  await w.plimsoll.settle()
  return answer
}
const words = ({ body }: { body: Record<string, { message: string }> }) => Object.values(body)[0]!.message

describe('a shelved server', () => {
  test('gives its room to others, and comes back where it was', async () => {
    const before = await w.server(id)
    expect((await w.act(id, { shelve: null })).status).toBe(202)
    expect(await shown()).toEqual(['ACTIVE', 'active', 'shelving'])
    await w.plimsoll.settle()
    expect(await shown()).toEqual(['SHELVED_OFFLOADED', 'shelved_offloaded', null])
    const other = await w.running({ name: 'other', availability_zone: 'sandbox.a' })
    expect((await shown(other))[0]).toBe('ACTIVE')
    await asked({ unshelve: null })
    expect(await shown()).toEqual(['SHELVED_OFFLOADED', 'shelved_offloaded', null])
    const { instanceActions } = (await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body
    expect(instanceActions[0]).toMatchObject({ action: 'unshelve', message: expect.stringMatching(/room/) })
    await w.demo.delete(`${NOVA}/servers/${other}`)
    await w.plimsoll.settle()
    expect((await w.act(id, { unshelve: null })).status).toBe(202)
    expect(await shown()).toEqual(['SHELVED_OFFLOADED', 'shelved_offloaded', 'unshelving'])
    await w.plimsoll.settle()
    expect(await shown()).toEqual(['ACTIVE', 'active', null])
    const after = await w.server(id)
    expect([after.image, after.addresses]).toEqual([before.image, before.addresses])
    expect(after['OS-EXT-AZ:availability_zone']).toBe('sandbox.a')
  })

  test('is shelved whether it ran or not, and is no server that is started', async () => {
    for (const first of [{ 'os-stop': null }, { pause: null }, { suspend: null }]) {
      await asked(first)
      await asked({ shelve: null })
      expect((await shown())[0]).toBe('SHELVED_OFFLOADED')
      for (const [name, body] of Object.entries({ shelve: null, 'os-start': null, reboot: { type: 'HARD' } })) {
        const answer = await w.act(id, { [name]: body })
        expect([answer.status, words(answer)]).toEqual([
          409,
          `Cannot '${name.replace('os-', '')}' instance ${id} while it is in vm_state shelved_offloaded`,
        ])
      }
      await asked({ unshelve: null })
      expect((await shown())[0]).toBe('ACTIVE')
    }
  })

  test('has left its host already, so that nobody offloads it', async () => {
    expect((await w.act(id, { shelveOffload: null })).status).toBe(403)
    await asked({ shelve: null })
    const offload = await w.act(id, { shelveOffload: null }, w.admin)
    expect([offload.status, words(offload)]).toEqual([
      409,
      `Cannot 'shelveOffload' instance ${id} while it is in vm_state shelved_offloaded`,
    ])
    const early = await w.act(await w.running({ name: 'two', availability_zone: 'sandbox.b' }), { unshelve: null })
    expect(early.status).toBe(409)
  })

  test('comes back to its own zone, and to no other', async () => {
    await asked({ shelve: null })
    const elsewhere = await w.act(id, { unshelve: { availability_zone: 'sandbox.b' } })
    expect([elsewhere.status, words(elsewhere)]).toEqual([
      409,
      'The disks of the server are in sandbox.a: it comes back there alone.',
    ])
    const unknown = await w.act(id, { unshelve: { availability_zone: 'nowhere' } })
    expect([unknown.status, words(unknown)]).toEqual([400, 'The requested availability zone is not available'])
    for (const junk of [
      {},
      { availability_zone: 1 },
      { availability_zone: 'x'.repeat(256) },
      { host: '' },
      { other: 1 },
      [],
    ])
      expect((await w.act(id, { unshelve: junk })).status).toBe(400)
    const before = w.demo.with(at('2.90'))
    expect((await w.act(id, { unshelve: { host: 'sandbox' } }, before)).status).toBe(400)
    expect((await w.act(id, { unshelve: { availability_zone: null } }, before)).status).toBe(400)
    expect((await asked({ unshelve: { availability_zone: 'sandbox.a' } })).status).toBe(202)
    expect((await shown())[0]).toBe('ACTIVE')
    await asked({ shelve: null })
    expect((await asked({ unshelve: { availability_zone: null } })).status).toBe(202)
    expect((await shown())[0]).toBe('ACTIVE')
    await asked({ shelve: null })
    const old = w.demo.with(at('2.76'))
    expect((await asked({ unshelve: { availability_zone: 'sandbox.b' } }, old)).status).toBe(202)
    expect((await shown())[0]).toBe('ACTIVE')
  })

  test('is sent to a host by administrators alone', async () => {
    await asked({ shelve: null })
    const member = await w.act(id, { unshelve: { host: 'sandbox' } })
    expect([member.status, words(member)]).toEqual([
      403,
      "Policy doesn't allow os_compute_api:os-shelve:unshelve_to_host to be performed.",
    ])
    const admin = w.admin.with(at('2.91'))
    const unknown = await w.act(id, { unshelve: { host: 'kvm7' } }, admin)
    expect([unknown.status, words(unknown)]).toEqual([400, 'Compute host kvm7 could not be found.'])
    expect((await asked({ unshelve: { host: 'sandbox' } }, admin)).status).toBe(202)
    expect((await shown())[0]).toBe('ACTIVE')
  })

  test('costs what a stopped one does', async () => {
    const state = async () =>
      w.plimsoll.host.d1
        .prepare('select state from meters where server_id = ? and ended_at is null')
        .bind(id)
        .first<string>('state')
    expect(await state()).toBe('running')
    await asked({ shelve: null })
    expect(await state()).toBe('stopped')
    await asked({ unshelve: null })
    expect(await state()).toBe('running')
  })

  test('is deleted with all that it has', async () => {
    await asked({ shelve: null })
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect((await shown(await w.running({ name: 'next', availability_zone: 'sandbox.a' })))[0]).toBe('ACTIVE')
  })
})
