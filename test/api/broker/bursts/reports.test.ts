import { Buffer } from 'node:buffer'
import { beforeEach, describe, expect, test } from 'vitest'
import { serverById } from '../../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../../db/scope.ts'
import { openUserData } from '../../../../functions/broker/compute/user-data.ts'
import { ORIGIN } from '../../../support/harness.ts'
import { NOVA } from '../../compute/servers/world.ts'
import { type Bursting, message, newBursting } from './world.ts'

const BURSTS = '/broker/v1/bursts'

let w: Bursting
beforeEach(async () => {
  w = await newBursting()
})

const SCRIPT = Buffer.from('#!/bin/sh\n. /etc/plimsoll/burst.env\n').toString('base64')

/** What the guest of a member reads of itself, out of the user data that it was given. */
const toldOf = async (serverId: string): Promise<Record<string, string>> => {
  const server = await serverById(w.plimsoll.db, everyProject, serverId)
  const given = Buffer.from(openUserData(w.plimsoll.context(), serverId, server!.userData)!, 'base64').toString(
    'latin1',
  )
  const parts = given.split('Content-Type: text/cloud-config')[1]!.split('\r\n\r\n')[1]!.split('\r\n--')[0]!
  const config = JSON.parse(Buffer.from(parts, 'base64').toString('utf8').replace('#cloud-config\n', ''))
  const [{ path, content }] = config.write_files
  expect(path).toBe('/etc/plimsoll/burst.env')
  const lines = Buffer.from(content, 'base64').toString('utf8').trim().split('\n')
  return Object.fromEntries(
    lines.map((line) => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1).replaceAll("'", '')]),
  )
}
const pathOf = (url: string): string => url.replace('https://broker.example', ORIGIN)
const pathsOf = async (id: string): Promise<string[]> => {
  const there = (await w.members(id)).filter(({ ended_at }) => ended_at === null)
  return Promise.all(there.map(async ({ server_id }) => pathOf((await toldOf(server_id)).PLIMSOLL_REPORT_URL!)))
}
const say = (path: string, state: string, more: object = {}) => w.plimsoll.nobody.post(path, { state, ...more })

describe('a member', () => {
  test('is told which one it is and where it reports, beside what its user sent', async () => {
    const id = await w.burst({ user_data: SCRIPT })
    const members = await w.members(id)
    const told = await Promise.all(members.map(({ server_id }) => toldOf(server_id)))
    expect(
      told.map(({ PLIMSOLL_BURST, PLIMSOLL_INDEX, PLIMSOLL_NAME }) => [PLIMSOLL_BURST, PLIMSOLL_INDEX, PLIMSOLL_NAME]),
    ).toEqual([0, 1, 2].map((index) => [id, String(index), `farm-${index}`]))
    const urls = told.map(({ PLIMSOLL_REPORT_URL }) => PLIMSOLL_REPORT_URL)
    expect(new Set(urls).size).toBe(3)
    for (const url of urls) expect(url).toMatch(/^https:\/\/broker\.example\/broker\/v1\/reports\/[\w-]{43}$/)
    const { body } = await w.admin
      .with({ 'OpenStack-API-Version': 'compute 2.96' })
      .get(`${NOVA}/servers/${members[0].server_id}`)
    expect(body.server['OS-EXT-SRV-ATTR:user_data']).toBe(SCRIPT)
  })

  test('says how it is without a token, and nothing after its last word', async () => {
    const id = await w.burst()
    const [first, second] = await pathsOf(id)
    expect((await say(first!, 'running', { message: 'at work' })).status).toBe(204)
    expect((await w.members(id)).map(({ reported, message }) => [reported, message])).toEqual([
      ['running', 'at work'],
      [null, null],
      [null, null],
    ])
    expect((await say(first!, 'done')).status).toBe(204)
    const spent = await say(first!, 'running')
    const wrong = await say(first!.replace(/.$/, 'A'), 'running')
    const odd = await w.plimsoll.nobody.post('/broker/v1/reports/x', { state: 'running' })
    expect([spent.status, wrong.status, odd.status]).toEqual([404, 404, 404])
    expect(message(spent)).toBe(message(wrong))
    expect(message(odd)).toBe(message(wrong))
    expect((await say(second!, 'asleep')).status).toBe(400)
    expect((await say(second!, 'running', { message: 'x'.repeat(1_001) })).status).toBe(400)
    expect((await w.show(id)).members.reported).toEqual({ done: 1 })
    for (const method of ['GET', 'DELETE', 'PUT'])
      expect((await w.plimsoll.nobody.send(method, second!)).status).toBe(405)
  })

  test('says nothing once it is gone', async () => {
    const id = await w.burst()
    const [first] = await pathsOf(id)
    await w.demo.delete(`${BURSTS}/${id}`)
    await w.pass(0, 2)
    expect((await say(first!, 'done')).status).toBe(404)
  })
})

describe('a burst whose members have all said their last', () => {
  const done = async (onDone: string, words = ['done', 'done', 'done']) => {
    const id = await w.burst({ on_done: onDone })
    const paths = await pathsOf(id)
    for (const [i, path] of paths.entries()) {
      expect((await w.show(id)).state).toBe('running')
      await say(path, words[i]!)
      await w.plimsoll.settle()
    }
    await w.pass(0, 3)
    return id
  }

  test('is gone with its members', async () => {
    expect(await w.show(await done('delete'))).toMatchObject({ state: 'done', members: { total: 0 }, reason: null })
    expect(await w.servers()).toEqual({})
  })

  test('keeps them, stopped', async () => {
    const id = await done('stop')
    expect(await w.show(id)).toMatchObject({
      state: 'done',
      members: { statuses: { SHUTOFF: 3 }, reported: { done: 3 } },
    })
    await w.pass(600, 2)
    expect((await w.show(id)).members.total).toBe(3)
    await w.demo.delete(`${BURSTS}/${id}`)
    await w.pass(0, 2)
    expect(await w.servers()).toEqual({})
  })

  test('keeps them as they are, and makes none again that goes', async () => {
    const id = await done('keep')
    expect(await w.show(id)).toMatchObject({ state: 'done', members: { statuses: { ACTIVE: 3 } } })
    for (const { id: server } of Object.values(await w.servers())) await w.newest.delete(`${NOVA}/servers/${server}`)
    await w.plimsoll.settle()
    await w.pass(600, 2)
    expect(await w.show(id)).toMatchObject({ state: 'done', ended_at: expect.any(String) })
  })

  test('has failed where one of them says so', async () => {
    expect(await w.show(await done('delete', ['done', 'failed', 'done']))).toMatchObject({
      state: 'failed',
      reason: '1 of 3 members reported that they failed.',
      members: { total: 0 },
    })
  })

  test('counts those that deleted themselves after it', async () => {
    const id = await w.burst({ count: { min: 3, max: 3 }, on_done: 'delete' })
    for (const { server_id } of await w.members(id)) {
      await say(pathOf((await toldOf(server_id)).PLIMSOLL_REPORT_URL!), 'done')
      await w.newest.delete(`${NOVA}/servers/${server_id}`)
      await w.plimsoll.settle()
      await w.pass()
    }
    await w.pass()
    expect(await w.show(id)).toMatchObject({ state: 'done', members: { total: 0 } })
    expect(await w.members(id)).toHaveLength(3)
  })
})

test('without an origin that guests know members report nothing, and a burst cannot wait for it', async () => {
  w = await newBursting({ settings: { publicUrl: null } })
  const refused = await w.ask({ on_done: 'delete' })
  expect([refused.status, message(refused)]).toEqual([409, expect.stringContaining('Members cannot report')])
  const id = await w.burst()
  const [{ server_id }] = await w.members(id)
  expect(Object.keys(await toldOf(server_id))).toEqual(['PLIMSOLL_BURST', 'PLIMSOLL_NAME', 'PLIMSOLL_INDEX'])
})
