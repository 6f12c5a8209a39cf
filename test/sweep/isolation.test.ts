import { beforeAll, describe, expect, test, vi } from 'vitest'
import { operations } from '../../functions/app.ts'
import { type Answer, type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { giveOneOfEach } from './belongings.ts'
import { parametersOf, pathOf, type Route, titleOf, versionHeader, versionOf, walking } from './calls.ts'
import { bodiesFor } from './examples.ts'

// Some routes take hundreds of calls.
vi.setConfig({ testTimeout: 60_000 })

let plimsoll: Plimsoll
let named: Record<string, string>
let snapshot: () => Promise<string>
/** The stranger's network. */
let own: string
let send: Client['send']
beforeAll(async () => {
  plimsoll = await startPlimsoll()
  await plimsoll.newProject('stranger', { roles: ['member', 'reader'], clouds: ['sandbox'] })
  send = walking(plimsoll, 'stranger')
  const owned = await giveOneOfEach(plimsoll, 'demo')
  own = (await plimsoll.as('stranger').post('/network/v2.0/networks', { network: {} })).body.network.id
  await plimsoll
    .as('stranger')
    .post('/network/v2.0/subnets', { subnet: { network_id: own, cidr: '10.7.0.0/24', ip_version: 4 } })
  named = owned.named
  snapshot = owned.snapshot
})

/** Known before anything is made: the segments that `giveOneOfEach` names. */
const OWNED = [
  'servers',
  'volumes',
  'snapshots',
  'images',
  'networks',
  'subnets',
  'subnetpools',
  'address-scopes',
  'ports',
  'routers',
  'security-groups',
  'security-group-rules',
  'floatingips',
  'attachments',
  'flavors',
  'os-keypairs',
  'os-server-groups',
  'os-quota-sets',
  'quotas',
  'os-simple-tenant-usage',
  'projects',
  'users',
  'application_credentials',
  'access_rules',
  'credentials',
] as const
const routes = operations
  .map((route): [string, Route] => [titleOf(route), route])
  .filter(
    ([, route]) =>
      route.operation.who !== 'public' &&
      parametersOf(route).some(({ of }) => (OWNED as readonly string[]).includes(of)),
  )

/** What is said, but for the id itself and the request's. */
const said = ({ status, headers, body }: Answer, id: string) => ({
  status,
  type: headers.get('content-type'),
  body: JSON.stringify(body)
    ?.replaceAll(id, 'ID')
    .replaceAll(/req-[0-9a-f-]{36}/g, 'REQ'),
})

/** The same call on a thing of another project, and on nothing. */
const ask = async (route: Route, body: unknown, target: string, id: string): Promise<Answer> => {
  const path = pathOf(route, ({ name, of }) =>
    of === target ? id : name === 'project_id' ? plimsoll.projectId('stranger') : (named[of] ?? 'x'),
  )
  const bytes = route.operation.raw ? new TextEncoder().encode('bytes') : body
  const headers = {
    ...versionHeader(route, versionOf(route)),
    ...(route.operation.raw ? { 'Content-Type': 'application/octet-stream' } : {}),
  }
  return send(route.operation.method, path, bytes, headers)
}

describe("another project's id is answered as one of nothing", () => {
  test.each(routes)('%s', async (_, route) => {
    const before = await snapshot()
    for (const { of: target } of parametersOf(route).filter(({ of }) => (OWNED as readonly string[]).includes(of))) {
      const real = named[target]!
      const random = plimsoll.host.newId()
      const unknown = real.includes('-') ? random : random.replaceAll('-', '')
      for (const body of bodiesFor(route)) {
        const [theirs, nothing] = [await ask(route, body, target, real), await ask(route, body, target, unknown)]
        expect(said(theirs, real)).toEqual(said(nothing, unknown))
        expect(theirs.status).toBeGreaterThanOrEqual(400)
        // 501: what nobody is offered.
        expect([theirs.status < 500, theirs.status === 501]).toContain(true)
      }
    }
    expect(await snapshot()).toBe(before)
  })
})

test('what is named is what is looked for', () => expect(Object.keys(named).sort()).toEqual([...OWNED].sort()))

const NETWORK = '/network/v2.0'
const server = (fields: object) => ({
  server: { name: 's', flavorRef: '1', imageRef: 'none', networks: [{ uuid: 'own' }], ...fields },
})
/** Whose id is asked for, where, and the body that names it. */
const REFERENCES: [target: string, path: string, body: (id: string) => unknown][] = [
  ['networks', `${NETWORK}/subnets`, (id) => ({ subnet: { network_id: id, cidr: '10.1.0.0/24', ip_version: 4 } })],
  ['networks', `${NETWORK}/ports`, (id) => ({ port: { network_id: id } })],
  ['networks', `${NETWORK}/routers`, (id) => ({ router: { external_gateway_info: { network_id: id } } })],
  ['networks', `${NETWORK}/floatingips`, (id) => ({ floatingip: { floating_network_id: id } })],
  [
    'security-groups',
    `${NETWORK}/security-group-rules`,
    (id) => ({ security_group_rule: { security_group_id: id, direction: 'ingress' } }),
  ],
  ['volumes', '/volume/v3/snapshots', (id) => ({ snapshot: { volume_id: id } })],
  ['snapshots', '/volume/v3/volumes', (id) => ({ volume: { size: 1, snapshot_id: id } })],
  ['volumes', '/volume/v3/volumes', (id) => ({ volume: { size: 1, source_volid: id } })],
  ['images', '/volume/v3/volumes', (id) => ({ volume: { size: 1, imageRef: id } })],
  ['images', '/compute/v2.1/servers', (id) => server({ imageRef: id })],
  ['networks', '/compute/v2.1/servers', (id) => server({ networks: [{ uuid: id }] })],
  ['ports', '/compute/v2.1/servers', (id) => server({ networks: [{ port: id }] })],
  ['flavors', '/compute/v2.1/servers', (id) => server({ flavorRef: id })],
  ['os-keypairs', '/compute/v2.1/servers', (id) => server({ key_name: id })],
  ['security-groups', '/compute/v2.1/servers', (id) => server({ security_groups: [{ name: id }] })],
]
const HIGHEST = { 'OpenStack-API-Version': 'compute 2.96, volume 3.70' }

describe("another project's id within a body is answered as one of nothing", () => {
  test.each(REFERENCES)('%s in POST %s', async (target, path, body) => {
    const stranger = plimsoll.as('stranger').with(HIGHEST)
    const { images } = (await stranger.get('/image/v2/images')).body
    const call = (id: string) =>
      stranger.post(
        path,
        JSON.parse(JSON.stringify(body(id)).replace('"none"', `"${images[0].id}"`).replace('"own"', `"${own}"`)),
      )
    const before = await snapshot()
    const unknown = plimsoll.host.newId()
    const [theirs, nothing] = [await call(named[target]!), await call(unknown)]
    expect(said(theirs, named[target]!)).toEqual(said(nothing, unknown))
    expect([400, 404]).toContain(theirs.status)
    expect(await snapshot()).toBe(before)
  })
})

/** Lists, and what is theirs to be sorted by: a marker that is fetched without a scope tells what it stands for. */
const lists = operations.flatMap((route): [string, Route][] =>
  route.operation.method === 'GET' && parametersOf(route).every(({ name }) => name === 'project_id')
    ? [[titleOf(route), route]]
    : [],
)
const SORTED = [
  '',
  '&limit=1',
  '&limit=1&page_reverse=True',
  '&sort_key=name&sort_dir=asc',
  '&sort_key=id&sort_dir=desc&limit=2',
]

describe("another project's id as a marker is answered as one of nothing", () => {
  beforeAll(async () => {
    await giveOneOfEach(plimsoll, 'stranger')
  })

  test.each(lists)('%s', async (_, route) => {
    const stranger = plimsoll.as('stranger').with(versionHeader(route, versionOf(route)))
    const path = pathOf(route, () => plimsoll.projectId('stranger'))
    for (const order of SORTED) {
      const random = plimsoll.host.newId()
      const nothing = said(await stranger.get(`${path}?marker=${random}${order}`), random)
      // As random, and on either side of what is there: none of them is anywhere in the order.
      for (const [, real] of Object.entries(named).filter(([of]) => !['flavors', 'projects', 'users'].includes(of)))
        expect([order, said(await stranger.get(`${path}?marker=${real}${order}`), real)]).toEqual([order, nothing])
    }
  })
})
