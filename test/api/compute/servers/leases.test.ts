import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Answer } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from './world.ts'

const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message
const HOUR = 3600

let w: World
beforeEach(async () => {
  w = await newWorld()
})

/** So many seconds without the broker, and then a few minutes of its cron. */
const pass = async (seconds: number, turns = 1) => {
  w.plimsoll.clock.advance(seconds * 1000)
  for (let turn = 0; turn < turns; turn++) {
    w.plimsoll.clock.advance(60_000)
    await runCron(w.plimsoll.host)
    await w.plimsoll.settle()
  }
}
const leased = (length: string, more: Record<string, string> = {}) =>
  w.running({ metadata: { 'plimsoll:lease': length, ...more } })
const status = async (id: string) => (await w.server(id)).status
const say = (id: string, metadata: Record<string, string>) =>
  w.newest.post(`${NOVA}/servers/${id}/metadata`, { metadata })
const actionsOf = async (id: string): Promise<string[]> =>
  (await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions.map(
    ({ action }: { action: string }) => action,
  )

describe('a server with a lease', () => {
  test('is stopped at its end and stays, with what is on its disk', async () => {
    const id = await leased('2h')
    const { metadata, created } = await w.server(id)
    const end = new Date(Date.parse(created) + 2 * HOUR * 1000).toISOString().replace('.000', '')
    expect(metadata).toEqual({ 'plimsoll:lease': '2h', 'plimsoll:lease_ends_at': end })
    await pass(2 * HOUR - 300)
    expect(await status(id)).toBe('ACTIVE')
    await pass(300, 2)
    expect(await status(id)).toBe('SHUTOFF')
    expect(await actionsOf(id)).toEqual(['lease_end', 'stop', 'create'])
    await pass(30 * 24 * HOUR)
    expect(await status(id)).toBe('SHUTOFF')
    expect(await actionsOf(id)).toHaveLength(3)
  })

  test('is started again when its lease is longer, and not before', async () => {
    const id = await leased('1h')
    await pass(HOUR, 2)
    for (const action of [{ 'os-start': null }, { reboot: { type: 'HARD' } }]) {
      const early = await w.act(id, action)
      expect([early.status, message(early)]).toEqual([409, expect.stringContaining('The lease of instance')])
    }
    const longer = await say(id, { 'plimsoll:lease': '3h' })
    expect(longer.body.metadata['plimsoll:lease_ends_at']).toBe((await w.server(id)).metadata['plimsoll:lease_ends_at'])
    expect((await w.act(id, { 'os-start': null })).status).toBe(202)
    await w.plimsoll.settle()
    await pass(HOUR)
    expect(await status(id)).toBe('ACTIVE')
    await pass(HOUR, 2)
    expect(await status(id)).toBe('SHUTOFF')
  })

  test('is extended while it runs, and has none when the item is gone', async () => {
    const id = await leased('1h')
    await say(id, { 'plimsoll:lease': '2h' })
    await pass(HOUR + 600)
    expect(await status(id)).toBe('ACTIVE')
    expect((await w.newest.delete(`${NOVA}/servers/${id}/metadata/plimsoll:lease`)).status).toBe(204)
    expect((await w.server(id)).metadata).toEqual({})
    await pass(24 * HOUR)
    expect(await status(id)).toBe('ACTIVE')
  })

  test('is deleted where it says so', async () => {
    const id = await leased('30m', { 'plimsoll:lease_end': 'delete' })
    await pass(1800, 2)
    expect((await w.newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  })

  test('is deleted though it was stopped before', async () => {
    const id = await leased('30m', { 'plimsoll:lease_end': 'delete' })
    await w.act(id, { 'os-stop': null })
    await w.plimsoll.settle()
    await pass(1800, 2)
    expect((await w.newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  })

  test('is stopped late where the broker was away, and then at once', async () => {
    const id = await leased('1h')
    w.plimsoll.clock.advance(5 * HOUR * 1000)
    expect(await status(id)).toBe('ACTIVE')
    await pass(0)
    expect(await status(id)).toBe('SHUTOFF')
  })

  test('stays while it is locked', async () => {
    const id = await leased('1h', { 'plimsoll:lease_end': 'delete' })
    await w.act(id, { lock: null })
    await pass(2 * HOUR)
    expect(await status(id)).toBe('ACTIVE')
    await w.act(id, { unlock: null })
    await pass(600, 2)
    expect((await w.newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  })

  test('is stopped though very many others wait for a cloud that does not answer them', async () => {
    const quota_set = { instances: 100, cores: 100, ram: 1_000_000 }
    const set = await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set })
    expect(set.status).toBe(200)
    const id = await leased('2h')
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), [
      { method: 'server.create', fault: 'throttled', retry_after_ms: 24 * HOUR * 1000 },
    ])
    const metadata = { 'plimsoll:lease': '1h' }
    expect((await w.boot({ networks: 'none', metadata, min_count: 50, max_count: 50 })).status).toBe(202)
    w.plimsoll.clock.advance(3 * HOUR * 1000)
    for (let turn = 0; turn < 4; turn++) {
      await runCron(w.plimsoll.host)
      w.plimsoll.clock.advance(31_000)
    }
    expect(await actionsOf(id)).toContain('lease_end')
  })

  test.each(['stop', 'delete'])('stays where nothing is changed by now, though its end is to %s it', async (end) => {
    const id = await leased('1h', { 'plimsoll:lease_end': end })
    const cloud = { options: { read_only: true } }
    expect((await w.admin.patch('/broker/v1/clouds/sandbox', { cloud })).status).toBe(200)
    await pass(HOUR, 3)
    expect([await status(id), await actionsOf(id)]).toEqual(['ACTIVE', ['create']])
    expect(w.plimsoll.logged.filter(({ message }) => /lease/.test(message))).toEqual([])
  })

  test('keeps the size of a resize that nobody confirmed, and is stopped', async () => {
    const id = await leased('1h')
    await w.act(id, { resize: { flavorRef: '2' } })
    await w.plimsoll.settle()
    expect(await status(id)).toBe('VERIFY_RESIZE')
    await pass(HOUR, 2)
    await pass(600)
    expect(await status(id)).toBe('SHUTOFF')
  })

  test('loses it by a rebuild with other metadata', async () => {
    const id = await leased('1h')
    const rebuilt = await w.act(id, { rebuild: { imageRef: w.image, metadata: { role: 'web' } } })
    expect(rebuilt.body.server.metadata).toEqual({ role: 'web' })
    await w.plimsoll.settle()
    await pass(2 * HOUR)
    expect(await status(id)).toBe('ACTIVE')
  })
})

describe('a project with a lease for its servers', () => {
  beforeEach(async () => {
    const policy = `/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`
    expect((await w.admin.put(policy, { policy: { lease: '1h' } })).status).toBe(200)
  })

  test('stops those that say nothing else', async () => {
    const id = await w.running()
    const own = await leased('3h')
    expect((await w.server(id)).metadata['plimsoll:lease']).toBe('1h')
    await pass(HOUR, 2)
    expect([await status(id), await status(own)]).toEqual(['SHUTOFF', 'ACTIVE'])
  })

  test('gives it to those that say nothing else any more', async () => {
    const id = await leased('3h')
    await w.newest.delete(`${NOVA}/servers/${id}/metadata/plimsoll:lease`)
    expect((await w.server(id)).metadata['plimsoll:lease']).toBe('1h')
    await pass(HOUR, 2)
    expect(await status(id)).toBe('SHUTOFF')
  })
})

describe('what is no lease', () => {
  test.each(['2', 'h', '2 h', '-1h', '0m', '1.5h', '2w', '99999999d', '', 'forever'])(
    '%j is refused',
    async (words) => {
      const answer = await w.boot({ metadata: { 'plimsoll:lease': words } })
      expect([answer.status, message(answer)]).toEqual([
        400,
        'Metadata item plimsoll:lease must be a duration like 2h, 90m or 1d12h, of at most ten years.',
      ])
    },
  )

  test('an end that is neither of both, and a time that users write, are refused', async () => {
    const id = await leased('1h')
    const end = await say(id, { 'plimsoll:lease_end': 'destroy' })
    expect([end.status, message(end)]).toEqual([400, 'Metadata item plimsoll:lease_end must be stop or delete.'])
    const time = await say(id, { 'plimsoll:lease_ends_at': '2036-01-01T00:00:00Z' })
    expect(time.status).toBe(400)
    expect((await w.newest.delete(`${NOVA}/servers/${id}/metadata/plimsoll:lease_ends_at`)).status).toBe(400)
  })

  test('what was read can be sent again as a whole', async () => {
    const id = await leased('1h')
    const { metadata } = await w.server(id)
    const again = await w.newest.put(`${NOVA}/servers/${id}/metadata`, { metadata: { ...metadata, role: 'web' } })
    expect(again.body.metadata).toEqual({ ...metadata, role: 'web' })
  })
})
