import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter as letIn, SYSTEM } from './support.ts'

const V3 = '/identity/v3'
let plimsoll: Plimsoll
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  demo = plimsoll.as('demo')
})

type Rule = { id?: string; service?: string; method?: string; path?: string }
const credentials = () => `${V3}/users/${plimsoll.userId('demo')}/application_credentials`
const rulesPath = (user = 'demo') => `${V3}/users/${plimsoll.userId(user)}/access_rules`
const list = async () => (await demo.get(rulesPath())).body.access_rules as Required<Rule>[]

let made = 0
const make = async (...access_rules: Rule[]) => {
  const wish = { name: `robot ${++made}`, access_rules }
  const answer = await demo.post(credentials(), { application_credential: wish })
  expect([answer.status, answer.body]).toEqual([201, answer.body])
  return answer.body.application_credential as { id: string; secret: string; access_rules: Required<Rule>[] }
}
const logIn = ({ id, secret }: { id: string; secret: string }) =>
  plimsoll.nobody.post(`${V3}/auth/tokens`, {
    auth: { identity: { methods: ['application_credential'], application_credential: { id, secret } } },
  })
const enter = async (credential: { id: string; secret: string }): Promise<Client> =>
  plimsoll.bearer((await logIn(credential)).headers.get('X-Subject-Token')!)
const SERVERS = { service: 'compute', method: 'GET', path: '/v2.1/servers' }
const ID = '6f0c1f8a-8c8f-4d3c-9b43-0c60a6f6c1de'

describe('access rules', () => {
  test('are shown with the credential and its tokens, and one by one', async () => {
    const credential = await make(SERVERS)
    const [rule] = credential.access_rules
    expect(rule).toEqual({ ...SERVERS, id: expect.stringMatching(/^[0-9a-f]{32}$/) })
    const shown = (await demo.get(`${credentials()}/${credential.id}`)).body.application_credential
    expect(shown.access_rules).toEqual([rule])
    const links = { self: `http://plimsoll.test${rulesPath()}/${rule!.id}` }
    expect(await list()).toEqual([{ ...rule, links }])
    expect((await demo.get(`${rulesPath()}/${rule!.id}`)).body.access_rule).toEqual({ ...rule, links })
    const { body } = await logIn(credential)
    expect(body.token.application_credential).toEqual({
      id: credential.id,
      name: expect.any(String),
      restricted: true,
      access_rules: [rule],
    })
  })

  test('that are alike are one, by what they say or by their id', async () => {
    const [first] = (await make(SERVERS)).access_rules
    const again = await make(SERVERS, SERVERS, { ...SERVERS, method: 'POST' })
    expect(again.access_rules).toHaveLength(2)
    expect(again.access_rules).toContainEqual(first)
    expect((await make({ id: first!.id })).access_rules).toEqual([first])
    expect((await make({ ...first })).access_rules).toEqual([first])
    expect(await list()).toHaveLength(2)
  })

  test('are filtered', async () => {
    await make(SERVERS, { service: 'network', method: 'POST', path: '/v2.0/networks' })
    const paths = async (query: string) =>
      (await demo.get(`${rulesPath()}?${query}`)).body.access_rules.map(({ path }: Rule) => path)
    expect(await paths('service=compute')).toEqual(['/v2.1/servers'])
    expect(await paths('method=POST')).toEqual(['/v2.0/networks'])
    expect(await paths('path=/v2.1/servers')).toEqual(['/v2.1/servers'])
    expect(await paths('service=compute&method=POST')).toEqual([])
    expect(await paths('path__contains=networks')).toEqual(['/v2.0/networks'])
  })

  test('stay when their credential goes, and go when no credential has them', async () => {
    const credential = await make(SERVERS)
    const path = `${rulesPath()}/${credential.access_rules[0]!.id}`
    const refused = await demo.delete(path)
    expect([refused.status, refused.body.error.message]).toEqual([403, 'May not delete access rule in use'])
    expect((await demo.delete(`${credentials()}/${credential.id}`)).status).toBe(204)
    expect(await list()).toHaveLength(1)
    expect((await demo.delete(path)).status).toBe(204)
    const unknown = await demo.delete(path)
    expect([unknown.status, unknown.body.error.message]).toEqual([
      404,
      `Could not find Access Rule: ${credential.access_rules[0]!.id}.`,
    ])
  })

  test("are nobody else's", async () => {
    await plimsoll.newUser('eve', 'demo', ['member'])
    const [{ id } = { id: '' }] = (await make(SERVERS)).access_rules
    const eve = plimsoll.as('eve')
    for (const path of [rulesPath(), `${rulesPath()}/${id}`]) expect((await eve.get(path)).status).toBe(403)
    expect((await eve.delete(`${rulesPath()}/${id}`)).status).toBe(403)
    expect((await eve.get(`${rulesPath('eve')}/${id}`)).status).toBe(404)
    expect((await eve.delete(`${rulesPath('eve')}/${id}`)).status).toBe(404)
    const path = `${V3}/users/${plimsoll.userId('eve')}/application_credentials`
    const wish = { name: 'x', access_rules: [{ id }] }
    expect((await eve.post(path, { application_credential: wish })).status).toBe(400)
    expect((await (await letIn(plimsoll, 'admin', SYSTEM)).get(rulesPath())).body.access_rules).toHaveLength(1)
    await plimsoll.as('admin').delete(`${V3}/users/${plimsoll.userId('demo')}`)
    expect(await plimsoll.db.all('select * from access_rules')).toEqual([])
  })

  test.each([
    ['without a path', { service: 'compute', method: 'GET' }],
    ['without a service', { method: 'GET', path: '/' }],
    ['without a method', { service: 'compute', path: '/' }],
    ['of another method', { ...SERVERS, method: 'TRACE' }],
    ['of a method in small letters', { ...SERVERS, method: 'get' }],
    ['of a path that is none', { ...SERVERS, path: 'v2.1/servers' }],
    ['of a long path', { ...SERVERS, path: `/${'x'.repeat(225)}` }],
    ['of a service that is a sentence', { ...SERVERS, service: 'the compute service' }],
    ['of a strange word', { ...SERVERS, colour: 'red' }],
    ['of an id that is none', { id: 'none' }],
  ])('%s are refused', async (_, rule) => {
    const wish = { name: 'x', access_rules: [rule] }
    expect((await demo.post(credentials(), { application_credential: wish })).status).toBe(400)
  })

  test('that say something else under the id of one are refused', async () => {
    const [first] = (await make(SERVERS)).access_rules
    const wish = { name: 'x', access_rules: [{ ...first, path: '/**' }] }
    expect((await demo.post(credentials(), { application_credential: wish })).status).toBe(400)
  })
})

describe('a token with access rules', () => {
  const NEWEST = { 'OpenStack-API-Version': 'compute 2.96, volume 3.70' }
  /** Whether it gets past them: what comes then is the service's. */
  const passes = async (robot: Client, method: string, path: string) =>
    (await robot.with(NEWEST).send(method, path, method === 'POST' ? {} : undefined)).status !== 401

  test.each<[Rule, string[], string[]]>([
    [
      SERVERS,
      ['GET /compute/v2.1/servers', 'GET /compute/v2.1/servers?limit=1'],
      [
        'POST /compute/v2.1/servers',
        'HEAD /compute/v2.1/servers',
        `GET /compute/v2.1/servers/${ID}`,
        'GET /compute/v2.1/flavors',
        'GET /network/v2.0/networks',
        'GET /identity/v3/auth/projects',
        'GET /broker/v1/capabilities',
      ],
    ],
    [{ ...SERVERS, path: '/compute/v2.1/servers' }, ['GET /compute/v2.1/servers'], ['GET /compute/v2.1/flavors']],
    [
      { ...SERVERS, path: '/v2.1/servers/*' },
      [`GET /compute/v2.1/servers/${ID}`, 'GET /compute/v2.1/servers/detail'],
      ['GET /compute/v2.1/servers', `GET /compute/v2.1/servers/${ID}/ips`],
    ],
    [
      { ...SERVERS, path: '/v2.1/servers/{server_id}/ips' },
      [`GET /compute/v2.1/servers/${ID}/ips`],
      [`GET /compute/v2.1/servers/${ID}`, `GET /compute/v2.1/servers/${ID}/tags`],
    ],
    [
      { ...SERVERS, path: '/v2.1/**' },
      ['GET /compute/v2.1/servers', `GET /compute/v2.1/servers/${ID}/ips`, 'GET /compute/v2.1/flavors'],
      ['GET /network/v2.0/networks'],
    ],
    [{ ...SERVERS, path: '/v2x1/servers' }, [], ['GET /compute/v2.1/servers']],
    [{ ...SERVERS, path: '/v2.1/.*' }, [], ['GET /compute/v2.1/servers']],
    [{ ...SERVERS, service: 'block-storage', path: '/v3/volumes' }, ['GET /volume/v3/volumes'], []],
    [
      { ...SERVERS, service: 'volumev3', path: '/v3/volumes' },
      ['GET /volume/v3/volumes'],
      ['GET /volume/v3/snapshots'],
    ],
    [{ ...SERVERS, service: 'image', path: '/v2/images' }, ['GET /image/v2/images'], ['GET /compute/v2.1/servers']],
    [{ ...SERVERS, service: 'network', path: '/v2.0/networks' }, ['GET /network/v2.0/networks'], []],
    [
      { ...SERVERS, service: 'identity', path: '/v3/auth/projects' },
      ['GET /identity/v3/auth/projects'],
      ['GET /identity/v3/auth/catalog'],
    ],
    [{ ...SERVERS, service: 'plimsoll', path: '/v1/capabilities' }, ['GET /broker/v1/capabilities'], []],
    [
      { ...SERVERS, service: 'monitoring', path: '/**' },
      [],
      ['GET /compute/v2.1/servers', 'GET /network/v2.0/networks'],
    ],
    [
      { ...SERVERS, method: 'POST' },
      ['POST /compute/v2.1/servers'],
      ['GET /compute/v2.1/servers', `POST /compute/v2.1/servers/${ID}/action`],
    ],
    [{ ...SERVERS, path: '/v2.1/*' }, ['GET /compute/v2.1/servers'], ['GET /compute/v2.1/servers/detail']],
  ])('of %o passes %o and not %o', async (rule, open, closed) => {
    const robot = await enter(await make(rule))
    const passed: string[] = []
    for (const call of [...open, ...closed])
      if (await passes(robot, ...(call.split(' ') as [string, string]))) passed.push(call)
    expect(passed).toEqual(open)
  })

  test('is refused with 401, as keystonemiddleware says it before any service', async () => {
    const robot = await enter(await make(SERVERS))
    const answer = await robot.get('/network/v2.0/networks')
    expect([answer.status, answer.body.error.message]).toEqual([
      401,
      'The request you have made requires authentication.',
    ])
  })

  test('keeps them on every request, with and without a look at what was revoked', async () => {
    const robot = await enter(await make(SERVERS))
    for (let i = 0; i < 3; i++) {
      expect((await robot.get('/compute/v2.1/servers')).status).toBe(200)
      expect((await robot.get('/compute/v2.1/flavors')).status).toBe(401)
      expect((await robot.post('/compute/v2.1/servers', {})).status).toBe(401)
      plimsoll.clock.advance(5_001)
    }
  })

  test('buys a token with the same', async () => {
    const robot = await enter(await make(SERVERS))
    const { headers, body } = await plimsoll.nobody.post(`${V3}/auth/tokens`, {
      auth: { identity: { methods: ['token'], token: { id: await robot.token() } } },
    })
    expect(body.token.application_credential.access_rules).toMatchObject([SERVERS])
    const bought = plimsoll.bearer(headers.get('X-Subject-Token')!)
    expect((await bought.get('/compute/v2.1/servers')).status).toBe(200)
    expect((await bought.get('/compute/v2.1/flavors')).status).toBe(401)
  })

  test('is looked up by itself, and by whoever says that he knows what rules mean', async () => {
    const robot = await enter(await make(SERVERS))
    const subject = { 'X-Subject-Token': await robot.token() }
    const knowing = { ...subject, 'OpenStack-Identity-Access-Rules': '1.0' }
    const shown = await robot.get(`${V3}/auth/tokens`, knowing)
    expect([shown.status, shown.body.token?.application_credential.access_rules]).toMatchObject([200, [SERVERS]])
    expect((await plimsoll.as('admin').get(`${V3}/auth/tokens`, knowing)).status).toBe(200)
    for (const version of ['0.9', 'x', '']) {
      const unaware = { ...subject, 'OpenStack-Identity-Access-Rules': version }
      const answer = await plimsoll.as('admin').get(`${V3}/auth/tokens`, unaware)
      expect([answer.status, answer.body.error.message]).toEqual([404, 'Failed to validate token'])
    }
    expect((await plimsoll.as('admin').get(`${V3}/auth/tokens`, subject)).status).toBe(404)
  })
})
