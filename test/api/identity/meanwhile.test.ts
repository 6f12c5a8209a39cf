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
const askedWhile = async (
  say: () => Promise<Answer>,
  ask: () => Promise<Answer>,
  [did, answered] = [200, 200],
): Promise<Answer> => {
  const { d1 } = plimsoll.host
  const batch = d1.batch.bind(d1)
  const said: number[] = []
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    d1.batch = batch
    said.push((await say()).status)
    return batch(statements)
  }) as typeof d1.batch
  const answer = await ask()
  expect([said, answer.status]).toEqual([[did], answered])
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

const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'OIDC-sub' }] }]
const mapping = { mapping: { rules, schema_version: '1.0' } }
/** Where one is, made; what its members are called in a body; what one says of it, and what another meanwhile. */
const more: Record<string, [() => Promise<string>, string, object, object]> = {
  'identity provider': [
    () => put('identity_providers/a', { identity_provider: { remote_ids: ['https://a'] } }),
    ...(['identity_provider', { description: 'after' }, { enabled: true, remote_ids: ['https://b'] }] as const),
  ],
  protocol: [
    async () => {
      await put('mappings/m', mapping)
      await put('mappings/n', mapping)
      await put('identity_providers/a', { identity_provider: {} })
      return put('identity_providers/a/protocols/openid', { protocol: { mapping_id: 'm' } })
    },
    ...(['protocol', { remote_id_attribute: 'iss' }, { mapping_id: 'n' }] as const),
  ],
  'service provider': [
    () => put('service_providers/a', { service_provider: { auth_url: 'https://a', sp_url: 'https://a' } }),
    ...(['service_provider', { description: 'after' }, { enabled: true }] as const),
  ],
  policy: [
    () => post('policies', { policy: { type: 'a', blob: 'b' } }, 'policy'),
    ...(['policy', { type: 'after' }, { blob: 'other', colour: 'blue' }] as const),
  ],
  'endpoint group': [
    () =>
      post(
        'OS-EP-FILTER/endpoint_groups',
        { endpoint_group: { name: 'a', filters: { interface: 'public' } } },
        'endpoint_group',
      ),
    ...(['endpoint_group', { description: 'after' }, { name: 'other', filters: { interface: 'admin' } }] as const),
  ],
  consumer: [
    () => post('OS-OAUTH1/consumers', { consumer: { description: 'a' } }, 'consumer'),
    ...(['consumer', { description: 'after' }, { colour: 'blue' }] as const),
  ],
}
const put = async (path: string, body: object) => {
  const { status } = await admin.put(`${V3}/OS-FEDERATION/${path}`, body)
  expect([path, status]).toEqual([path, 201])
  return `${V3}/OS-FEDERATION/${path}`
}
const post = async (path: string, body: object, noun: string) =>
  `${V3}/${path}/${(await admin.post(`${V3}/${path}`, body)).body[noun].id}`

test.each(Object.keys(more))('of what is said at once of the same %s none is lost', async (kind) => {
  const [make, noun, one, other] = more[kind]!
  const path = await make()
  await askedWhile(
    () => admin.patch(path, { [noun]: other }),
    () => admin.patch(path, { [noun]: one }),
  )
  expect((await admin.get(path)).body[noun]).toMatchObject({ ...one, ...other })
})

test.each(Object.keys(more))('a %s that goes meanwhile is not changed', async (kind) => {
  const [make, noun, one] = more[kind]!
  const path = await make()
  const answer = await askedWhile(
    () => admin.delete(path),
    () => admin.patch(path, { [noun]: one }),
    [204, 404],
  )
  expect(answer.body.error.message).toMatch(/not found|ould not find/)
})
