import { beforeEach, describe, expect, test } from 'vitest'
import { revokeToken } from '../../../db/queries/identity/identity.ts'
import { type Scrypt, scryptHere } from '../../../functions/auth/password.ts'
import { openToken } from '../../../functions/auth/token.ts'
import { commit } from '../../../functions/broker/line/commit.ts'
import { keyring } from '../../../functions/crypto/keyring.ts'
import { sweepLeftovers } from '../../../functions/janitor.ts'
import { type Answer, type Client, PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const V3 = '/identity/v3'
const TOKENS = `${V3}/auth/tokens`
let plimsoll: Plimsoll
let admin: Client
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
})

const of = (user: string) => `${V3}/users/${plimsoll.userId(user)}/application_credentials`
const ask = (wish: object, who = demo, user = 'demo') =>
  who.post(`${V3}/users/${plimsoll.userId(user)}/application_credentials`, { application_credential: wish })
const make = async (wish: object = {}, who = demo, user = 'demo') => {
  const answer = await ask({ name: 'robot', ...wish }, who, user)
  expect([answer.status, answer.body]).toEqual([201, answer.body])
  return answer.body.application_credential as Record<string, string> & { roles: { name: string }[] }
}
const login = (given: object, more: object = {}): Promise<Answer> =>
  plimsoll.nobody.post(TOKENS, {
    auth: { identity: { methods: ['application_credential'], application_credential: given }, ...more },
  })
const enter = async ({ id, secret }: Record<string, unknown>): Promise<Client> => {
  const answer = await login({ id, secret })
  expect([answer.status, answer.body]).toEqual([201, answer.body])
  return plimsoll.bearer(answer.headers.get('X-Subject-Token')!)
}
const names = (roles: { name: string }[]) => roles.map(({ name }) => name)
const message = ({ status, body }: Answer) => [status, body.error.message]
const REFUSED = [401, 'The request you have made requires authentication.']
const RESTRICTED = [
  403,
  "You are not authorized to perform the requested action: Using method 'application_credential' is not allowed for managing additional application credentials..",
]

describe('an application credential', () => {
  test('lets a program in, for the project that it was made in, by its id or by name and user', async () => {
    const made = await make({ description: 'of the tests' })
    expect(made.secret).toMatch(/^[\w-]{86}$/)
    const byId = await login({ id: made.id, secret: made.secret })
    expect(byId.status).toBe(201)
    expect(byId.body.token).toMatchObject({
      methods: ['application_credential'],
      user: { name: 'demo', id: plimsoll.userId('demo') },
      project: { name: 'demo', id: plimsoll.projectId('demo') },
      application_credential: { id: made.id, name: 'robot', restricted: true },
      expires_at: '2026-03-01T13:00:00.000000Z',
    })
    expect(byId.body.token.application_credential.access_rules).toBeUndefined()
    expect(names(byId.body.token.roles)).toEqual(['member', 'reader'])
    expect(byId.body.token.catalog.length).toBeGreaterThan(4)
    for (const user of [
      { id: plimsoll.userId('demo') },
      { name: 'demo', domain: { id: 'default' } },
      { name: 'demo', domain: { name: 'Default' } },
    ]) {
      const { status, body } = await login({ name: 'robot', user, secret: made.secret })
      expect([status, body.token.project.name]).toEqual([201, 'demo'])
    }
    const robot = await enter(made)
    expect((await robot.get('/network/v2.0/networks')).status).toBe(200)
    expect((await robot.post('/network/v2.0/networks', { network: { name: 'n' } })).status).toBe(201)
    const token = await robot.token()
    const shown = await robot.get(TOKENS, { 'X-Subject-Token': token })
    expect(shown.body.token).toMatchObject({ application_credential: { name: 'robot' } })
  })

  test('is shown as it was made, its secret once', async () => {
    const made = await make({ description: 'of the tests', secret: 'chosen by hand' })
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      name: 'robot',
      description: 'of the tests',
      secret: 'chosen by hand',
      user_id: plimsoll.userId('demo'),
      project_id: plimsoll.projectId('demo'),
      system: null,
      expires_at: null,
      unrestricted: false,
      roles: ['member', 'reader'].map((name) => ({
        id: plimsoll.roleId(name),
        name,
        domain_id: null,
        description: null,
        options: { immutable: true },
      })),
      links: { self: `http://plimsoll.test${of('demo')}/${made.id}` },
    })
    const { secret: _, ...shown } = made
    expect((await demo.get(`${of('demo')}/${made.id}`)).body.application_credential).toEqual(shown)
    const other = await make({ name: 'other' })
    const listed = await demo.get(of('demo'))
    expect(listed.body.application_credentials.map(({ id }: { id: string }) => id).toSorted()).toEqual(
      [made.id, other.id].toSorted(),
    )
    expect(listed.body.application_credentials).toContainEqual(shown)
    expect((await demo.get(`${of('demo')}?name=robot`)).body.application_credentials).toEqual([shown])
    expect((await demo.get(`${of('demo')}?name__contains=obo`)).body.application_credentials).toEqual([shown])
    expect((await demo.get(`${of('demo')}?name=none`)).body.application_credentials).toEqual([])
    await enter(made)
  })

  test('has the roles that it is given, implied ones too, and none that its maker has not', async () => {
    await plimsoll.newUser('eve', 'demo', ['manager'])
    const eve = plimsoll.as('eve')
    const all = await make({ name: 'all' }, eve, 'eve')
    expect(names(all.roles)).toEqual(['manager', 'member', 'reader'])
    const some = await make({ name: 'some', roles: [{ name: 'member' }] }, eve, 'eve')
    expect(names(some.roles)).toEqual(['member', 'reader'])
    const one = await make({ name: 'one', roles: [{ id: plimsoll.roleId('reader') }] }, eve, 'eve')
    const reader = await enter(one)
    expect((await reader.get('/network/v2.0/networks')).status).toBe(200)
    expect((await reader.post('/network/v2.0/networks', { network: {} })).status).toBe(403)
    const unassigned = [
      400,
      'Invalid application credential: Cannot create an application credential with unassigned role',
    ]
    for (const role of [{ name: 'admin' }, { id: plimsoll.roleId('admin') }, { id: 'none' }])
      expect(message(await ask({ name: 'x', roles: [role] }, eve, 'eve'))).toEqual(unassigned)
    expect(message(await ask({ name: 'x', roles: [{ name: 'none' }] }, eve, 'eve'))).toEqual([
      404,
      'Role none is not defined',
    ])
  })

  test('is of a name that its user has once', async () => {
    await make()
    expect(message(await ask({ name: 'robot' }))).toEqual([
      409,
      'Conflict occurred attempting to store application_credential - Duplicate entry found with name robot.',
    ])
    await make({}, admin, 'admin')
  })

  test.each([
    ['no name', {}],
    ['an empty name', { name: '' }],
    ['a blank name', { name: ' ' }],
    ['a number for a secret', { name: 'x', secret: 1 }],
    ['a role with two keys', { name: 'x', roles: [{ id: 'a', name: 'member' }] }],
    ['a role without any', { name: 'x', roles: [{}] }],
    ['a word that nobody knows', { name: 'x', colour: 'red' }],
    ['a system', { name: 'x', system: 'all' }],
    ['another project', { name: 'x', project_id: 'another' }],
    ['a text for a flag', { name: 'x', unrestricted: 'certainly' }],
    ['no time', { name: 'x', expires_at: 'tomorrow' }],
    ['an empty time', { name: 'x', expires_at: '' }],
    ['a day', { name: 'x', expires_at: '2027-01-01' }],
    ['a day that is none', { name: 'x', expires_at: '2027-02-30T00:00:00' }],
    ['a time of another zone', { name: 'x', expires_at: '2027-01-01T00:00:00+02:00' }],
  ])('400 for %s', async (_, wish) => expect((await ask(wish)).status).toBe(400))

  test('is repeated by its idempotency key, secret and all', async () => {
    const key = { 'Idempotency-Key': 'once' }
    const body = { application_credential: { name: 'robot' } }
    const first = await demo.post(of('demo'), body, key)
    const second = await demo.post(of('demo'), body, key)
    expect([second.status, second.body]).toEqual([201, first.body])
    await plimsoll.db.run('update repeatables set answer = null')
    // Only its MAC is known here any more: another secret would open nothing.
    expect((await demo.post(of('demo'), body, key)).status).toBe(409)
    await enter(first.body.application_credential)
  })
})

describe('the time of an application credential', () => {
  test.each([
    ['2026-03-01T13:30:00', '2026-03-01T13:30:00.000000'],
    ['2026-03-01T13:30:00Z', '2026-03-01T13:30:00.000000'],
    ['2026-03-01T13:30:00.123456', '2026-03-01T13:30:00.123456'],
    ['2026-03-01T13:30:00.5Z', '2026-03-01T13:30:00.500000'],
    ['2026-03-01 13:30', '2026-03-01T13:30:00.000000'],
    ['20260301T133000Z', '2026-03-01T13:30:00.000000'],
  ])('%s is %s', async (expires_at, shown) => {
    const made = await make({ expires_at })
    expect(made.expires_at).toBe(shown)
    expect((await demo.get(`${of('demo')}/${made.id}`)).body.application_credential.expires_at).toBe(shown)
  })

  test('is to come', async () => {
    expect(message(await ask({ name: 'x', expires_at: '2026-03-01T11:59:59Z' }))).toEqual([
      400,
      "The 'expires_at' must not be before now. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.",
    ])
  })

  test('ends its tokens, and lets nobody in afterwards', async () => {
    const made = await make({ expires_at: '2026-03-01T12:10:00' })
    const { body } = await login({ id: made.id, secret: made.secret })
    expect(body.token.expires_at).toBe('2026-03-01T12:10:00.000000Z')
    const robot = await enter(made)
    plimsoll.clock.advance(600_000)
    expect((await robot.get('/network/v2.0/networks')).status).toBe(401)
    expect(message(await login({ id: made.id, secret: made.secret }))).toEqual(REFUSED)
  })
})

describe('somebody else', () => {
  test('may look and remove as an admin, but not make one', async () => {
    const made = await make()
    expect((await admin.get(of('demo'))).body.application_credentials).toHaveLength(1)
    expect((await admin.get(`${of('demo')}/${made.id}`)).body.application_credential.name).toBe('robot')
    expect(message(await ask({ name: 'x' }, admin))).toEqual([
      403,
      'You are not authorized to perform the requested action: identity:create_application_credential.',
    ])
    expect((await admin.delete(`${of('demo')}/${made.id}`)).status).toBe(204)
    expect(message(await admin.get(`${of('demo')}/${made.id}`))).toEqual([
      404,
      `Could not find Application Credential: ${made.id}.`,
    ])
  })

  test('sees and removes none, whatever user the path names', async () => {
    await plimsoll.newUser('eve', 'demo', ['member'])
    const eve = plimsoll.as('eve')
    const made = await make()
    for (const path of [`${of('demo')}/${made.id}`, `${of('eve')}/${made.id}`]) {
      expect(message(await eve.get(path))[1]).toContain('identity:get_application_credential')
      expect(message(await eve.delete(path))).toEqual([
        403,
        'You are not authorized to perform the requested action: identity:delete_application_credential.',
      ])
    }
    expect((await eve.get(of('demo'))).status).toBe(403)
    expect((await eve.get(`${of('eve')}/none`)).status).toBe(404)
    expect((await eve.delete(`${of('eve')}/none`)).status).toBe(404)
    await enter(made)
  })

  test('without a project makes none', async () => {
    const identity = { methods: ['password'], password: { user: { id: plimsoll.userId('demo'), password: PASSWORD } } }
    const { headers } = await plimsoll.nobody.post(TOKENS, { auth: { identity, scope: 'unscoped' } })
    expect((await ask({ name: 'x' }, plimsoll.bearer(headers.get('X-Subject-Token')!))).status).toBe(403)
  })
})

describe('a token got by an application credential', () => {
  test('makes and removes no other, unless the credential is unrestricted', async () => {
    const made = await make()
    const robot = await enter(made)
    expect(message(await ask({ name: 'x' }, robot))).toEqual(RESTRICTED)
    expect(message(await robot.delete(`${of('demo')}/${made.id}`))).toEqual(RESTRICTED)
    expect((await robot.get(of('demo'))).body.application_credentials).toHaveLength(1)
    const free = await make({ name: 'free', unrestricted: true, roles: [{ name: 'reader' }] })
    const master = await enter(free)
    const { body } = await login({ id: free.id, secret: free.secret })
    expect(body.token.application_credential).toEqual({ id: free.id, name: 'free', restricted: false })
    const child = await make({ name: 'child' }, master)
    expect(names(child.roles)).toEqual(['reader'])
    expect((await ask({ name: 'x', roles: [{ name: 'member' }] }, master)).status).toBe(400)
    expect((await master.delete(`${of('demo')}/${child.id}`)).status).toBe(204)
  })

  test('buys one that may no more than itself, and none for another project', async () => {
    const made = await make({ expires_at: '2026-03-01T12:10:00' })
    const token = await (await enter(made)).token()
    const buy = (more: object) =>
      plimsoll.nobody.post(TOKENS, { auth: { identity: { methods: ['token'], token: { id: token } }, ...more } })
    for (const scope of ['unscoped', { project: { id: plimsoll.projectId('demo') } }])
      expect(message(await buy({ scope }))).toEqual([
        403,
        'You are not authorized to perform the requested action: Using an application credential token to create a scoped token is not allowed..',
      ])
    const { status, body, headers } = await buy({})
    expect([status, body.token]).toEqual([201, body.token])
    expect(body.token).toMatchObject({
      methods: ['token', 'application_credential'],
      project: { name: 'demo' },
      application_credential: { id: made.id, restricted: true },
      expires_at: '2026-03-01T12:10:00.000000Z',
    })
    const bought = plimsoll.bearer(headers.get('X-Subject-Token')!)
    expect(message(await ask({ name: 'x' }, bought))).toEqual(RESTRICTED)
    await demo.delete(`${of('demo')}/${made.id}`)
    expect((await bought.post('/network/v2.0/networks', { network: {} })).status).toBe(401)
    expect((await buy({})).status).toBe(404)
  })

  const ends: [string, (id: string) => Promise<Answer>][] = [
    ['is deleted', (id) => demo.delete(`${of('demo')}/${id}`)],
    ['loses its user', () => admin.delete(`${V3}/users/${plimsoll.userId('demo')}`)],
    [
      'has its user disabled',
      () => admin.patch(`${V3}/users/${plimsoll.userId('demo')}`, { user: { enabled: false } }),
    ],
    ['loses its project', () => admin.delete(`${V3}/projects/${plimsoll.projectId('demo')}`)],
    [
      'loses one of the roles of its user',
      () =>
        admin.delete(
          `${V3}/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}/roles/${plimsoll.roleId('reader')}`,
        ),
    ],
  ]
  test.each(ends)('dies when the credential %s: at once for changes, within five seconds for reads', async (_, end) => {
    const made = await make()
    const robot = await enter(made)
    expect((await robot.get('/network/v2.0/networks')).status).toBe(200)
    expect((await end(made.id!)).status).toBeLessThan(300)
    expect((await robot.post('/network/v2.0/networks', { network: {} })).status).toBe(401)
    plimsoll.clock.advance(5_001)
    expect((await robot.get('/network/v2.0/networks')).status).toBe(401)
    expect(message(await login({ id: made.id, secret: made.secret }))).toEqual(REFUSED)
    expect(await plimsoll.db.all('select * from application_credentials')).toEqual([])
    expect((await admin.get(TOKENS, { 'X-Subject-Token': await robot.token() })).status).toBe(404)
  })

  test('undoes a change that is under way when its credential is deleted', async () => {
    const made = await make()
    const token = await (await enter(made)).token()
    const caller = openToken(token, keyring(plimsoll.host.settings.secretKeys, 'token'))!
    const context = { ...plimsoll.context('demo'), caller }
    const change = () =>
      commit(context, { action: 'test', kind: 'token', resourceId: 'x' }, [revokeToken(plimsoll.db, 'x', 1)])
    await change()
    await plimsoll.db.run('delete from revoked_tokens')
    await demo.delete(`${of('demo')}/${made.id}`)
    await expect(change()).rejects.toMatchObject({ refusal: { kind: 'token' } })
    expect(await plimsoll.db.all('select * from revoked_tokens')).toEqual([])
  })

  test('does not die with other projects, users and roles, and is not revived by a user who is enabled again', async () => {
    await plimsoll.newProject('lab')
    await plimsoll.db.run(
      `insert into grants (actor_id, target_id, role_id) values ('${plimsoll.userId('demo')}', '${plimsoll.projectId('lab')}', '${plimsoll.roleId('member')}')`,
    )
    await plimsoll.newUser('eve', 'demo', ['member'])
    const made = await make()
    const robot = await enter(made)
    const grant = (project: string, user: string) =>
      `${V3}/projects/${plimsoll.projectId(project)}/users/${plimsoll.userId(user)}/roles/${plimsoll.roleId('member')}`
    expect((await admin.delete(grant('lab', 'demo'))).status).toBe(204)
    expect((await admin.delete(grant('demo', 'eve'))).status).toBe(204)
    expect((await robot.post('/network/v2.0/networks', { network: {} })).status).toBe(201)
    const path = `${V3}/users/${plimsoll.userId('demo')}`
    for (const enabled of [false, true]) await admin.patch(path, { user: { enabled } })
    expect(message(await login({ id: made.id, secret: made.secret }))).toEqual(REFUSED)
  })

  test('goes with a role that is deleted from everybody, where it was had', async () => {
    const { id } = (await admin.post(`${V3}/roles`, { role: { name: 'auditor' } })).body.role
    await admin.put(`${V3}/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}/roles/${id}`)
    const made = await make()
    const kept = await make({}, admin, 'admin')
    expect((await admin.delete(`${V3}/roles/${id}`)).status).toBe(204)
    expect((await login({ id: made.id, secret: made.secret })).status).toBe(401)
    await enter(kept)
  })
})

test('an application credential outlives a change of its user’s password', async () => {
  const made = await make()
  const before = await enter(made)
  const path = `${V3}/users/${plimsoll.userId('demo')}/password`
  const change = { user: { password: 'another one', original_password: PASSWORD } }
  expect((await plimsoll.nobody.post(path, change)).status).toBe(204)
  expect((await before.post('/network/v2.0/networks', { network: {} })).status).toBe(401)
  const after = await enter(made)
  expect((await after.post('/network/v2.0/networks', { network: {} })).status).toBe(201)
})

describe('a new secret key', () => {
  const fresh = new Uint8Array(32).fill(7)
  const hash = async (id: string) =>
    (await plimsoll.db.get<{ h: string }>(`select secret_hash as h from application_credentials where id = '${id}'`)).h

  test('keeps what logs in while the old one is there, and says of the others that theirs is gone', async () => {
    const [used, idle, chosen] = [
      await make(),
      await make({ name: 'idle' }),
      await make({ name: 'chosen', secret: 'chosen by hand' }),
    ]
    expect([await hash(used.id!), await hash(chosen.id!)]).toEqual([
      expect.stringMatching(/^hmac\$[0-9a-f]{8}\$[\w-]{43}$/),
      expect.stringMatching(/^scrypt\$16384\$8\$5\$/),
    ])
    const before = await hash(used.id!)
    const [old] = plimsoll.host.settings.secretKeys as [Uint8Array]
    const { d1 } = plimsoll.host
    plimsoll = await startPlimsoll({ d1, clouds: [], settings: { secretKeys: [fresh, old] } })
    await enter(used)
    await plimsoll.runDeferred()
    expect(await hash(used.id!)).not.toBe(before)
    await sweepLeftovers(plimsoll.context())
    plimsoll = await startPlimsoll({ d1, clouds: [], settings: { secretKeys: [fresh] } })
    await enter(used)
    await enter(chosen)
    expect((await login({ id: idle.id, secret: idle.secret })).status).toBe(401)
    expect(plimsoll.logged.at(-1)?.fields?.reason).toBe('kept under a key that is gone')
  })
})

describe('a login by application credential', () => {
  test('that does not fit is refused in one and the same way', async () => {
    const made = await make()
    const chosen = await make({ name: 'chosen', secret: 'chosen by hand' })
    const user = { name: 'demo', domain: { id: 'default' } }
    for (const given of [
      { id: made.id, secret: 'wrong' },
      { id: made.id, secret: chosen.secret },
      { id: made.id, secret: made.secret!.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')) },
      { id: chosen.id, secret: 'wrong' },
      { id: chosen.id, secret: made.secret },
      { id: 'none', secret: made.secret },
      { id: 'none', secret: 'wrong' },
      { name: 'none', user, secret: made.secret },
      { name: 'robot', user: { name: 'admin', domain: { id: 'default' } }, secret: made.secret },
      { name: 'robot', user: { name: 'nobody', domain: { id: 'default' } }, secret: made.secret },
    ])
      expect(message(await login(given))).toEqual(REFUSED)
  })

  test('chooses no scope', async () => {
    const made = await make()
    expect(
      message(
        await login({ id: made.id, secret: made.secret }, { scope: { project: { id: plimsoll.projectId('demo') } } }),
      ),
    ).toEqual([
      401,
      'Error authenticating with application credential: Application credentials cannot request a scope.',
    ])
  })

  test('says what it lacks', async () => {
    for (const given of [
      {},
      { secret: 'x' },
      { name: 'robot', secret: 'x' },
      { id: 'x' },
      { name: 'robot', user: { name: 'demo' }, secret: 'x' },
    ])
      expect((await login(given)).status).toBe(400)
    const bare = await plimsoll.nobody.post(TOKENS, { auth: { identity: { methods: ['application_credential'] } } })
    expect(bare.status).toBe(400)
  })

  test('and with a password is one for the same user only', async () => {
    const made = await make()
    const both = (name: string) =>
      plimsoll.nobody.post(TOKENS, {
        auth: {
          identity: {
            methods: ['password', 'application_credential'],
            password: { user: { name, domain: { id: 'default' }, password: PASSWORD } },
            application_credential: { id: made.id, secret: made.secret },
          },
        },
      })
    const { body } = await both('demo')
    expect(body.token).toMatchObject({
      methods: ['password', 'application_credential'],
      application_credential: { id: made.id },
    })
    expect((await both('admin')).status).toBe(401)
  })

  test('that is wrong five times locks the credential for a minute from there, and neither its user nor another', async () => {
    const [made, other] = [await make({ secret: 'chosen by hand' }), await make({ name: 'other' })]
    for (let i = 0; i < 5; i++) expect((await login({ id: made.id, secret: `wrong ${i}` })).status).toBe(401)
    const right = { id: made.id, secret: made.secret }
    expect((await login(right)).status).toBe(401)
    await enter(other)
    const identity = { methods: ['password'], password: { user: { id: plimsoll.userId('demo'), password: PASSWORD } } }
    expect((await plimsoll.nobody.post(TOKENS, { auth: { identity } })).status).toBe(201)
    const elsewhere = await plimsoll.nobody.from('192.0.2.9').post(TOKENS, {
      auth: { identity: { methods: ['application_credential'], application_credential: right } },
    })
    expect(elsewhere.status).toBe(201)
    plimsoll.clock.advance(60_001)
    expect((await login(right)).status).toBe(201)
  })

  test('waits for other programs, and keeps no person waiting', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const scrypt: Scrypt = async (secret, salt, length) => {
      if (secret === 'slow') await held
      return scryptHere(secret, salt, length, { N: 16, r: 1, p: 1 })
    }
    plimsoll = await startPlimsoll({ clouds: [], scrypt })
    demo = plimsoll.as('demo')
    const made = await make({ secret: 'chosen by hand' })
    const waiting = Array.from({ length: 4 }, () => login({ id: made.id, secret: 'slow' }))
    const identity = { methods: ['password'], password: { user: { id: plimsoll.userId('demo'), password: PASSWORD } } }
    expect((await plimsoll.nobody.post(TOKENS, { auth: { identity } })).status).toBe(201)
    release()
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(401)
    await enter(made)
  })

  test('that failed is in log and journal: which, whence and why, never the secret', async () => {
    const made = await make({ expires_at: '2026-03-01T12:10:00' })
    await login({ id: made.id, secret: 'hunter-2-hunter' })
    await login({ id: 'none', secret: 'hunter-2-hunter' })
    plimsoll.clock.advance(600_000)
    await login({ id: made.id, secret: made.secret })
    await plimsoll.runDeferred()
    const rows = await plimsoll.db.all<{ resource_id: string; detail: string }>(
      "select resource_id, detail from journal where action = 'login_failed' order by id",
    )
    const user = plimsoll.userId('demo')
    const source = '192.0.2.1'
    expect(rows.map(({ resource_id, detail }) => [resource_id, JSON.parse(detail)])).toEqual([
      [made.id, { application: made.id, user, source, reason: 'wrong secret' }],
      ['', { application: 'none', user: '', source, reason: 'unknown application credential' }],
      [made.id, { application: made.id, user, source, reason: 'expired' }],
    ])
    const kept = JSON.stringify([plimsoll.logged, await plimsoll.db.all('select * from journal')])
    for (const secret of ['hunter-2-hunter', made.secret!]) expect(kept).not.toContain(secret)
  })
})
