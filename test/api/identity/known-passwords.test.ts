import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { PasswordHashes, type Scrypt, scryptHere } from '../../../functions/auth/password.ts'
import type { Settings } from '../../../functions/context.ts'
import { PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const TOKENS = '/identity/v3/auth/tokens'
const MINUTES = 60_000
/** Everybody's cost in these stories, so that a password can be changed many times. */
const CHEAP = { N: 16, r: 1, p: 1 }

let hashes = 0
const counted: Scrypt = (password, salt, length) => {
  hashes++
  return scryptHere(password, salt, length, CHEAP)
}
const start = (rememberPasswords: Settings['rememberPasswords'] = 'users') => {
  hashes = 0
  return startPlimsoll({ clouds: [], scrypt: counted, settings: { rememberPasswords } })
}

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await start()
})

const logIn = (user: object, password = PASSWORD, scope?: object, source = '192.0.2.1') =>
  plimsoll.nobody.from(source).post(TOKENS, {
    auth: {
      identity: { methods: ['password'], password: { user: { ...user, password } } },
      ...(scope ? { scope } : {}),
    },
  })
const named = (name: string) => ({ name, domain: { id: 'default' } })
/** The status of a login, and how many passwords were hashed for it. */
const tried = async (...given: Parameters<typeof logIn>): Promise<[status: number, hashed: number]> => {
  const before = hashes
  const { status } = await logIn(...given)
  return [status, hashes - before]
}
const change = (name: string, user: object) =>
  plimsoll.as('admin').patch(`/identity/v3/users/${plimsoll.userId(name)}`, { user })

describe('a password that was right', () => {
  test('is right again without a hash, by whatever name it was given and for whatever project', async () => {
    expect(await tried(named('demo'))).toEqual([201, 1])
    expect(await tried(named('demo'))).toEqual([201, 0])
    const scope = { project: { name: 'demo', domain: { id: 'default' } } }
    const { status, body } = await logIn(named('demo'), PASSWORD, scope, '198.51.100.1')
    expect(status).toBe(201)
    expect(body.token.project.name).toBe('demo')
    expect(body.token.roles.map(({ name }: { name: string }) => name)).toEqual(['member', 'reader'])
    expect(hashes).toBe(1)
    expect(await tried({ id: plimsoll.userId('demo') })).toEqual([201, 1])
    expect(await tried({ id: plimsoll.userId('demo') })).toEqual([201, 0])
  })

  test('makes no other one right', async () => {
    await logIn(named('demo'))
    for (const wrong of ['', PASSWORD.toUpperCase(), `${PASSWORD} `, PASSWORD.slice(1)])
      expect(await tried(named('demo'), wrong)).toEqual([401, 1])
  })

  test('is known for five minutes after its hash, however often it is used', async () => {
    await logIn(named('demo'))
    for (const minutes of [2, 2]) {
      plimsoll.clock.advance(minutes * MINUTES)
      expect(await tried(named('demo'))).toEqual([201, 0])
    }
    plimsoll.clock.advance(MINUTES - 1)
    expect(await tried(named('demo'))).toEqual([201, 0])
    plimsoll.clock.advance(1)
    expect(await tried(named('demo'))).toEqual([201, 1])
    plimsoll.clock.advance(-1)
    expect(await tried(named('demo'))).toEqual([201, 1])
  })

  test('is not known of somebody else, with the same password and the same hash', async () => {
    await plimsoll.newUser('ann', 'demo', ['member'])
    await logIn(named('demo'))
    expect(await tried(named('ann'))).toEqual([201, 1])
  })

  test('is not known of who has the name now', async () => {
    await logIn(named('demo'))
    await change('demo', { name: 'former' })
    await plimsoll.newUser('demo', 'demo', ['member'])
    await plimsoll.db.run("update users set password_hash = null where name = 'demo'")
    expect(await tried(named('demo'))).toEqual([401, 1])
    expect(await tried(named('former'))).toEqual([201, 1])
  })

  test('opens no project that does not let its user in any more', async () => {
    const scope = { project: { id: plimsoll.projectId('demo') } }
    expect(await tried(named('demo'), PASSWORD, scope)).toEqual([201, 1])
    await plimsoll.db.run('delete from grants')
    expect(await tried(named('demo'), PASSWORD, scope)).toEqual([401, 0])
    expect(await tried(named('demo'))).toEqual([201, 0])
  })

  test('forgives what its source did wrong before', async () => {
    await logIn(named('demo'))
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) expect(await tried(named('demo'), 'wrong')).toEqual([401, 1])
      expect(await tried(named('demo'))).toEqual([201, 0])
    }
    expect(await plimsoll.db.all("select * from login_failures where source <> '*'")).toEqual([])
  })
})

describe('what was known of a password ends at once', () => {
  beforeEach(async () => {
    await logIn(named('demo'))
    expect(await tried(named('demo'))).toEqual([201, 0])
  })

  test('when its user changes it', async () => {
    const path = `/identity/v3/users/${plimsoll.userId('demo')}/password`
    const changed = await plimsoll.nobody.post(path, { user: { original_password: PASSWORD, password: 'new' } })
    expect(changed.status).toBe(204)
    expect(await tried(named('demo'))).toEqual([401, 1])
    expect(await tried(named('demo'), 'new')).toEqual([201, 1])
  })

  test('when an administrator sets another one, or takes it away', async () => {
    expect((await change('demo', { password: 'new' })).status).toBe(200)
    expect(await tried(named('demo'))).toEqual([401, 1])
    expect(await tried(named('demo'), 'new')).toEqual([201, 1])
    expect((await change('demo', { password: null })).status).toBe(200)
    expect(await tried(named('demo'), 'new')).toEqual([401, 1])
  })

  test('when another hash stands there, whoever wrote it', async () => {
    const other = await new PasswordHashes(counted).hash('other')
    await plimsoll.db.run(sql`update users set password_hash = ${other} where name = 'demo'`)
    expect(await tried(named('demo'))).toEqual([401, 1])
    expect(await tried(named('demo'), 'other')).toEqual([201, 1])
  })

  test('when its user is disabled, by whatever hand, and is not back when the user is', async () => {
    await change('demo', { enabled: false })
    await change('demo', { enabled: true })
    expect(await tried(named('demo'))).toEqual([201, 1])
    await plimsoll.db.run("update users set enabled = 0 where name = 'demo'")
    expect(await tried(named('demo'))).toEqual([401, 1])
    await plimsoll.db.run("update users set enabled = 1 where name = 'demo'")
    expect(await tried(named('demo'))).toEqual([201, 1])
  })

  test('and the login that meets it counts as one that failed, once', async () => {
    await change('demo', { password: 'new' })
    await logIn(named('demo'))
    const failures = await plimsoll.db.all("select source, failures from login_failures where user_id <> ''")
    expect(failures).toEqual([
      { source: '*', failures: 1 },
      { source: '192.0.2.1', failures: 1 },
    ])
  })

  test('when the domain is disabled', async () => {
    await plimsoll.db.run("update domains set enabled = 0 where id = 'default'")
    expect(await tried(named('demo'))).toEqual([401, 1])
  })

  test('when the user is locked', async () => {
    for (let i = 0; i < 5; i++) await logIn(named('demo'), 'wrong')
    expect(await tried(named('demo'))).toEqual([401, 1])
    expect((await tried(named('demo'), PASSWORD, undefined, '198.51.100.1'))[0]).toBe(201)
  })

  test('when its user is removed', async () => {
    await plimsoll.as('admin').delete(`/identity/v3/users/${plimsoll.userId('demo')}`)
    expect(await tried(named('demo'))).toEqual([401, 1])
  })

  test('when its user becomes an administrator', async () => {
    const [user, project, role] = [plimsoll.userId('demo'), plimsoll.projectId('demo'), plimsoll.roleId('admin')]
    await plimsoll.as('admin').put(`/identity/v3/projects/${project}/users/${user}/roles/${role}`)
    for (let i = 0; i < 2; i++) expect(await tried(named('demo'))).toEqual([201, 1])
  })
})

describe('of whom passwords are known', () => {
  test('is a setting: not of administrators, unless it says so', async () => {
    for (let i = 0; i < 2; i++) expect(await tried(named('admin'))).toEqual([201, 1])
    plimsoll = await start('all')
    expect(await tried(named('admin'))).toEqual([201, 1])
    expect(await tried(named('admin'))).toEqual([201, 0])
  })

  test('is nobody where it is off', async () => {
    plimsoll = await start('off')
    for (let i = 0; i < 3; i++) expect(await tried(named('demo'))).toEqual([201, 1])
  })

  test('is nobody for who changes a password: the present one is hashed', async () => {
    await logIn(named('demo'))
    const path = `/identity/v3/users/${plimsoll.userId('demo')}/password`
    await plimsoll.nobody.post(path, { user: { original_password: PASSWORD, password: 'new' } })
    expect(hashes).toBe(3)
  })
})

describe('no login by a known password or a token', () => {
  test('waits for those that have to be hashed, of which too many are told when to come again', async () => {
    let stuck = false
    plimsoll = await startPlimsoll({
      clouds: [],
      scrypt: (...given) => (stuck ? new Promise(() => {}) : counted(...given)),
    })
    const first = await logIn(named('demo'))
    stuck = true
    const refused: { status: number; headers: Headers; body: unknown }[] = []
    for (let i = 0; i < 80; i++)
      void logIn(named(`eve ${i}`), 'guess', undefined, '198.51.100.66').then((answer) => refused.push(answer))
    expect((await logIn(named('demo'))).status).toBe(201)
    const id = first.headers.get('X-Subject-Token')
    const byToken = { auth: { identity: { methods: ['token'], token: { id } } } }
    expect((await plimsoll.nobody.post(TOKENS, byToken)).status).toBe(201)
    await expect.poll(() => refused.length, { timeout: 30_000 }).toBe(14)
    for (const { status, headers, body } of refused) {
      expect([status, Number(headers.get('Retry-After'))]).toEqual([429, expect.any(Number)])
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
      expect(body).toEqual({
        error: { code: 429, title: 'Too Many Requests', message: 'Too many passwords are being checked.' },
      })
    }
  })
})
