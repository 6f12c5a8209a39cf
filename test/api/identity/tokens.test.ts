import { beforeEach, describe, expect, test } from 'vitest'
import { scryptHere } from '../../../functions/auth/password.ts'
import { PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})

const TOKENS = '/identity/v3/auth/tokens'
const domain = { id: 'default' }
const user = (password: string, name = 'demo') => ({ name, domain, password })
const login = (who: object, scope?: unknown) =>
  plimsoll.nobody.post(TOKENS, {
    auth: { identity: { methods: ['password'], password: { user: who } }, ...(scope ? { scope } : {}) },
  })
const demoProject = { project: { name: 'demo', domain: { name: 'Default' } } }

describe('a password', () => {
  test('gives a token for a project, with its catalogue', async () => {
    const { status, headers, body } = await login(user(PASSWORD), demoProject)
    expect(status).toBe(201)
    expect(headers.get('X-Subject-Token')).toMatch(/^v1\./)
    const { token } = body
    expect(token).toMatchObject({
      methods: ['password'],
      user: { name: 'demo', id: plimsoll.userId('demo'), domain: { id: 'default', name: 'Default' } },
      project: { name: 'demo', id: plimsoll.projectId('demo'), domain: { id: 'default', name: 'Default' } },
      is_domain: false,
      issued_at: '2026-03-01T12:00:00.000000Z',
      expires_at: '2026-03-01T13:00:00.000000Z',
    })
    expect(token.roles.map((role: { name: string }) => role.name)).toEqual(['member', 'reader'])
    const identity = token.catalog.find((entry: { type: string }) => entry.type === 'identity')
    expect(identity.endpoints.map((e: { interface: string }) => e.interface)).toEqual(['public', 'internal', 'admin'])
    expect(identity.endpoints[0]).toMatchObject({ url: 'http://plimsoll.test/identity', region: 'RegionOne' })
    expect(JSON.stringify(token.catalog)).not.toContain('{project_id}')
  })

  test('works by id, for any way to name the project, and without a project', async () => {
    const byId = { id: plimsoll.userId('demo'), password: PASSWORD }
    const scoped = await login(byId, { project: { id: plimsoll.projectId('demo') } })
    expect(scoped.status).toBe(201)
    const unscoped = await login(byId)
    expect(unscoped.status).toBe(201)
    expect(Object.keys(unscoped.body.token).sort()).toEqual(['audit_ids', 'expires_at', 'issued_at', 'methods', 'user'])
    const mine = await plimsoll.bearer(unscoped.headers.get('X-Subject-Token')!).get('/identity/v3/auth/projects')
    expect(mine.body.projects.map((p: { name: string }) => p.name)).toEqual(['demo'])
  })

  test('of anybody who may not enter is refused in one and the same way', async () => {
    await plimsoll.db.run("update users set enabled = 0 where name = 'admin'")
    const answers = [
      await login(user('wrong')),
      await login(user(PASSWORD, 'nobody')),
      await login({ id: 'nobody', password: PASSWORD }),
      await login(user(PASSWORD, 'admin')),
      await login(user(PASSWORD), { project: { name: 'admin', domain } }),
      await login(user(PASSWORD), { project: { id: 'none' } }),
      await login(user(PASSWORD), { domain: { id: 'default' } }),
      await login(user(PASSWORD), { system: { all: true } }),
    ]
    for (const { status, body } of answers) {
      expect(status).toBe(401)
      expect(body).toEqual({
        error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
      })
    }
  })

  test('that is wrong five times locks the user for a minute', async () => {
    for (let i = 0; i < 5; i++) {
      expect((await login(user('wrong'))).status).toBe(401)
      await plimsoll.runDeferred()
    }
    expect((await login(user(PASSWORD))).status).toBe(401)
    plimsoll.clock.advance(60_001)
    expect((await login(user(PASSWORD))).status).toBe(201)
  })

  test('is hashed anew at the cost of today when it is used', async () => {
    plimsoll = await startPlimsoll({ clouds: [], scrypt: scryptHere })
    expect((await login(user(PASSWORD))).status).toBe(201)
    await plimsoll.runDeferred()
    const row = await plimsoll.db.get<{ h: string }>("select password_hash as h from users where name = 'demo'")
    expect(row.h).toMatch(/^scrypt\$16384\$8\$5\$/)
    expect((await login(user(PASSWORD))).status).toBe(201)
  })
})

test.each([
  ['no auth', {}],
  ['no identity', { auth: {} }],
  ['no method', { auth: { identity: { methods: [] } } }],
  ['a method without its proof', { auth: { identity: { methods: ['password'] } } }],
  [
    'a name without a domain',
    { auth: { identity: { methods: ['password'], password: { user: { name: 'demo', password: 'x' } } } } },
  ],
  [
    'a number for a password',
    { auth: { identity: { methods: ['password'], password: { user: { id: 'x', password: 1 } } } } },
  ],
  [
    'a scope of two',
    {
      auth: {
        identity: { methods: ['password'], password: { user: user('x') } },
        scope: { project: { id: 'a' }, domain: { id: 'b' } },
      },
    },
  ],
])('400 for %s', async (_what, body) => {
  const answer = await plimsoll.nobody.post(TOKENS, body)
  expect(answer.status).toBe(400)
  expect(answer.body.error).toMatchObject({ code: 400, title: 'Bad Request' })
})

test('a method that is not offered is 401 and says so', async () => {
  const answer = await plimsoll.nobody.post(TOKENS, { auth: { identity: { methods: ['external'], external: {} } } })
  expect([answer.status, answer.body.error.message]).toEqual([
    401,
    'Attempted to authenticate with an unsupported method.',
  ])
})

test('a method of which nothing is said is 400, whether it is offered or not', async () => {
  for (const method of ['external', 'password']) {
    const answer = await plimsoll.nobody.post(TOKENS, { auth: { identity: { methods: [method] } } })
    expect(answer.status).toBe(400)
    expect(answer.body.error.message).toMatch(`Expecting to find ${method} in identity.`)
  }
})

describe('a token', () => {
  const subject = (token: string) => ({ 'X-Subject-Token': token })

  test('shows the very body that it was issued with', async () => {
    const issued = await login(user(PASSWORD), demoProject)
    const token = issued.headers.get('X-Subject-Token')!
    plimsoll.clock.advance(1000)
    const shown = await plimsoll.bearer(token).get(TOKENS, subject(token))
    expect(shown.status).toBe(200)
    expect(shown.body).toEqual(issued.body)
    expect(shown.headers.get('X-Subject-Token')).toBe(token)
    const head = await plimsoll.bearer(token).head(TOKENS, subject(token))
    expect([head.status, head.body]).toEqual([200, null])
    const short = await plimsoll.bearer(token).get(`${TOKENS}?nocatalog`, subject(token))
    expect(short.body.token.catalog).toBeUndefined()
  })

  test('of somebody else is for admins', async () => {
    const token = await plimsoll.as('admin').token()
    const demo = await plimsoll.as('demo').get(TOKENS, subject(token))
    expect([demo.status, demo.body.error.message]).toEqual([
      403,
      'You are not authorized to perform the requested action: identity:validate_token.',
    ])
    expect((await plimsoll.as('admin').get(TOKENS, subject(await plimsoll.as('demo').token()))).status).toBe(200)
  })

  test('that is revoked is not found, and opens nothing', async () => {
    const demo = plimsoll.as('demo')
    const token = await demo.token()
    expect((await demo.get('/identity/v3/auth/catalog')).status).toBe(200)
    expect((await demo.delete(TOKENS, subject(token))).status).toBe(204)
    const admin = plimsoll.as('admin')
    const gone = await admin.get(TOKENS, subject(token))
    expect([gone.status, gone.body.error.message]).toEqual([404, 'Failed to validate token'])
    expect((await admin.head(TOKENS, subject(token))).status).toBe(404)
    plimsoll.clock.advance(5_001)
    expect((await demo.get('/identity/v3/auth/catalog')).status).toBe(401)
  })

  test('ends after its time', async () => {
    const token = await plimsoll.as('demo').token()
    plimsoll.clock.advance(3_600_000)
    expect((await plimsoll.bearer(token).get('/identity/v3/auth/projects')).status).toBe(401)
    expect((await plimsoll.as('admin').get(TOKENS, subject(token))).status).toBe(404)
    expect((await plimsoll.as('admin').get(`${TOKENS}?allow_expired=1`, subject(token))).status).toBe(404)
  })

  test('buys a token for another project, which ends no later', async () => {
    const first = await login(user(PASSWORD, 'admin'))
    const token = first.headers.get('X-Subject-Token')!
    plimsoll.clock.advance(600_000)
    const rescoped = await plimsoll.nobody.post(TOKENS, {
      auth: { identity: { methods: ['token'], token: { id: token } }, scope: demoProject },
    })
    expect(rescoped.status).toBe(201)
    expect(rescoped.body.token).toMatchObject({
      methods: ['token', 'password'],
      project: { name: 'demo' },
      issued_at: '2026-03-01T12:10:00.000000Z',
      expires_at: first.body.token.expires_at,
    })
    expect(rescoped.body.token.roles.map((r: { name: string }) => r.name)).toEqual([
      'admin',
      'manager',
      'member',
      'reader',
    ])
    const bad = await plimsoll.nobody.post(TOKENS, {
      auth: { identity: { methods: ['token'], token: { id: 'v1.x.y' } } },
    })
    expect([bad.status, bad.body.error.message]).toEqual([404, 'Failed to validate token'])
    const identity = { methods: ['token'], token: { id: token } }
    plimsoll.clock.advance(86_400_000)
    expect((await plimsoll.nobody.post(TOKENS, { auth: { identity } })).status).toBe(404)
  })

  test('is missing or garbage: 401 in the words of Keystone', async () => {
    for (const who of [plimsoll.nobody, plimsoll.bearer('garbage'), plimsoll.bearer('v1.00000000.AAAA')]) {
      const answer = await who.get('/identity/v3/auth/projects')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('WWW-Authenticate')).toContain('Keystone')
    }
    expect((await plimsoll.as('demo').get(TOKENS)).status).toBe(400)
  })
})
