import { beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { operations } from '../../functions/app.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { runtime } from '../support/runtime.ts'
import { giveOneOfEach } from '../sweep/belongings.ts'
import { parametersOf, pathOf, type Route, titleOf, versionHeader, versionOf, walking } from '../sweep/calls.ts'
import { bodiesFor } from '../sweep/examples.ts'

/** What every object of the language answers to, whoever made it. Calls cost ten times as much on workerd: one has to do. */
const WORDS = runtime === 'node' ? ['__proto__', 'constructor'] : ['__proto__']
/** And of the keys that lists understand every sixth. */
const STRIDE = runtime === 'node' ? 1 : 6

// Some routes take hundreds of calls.
vi.setConfig({ testTimeout: 60_000 })

let plimsoll: Plimsoll
let named: Record<string, string>
let send: Client['send']
beforeAll(async () => {
  plimsoll = await startPlimsoll()
  send = walking(plimsoll, 'admin')
  named = (await giveOneOfEach(plimsoll, 'demo')).named
})

/** No defect, and no refusal in words of the language's own. */
const sound = (what: unknown, { status, body }: { status: number; body: unknown }) => {
  expect([
    what,
    status < 500 || status === 501,
    /native code|\[object Object\]/.test(JSON.stringify(body) ?? ''),
  ]).toEqual([what, true, false])
}

const call = (route: Route, path: string, body?: unknown, type = 'application/json') =>
  send(route.operation.method, path, body === undefined ? undefined : new TextEncoder().encode(String(body)), {
    ...versionHeader(route, versionOf(route)),
    'Content-Type': route.operation.name === 'image.update' ? 'application/openstack-images-v2.1-json-patch' : type,
  })
const pathTo = (route: Route, word?: string) =>
  pathOf(route, ({ name, of }) =>
    name === 'project_id'
      ? plimsoll.projectId('admin')
      : word !== undefined && route.operation.method !== 'GET'
        ? word
        : (word ?? named[of] ?? 'x'),
  )

const routes = operations.map((route): [string, Route] => [titleOf(route), route])

/** Keys that lists understand, whichever of them. */
const KEYS = [
  'sort_key',
  'sort',
  'sort_dir',
  'marker',
  'limit',
  'fields',
  'tags',
  'not-tags',
  'tag',
  'status',
  'name',
  'name~',
  'metadata',
  'power_state',
  'vm_state',
  'task_state',
  'availability_zone',
  'type',
  'visibility',
  'member_status',
  'owner',
  'id',
  'project_id',
  'user_id',
  'detailed',
  'fixed_ips',
  'extra_specs',
  'resource',
  'kind',
  'cloud',
  'protocol',
  'direction',
  'ethertype',
]
const keysOf = ({ operation: { query } }: Route, version: number): string[] => {
  const schema = typeof query === 'function' ? query(version) : query
  const { properties = {} } = schema
    ? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as { properties?: object })
    : {}
  return [...new Set([...Object.keys(properties), ...KEYS])].filter((_, index) => index % STRIDE === 0)
}

describe('words of the language are names like any other, in a path or a query', () => {
  test.each(routes)('%s', async (_, route) => {
    if (parametersOf(route).length) for (const word of WORDS) sound(word, await call(route, pathTo(route, word)))
    if (route.operation.method !== 'GET') return
    const path = pathTo(route)
    for (const word of WORDS) sound(word, await call(route, `${path}?${word}=1&${word}=${word}`))
    for (const key of keysOf(route, versionOf(route)))
      for (const word of WORDS) sound([key, word], await call(route, `${path}?${key}=${word}`))
  })
})

/** The same text with a word in place of one value, and with a word as a key of every object. */
const variants = (body: unknown, word: string): string[] => {
  const text = JSON.stringify(body)
  const withKey = text.replaceAll('{', `{"${word}":"${word}",`).replaceAll(',}', '}')
  const withObject = text.replaceAll('{', `{"${word}":{"${word}":1},`).replaceAll(',}', '}')
  const values = [...text.matchAll(/:("[^"]*"|\d+|true|false|null)|\[("[^"]*")/g)]
  return [
    withKey,
    withObject,
    ...values.map((value) => {
      const given = value[1] ?? value[2]!
      const at = value.index + 1
      return `${text.slice(0, at)}"${word}"${text.slice(at + given.length)}`
    }),
  ]
}

/** Neutron's own schemas say nothing to a generator. */
const bodiesOf = (route: Route): unknown[] => {
  const noun = /^\/v2\.0\/([a-z-]+)s$/.exec(route.operation.path)?.[1]
  return route.operation.method === 'POST' && noun
    ? [
        {
          [noun.replaceAll('-', '_')]: {
            name: 'a',
            description: 'b',
            network_id: 'c',
            tags: ['d'],
            cidr: '10.0.0.0/24',
          },
        },
      ]
    : bodiesFor(route)
}

describe('words of the language are names like any other, in a body', () => {
  const taking = routes.filter(([, { operation }]) => operation.body && !operation.raw)
  test.each(taking)('%s', async (_, route) => {
    for (const body of bodiesOf(route))
      for (const word of WORDS)
        for (const text of variants(body, word)) sound(text, await call(route, pathTo(route), text))
  })
})

test('and everything can still be listed', async () => {
  for (const [title, route] of routes.filter(
    ([, { operation }]) => operation.method === 'GET' && !operation.path.includes(':'),
  ))
    sound(title, await call(route, pathTo(route)))
})

describe('what is called as the language calls its own comes back as it was sent', () => {
  const word = '__proto__'
  const own = (text: string) => JSON.parse(text.replaceAll('WORD', word))

  test.each(WORDS)('a server on a network named %s', async (name) => {
    const demo = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.1' })
    const network = (await demo.post('/network/v2.0/networks', { network: { name } })).body.network
    await demo.post('/network/v2.0/subnets', { subnet: { network_id: network.id, cidr: '10.3.0.0/24', ip_version: 4 } })
    const image = (await demo.get('/image/v2/images?visibility=public')).body.images[0].id
    const body = { server: { name, flavorRef: '1', imageRef: image, networks: [{ uuid: network.id }] } }
    const made = await demo.post('/compute/v2.1/servers', body)
    expect([made.status, made.body.server?.id]).toEqual([202, expect.any(String)])
    await plimsoll.settle()
    const { servers } = (await demo.get('/compute/v2.1/servers/detail')).body
    const { addresses } = servers.find((each: { id: string }) => each.id === made.body.server.id)
    expect(Object.entries(addresses)).toEqual([[name, [expect.objectContaining({ version: 4 })]]])
    expect((await plimsoll.as('admin').get('/compute/v2.1/servers/detail?all_tenants=1')).status).toBe(200)
    expect((await demo.get(`/compute/v2.1/servers/${made.body.server.id}/ips/${name}`)).body[name]).toHaveLength(1)
    expect((await demo.get(`/compute/v2.1/servers/${made.body.server.id}/ips/toString`)).status).toBe(404)
  })

  test('metadata of a server and of a volume', async () => {
    const admin = plimsoll.as('admin')
    const paths = [
      `/compute/v2.1/servers/${named.servers}`,
      `/volume/v3/${plimsoll.projectId('demo')}/volumes/${named.volumes}`,
    ]
    for (const path of paths) {
      const put = await plimsoll
        .as('demo')
        .send(
          'PUT',
          `${path}/metadata`,
          new TextEncoder().encode('{"metadata": {"__proto__": "a", "constructor": "b"}}'),
          { 'Content-Type': 'application/json' },
        )
      expect([path, put.status, Object.entries(put.body.metadata).sort()]).toEqual([
        path,
        200,
        [
          ['__proto__', 'a'],
          ['constructor', 'b'],
        ],
      ])
      expect((await admin.get(`${path}/metadata`)).body).toEqual(own('{"metadata": {"WORD": "a", "constructor": "b"}}'))
      expect((await plimsoll.as('demo').get(`${path}/metadata/toString`)).status).toBe(404)
    }
  })

  test.each(WORDS)('a role called %s, and a token of whoever has it', async (name) => {
    const admin = plimsoll.as('admin')
    // The walk over bodies may have made it.
    await admin.post('/identity/v3/roles', { role: { name } })
    const [role] = (await admin.get(`/identity/v3/roles?name=${name}`)).body.roles
    const path = `/identity/v3/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}/roles/${role.id}`
    expect((await admin.put(path)).status).toBe(204)
    expect((await plimsoll.as('demo').get('/compute/v2.1/servers')).status).toBe(200)
    expect((await admin.delete(path)).status).toBe(204)
  })

  test('a property of an image', async () => {
    const path = `/image/v2/images/${named.images}`
    const type = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
    const patch = (changes: object[]) =>
      plimsoll.as('demo').send('PATCH', path, new TextEncoder().encode(JSON.stringify(changes)), type)
    for (const name of WORDS) {
      const added = await patch([{ op: 'add', path: `/${name}`, value: 'x' }])
      expect([added.status, Object.hasOwn(added.body, name) && added.body[name]]).toEqual([200, 'x'])
      const { images } = (await plimsoll.as('demo').get(`/image/v2/images?${name}=x`)).body
      expect(images).toHaveLength(1)
      expect((await patch([{ op: 'add', path: `/${name}`, value: 1 }])).status).toBe(400)
      expect(Object.hasOwn((await patch([{ op: 'remove', path: `/${name}` }])).body, name)).toBe(false)
      expect((await patch([{ op: 'remove', path: `/${name}` }])).status).toBe(409)
    }
  })
})
