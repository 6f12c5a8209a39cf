import { beforeEach, expect, test } from 'vitest'
import { type Answer, type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* Two who change the same thing at once, each something else of it. */

const V3 = '/identity/v3'
let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  await admin.token()
})

/** Asks for something while something else is done after it was read, and before it is written. */
const askedWhile = async (say: () => Promise<Answer>, ask: () => Promise<Answer>): Promise<Answer> => {
  const { d1 } = plimsoll.host
  const batch = d1.batch.bind(d1)
  const said: number[] = []
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    d1.batch = batch
    said.push((await say()).status)
    return batch(statements)
  }) as typeof d1.batch
  const answer = await ask()
  expect([said, answer.status]).toEqual([[200], 200])
  return answer
}

const made = {
  project: async () => plimsoll.projectId('demo'),
  domain: async (): Promise<string> =>
    (await admin.post(`${V3}/domains`, { domain: { name: 'crew', description: 'before', colour: 'red' } })).body.domain
      .id,
  user: async (): Promise<string> =>
    (await admin.post(`${V3}/users`, { user: { name: 'ann', description: 'before', colour: 'red' } })).body.user.id,
}
const kinds = Object.keys(made) as (keyof typeof made)[]

test('a project that is renamed keeps the policy that is set meanwhile', async () => {
  const id = plimsoll.projectId('demo')
  const budget = { amount: '5', currency: 'USD', period: 'month' }
  const path = `/broker/v1/projects/${id}/policy`
  const renamed = await askedWhile(
    () => admin.put(path, { policy: { budget } }),
    () => admin.patch(`${V3}/projects/${id}`, { project: { name: 'renamed' } }),
  )
  expect(renamed.body.project.name).toBe('renamed')
  expect((await admin.get(path)).body.policy).toMatchObject({ budget })
})

test.each(kinds)('a %s that is described stays disabled where it is disabled meanwhile', async (kind) => {
  const path = `${V3}/${kind}s/${await made[kind]()}`
  await askedWhile(
    () => admin.patch(path, { [kind]: { enabled: false } }),
    () => admin.patch(path, { [kind]: { description: 'after' } }),
  )
  expect((await admin.get(path)).body[kind]).toMatchObject({ enabled: false, description: 'after' })
})

test.each(kinds)('a %s that is disabled keeps what else is said of it meanwhile', async (kind) => {
  const path = `${V3}/${kind}s/${await made[kind]()}`
  const said = { name: 'other', description: 'after', colour: 'blue' }
  await askedWhile(
    () => admin.patch(path, { [kind]: said }),
    () => admin.patch(path, { [kind]: { enabled: false } }),
  )
  expect((await admin.get(path)).body[kind]).toMatchObject({ ...said, enabled: false })
})

test.each(kinds)('a %s of which nothing is said stays as it is', async (kind) => {
  const path = `${V3}/${kind}s/${await made[kind]()}`
  const before = (await admin.get(path)).body
  const answer = await admin.patch(path, { [kind]: {} })
  expect([answer.status, answer.body]).toEqual([200, before])
  expect((await admin.get(path)).body).toEqual(before)
})
