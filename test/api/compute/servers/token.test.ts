import { beforeEach, expect, test } from 'vitest'
import type { Client } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from './world.ts'

/* The look at a token goes along with the first reads of a new server: it counts before anything that they found. */

let w: World
let ann: Client
beforeEach(async () => {
  w = await newWorld()
  await w.plimsoll.newUser('ann', 'demo', ['member', 'reader'])
  ann = w.plimsoll.bearer(await w.plimsoll.as('ann').token())
})

const asked: [string, () => Record<string, unknown>][] = [
  ['a server', () => ({})],
  ['one of an image that there is not', () => ({ imageRef: crypto.randomUUID() })],
  ['one on a network that there is not', () => ({ networks: [{ uuid: crypto.randomUUID() }] })],
  ['what is no server', () => ({ name: 7 })],
]
const servers = async () => (await w.demo.get(`${NOVA}/servers`)).body.servers.length
const takeRole = (name: string) =>
  w.admin.delete(
    `/identity/v3/projects/${w.plimsoll.projectId('demo')}/users/${w.plimsoll.userId('ann')}/roles/${w.plimsoll.roleId(name)}`,
  )

test.each(asked)('a revoked token asks in vain for %s, whether it was used before or not', async (_, more) => {
  for (const used of [false, true]) {
    const token = await w.plimsoll.as('ann').token()
    const client = w.plimsoll.bearer(token)
    if (used) expect((await w.boot({}, client)).status).toBe(202)
    const before = await servers()
    const revoked = await w.admin.delete('/identity/v3/auth/tokens', { 'X-Subject-Token': token })
    expect(revoked.status).toBe(204)
    expect((await w.boot(more(), client)).status).toBe(401)
    expect(await servers()).toBe(before)
  }
})

test.each(asked)('a user who lost the role for it asks in vain for %s', async (_, more) => {
  expect((await w.boot({}, ann)).status).toBe(202)
  expect((await takeRole('member')).status).toBe(204)
  expect((await w.boot(more(), ann)).status).toBe(403)
  expect((await ann.get(`${NOVA}/servers`)).status).toBe(200)
  expect(await servers()).toBe(1)
})

test('a user who lost another role goes on with those that are left', async () => {
  expect((await w.boot({}, ann)).status).toBe(202)
  expect((await takeRole('reader')).status).toBe(204)
  expect((await w.boot({}, ann)).status).toBe(202)
  expect(await servers()).toBe(2)
})

test('the answer that is kept for a key is not given to a token that was revoked', async () => {
  const key = { 'Idempotency-Key': 'once' }
  expect((await w.boot({}, ann.with(key))).status).toBe(202)
  const token = await ann.token()
  await w.admin.delete('/identity/v3/auth/tokens', { 'X-Subject-Token': token })
  expect((await w.boot({}, ann.with(key))).status).toBe(401)
})
