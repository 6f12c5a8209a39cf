import { beforeEach, expect, test } from 'vitest'
import { loops, runCron } from '../../../../functions/cron.ts'
import type { Answer } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message

let w: World
beforeEach(async () => {
  const sizes = [
    { name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1 },
    { name: 'two', vcpus: 2, ram_mib: 8_192, disk_gib: 100, price: 3 },
  ]
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  w.plimsoll.clock.now = Date.UTC(2031, 2, 10, 12)
  await runCron(w.plimsoll.host)
})

const budget = async (amount: string) => {
  const policy = { budget: { amount, currency: 'USD' } }
  const answer = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
/** Four servers for a quarter of an hour each: all that a budget of 1 has. */
const four = async (metadata: Record<string, string> = {}): Promise<string[]> => {
  await budget('1')
  const ids: string[] = []
  for (let i = 0; i < 4; i++)
    ids.push(await w.running({ networks: 'none', metadata: { 'plimsoll:lease': '15m', ...metadata } }))
  return ids
}
const tell = (id: string, metadata: Record<string, string>) =>
  w.newest.post(`${NOVA}/servers/${id}/metadata`, { metadata })

test.each([
  ['by another lease', (id: string) => tell(id, { 'plimsoll:lease': '2h' })],
  ['by none', (id: string) => w.newest.delete(`${NOVA}/servers/${id}/metadata/plimsoll:lease`)],
  ['by a lock', (id: string) => w.act(id, { lock: null })],
  [
    'as it is made anew',
    (id: string) => w.act(id, { rebuild: { imageRef: w.image, metadata: { 'plimsoll:lease': '2h' } } }),
  ],
])('a server runs no longer %s than what is left of a budget pays for', async (_, extend) => {
  const [first = ''] = await four()
  const refused = await extend(first)
  expect([refused.status, message(refused)]).toEqual([403, expect.stringMatching(/of 1 this month .* left/)])
  await budget('2')
  expect((await extend(first)).status).toBeLessThan(300)
  await w.plimsoll.settle()
  expect((await w.boot({ networks: 'none' })).status, 'it is kept for it from then on').toBe(403)
})

test('a server may run shorter, and longer again where nothing is to be spent beyond that', async () => {
  const [first = ''] = await four()
  expect((await tell(first, { 'plimsoll:lease': '14m' })).status).toBe(200)
  expect((await tell(first, { other: 'word' })).status).toBe(200)
  await budget('100')
  expect((await tell(first, { 'plimsoll:lease': '10h' })).status).toBe(200)
})

const larger = (id: string) => w.act(id, { resize: { flavorRef: '3' } })

test('what ran is paid before something grows', async () => {
  await budget('4.5')
  const id = await w.running({ networks: 'none' })
  const others = loops.filter(({ name }) => name !== 'money')
  for (let minutes = 0; minutes < 120; minutes += 4) {
    w.plimsoll.clock.advance(240_000)
    await runCron(w.plimsoll.host, 25_000, others)
  }
  const refused = await larger(id)
  expect([refused.status, message(refused)]).toEqual([403, expect.stringContaining('of 4.5 this month')])
  await budget('5.5')
  expect((await larger(id)).status).toBe(202)
})

test('many that grow at once do not pass a budget together', async () => {
  await budget('8.5')
  const ids: string[] = []
  for (let i = 0; i < 4; i++) ids.push(await w.running({ networks: 'none' }))
  const answers = await Promise.all(ids.map(larger))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 403, 403])
  await w.plimsoll.settle()
  expect((await w.boot({ networks: 'none' })).status).toBe(403)
})
