import { beforeEach, describe, expect, test } from 'vitest'
import { revokeToken } from '../../../db/queries/identity/identity.ts'
import { createApp } from '../../../functions/app.ts'
import { Verifier } from '../../../functions/auth/caller.ts'
import { openToken } from '../../../functions/auth/token.ts'
import { commit } from '../../../functions/broker/line/commit.ts'
import { keyring } from '../../../functions/crypto/keyring.ts'
import { type Client, ORIGIN, PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const V3 = '/identity/v3'
let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  await plimsoll.newProject('lab', { roles: [] })
  await plimsoll.newUser('eve', 'demo', [])
})

const grant = (project: string, role: string) =>
  `${V3}/projects/${plimsoll.projectId(project)}/users/${plimsoll.userId('eve')}/roles/${plimsoll.roleId(role)}`
const give = async (project: string, ...roles: string[]) => {
  for (const role of roles) expect((await admin.put(grant(project, role))).status).toBe(204)
}
const take = async (project: string, role: string) =>
  expect((await admin.delete(grant(project, role))).status).toBe(204)
/** A token of eve's for a project, or unscoped. */
const eve = async (project?: string): Promise<Client> => {
  const { status, headers } = await plimsoll.nobody.post(`${V3}/auth/tokens`, {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: 'eve', domain: { id: 'default' }, password: PASSWORD } },
      },
      ...(project ? { scope: { project: { id: plimsoll.projectId(project) } } } : {}),
    },
  })
  expect(status).toBe(201)
  return plimsoll.bearer(headers.get('X-Subject-Token')!)
}
const reads = async (who: Client) => (await who.get('/network/v2.0/networks')).status
const writes = async (who: Client) => (await who.post('/network/v2.0/networks', { network: { name: 'n' } })).status
const rolesOf = async (who: Client) => {
  const token = await who.token()
  const { status, body } = await admin.get(`${V3}/auth/tokens`, { 'X-Subject-Token': token })
  return status === 200 ? body.token.roles.map(({ name }: { name: string }) => name) : status
}

describe('a role that is taken', () => {
  test('ends the tokens of that project, at once for changes and within five seconds for reads, and no others', async () => {
    await give('demo', 'member')
    await give('lab', 'member')
    const [here, there, unscoped] = [await eve('demo'), await eve('lab'), await eve()]
    for (const who of [here, there]) expect([await reads(who), await writes(who)]).toEqual([200, 201])
    await take('lab', 'member')
    expect(await writes(there)).toBe(401)
    plimsoll.clock.advance(5_001)
    expect(await reads(there)).toBe(401)
    expect([await reads(here), await writes(here), await rolesOf(here)]).toEqual([200, 201, ['member', 'reader']])
    expect((await unscoped.get(`${V3}/auth/projects`)).body.projects).toHaveLength(1)
    expect(await rolesOf(there)).toBe(404)
  })

  test.each([
    { had: ['member', 'reader'], taken: 'member', left: ['reader'], changes: 403, reading: 200 },
    { had: ['member', 'reader'], taken: 'reader', left: ['member', 'reader'], changes: 201, reading: 200 },
    { had: ['admin', 'member'], taken: 'admin', left: ['member', 'reader'], changes: 201, reading: 200 },
    { had: ['manager', 'reader'], taken: 'manager', left: ['reader'], changes: 403, reading: 200 },
    { had: ['admin', 'manager'], taken: 'admin', left: ['manager', 'member', 'reader'], changes: 201, reading: 200 },
    { had: ['reader'], taken: 'reader', left: 404, changes: 401, reading: 401 },
  ])('$taken of $had leaves $left', async ({ had, taken, left, changes, reading }) => {
    await give('demo', ...had)
    const who = await eve('demo')
    expect(await reads(who)).toBe(200)
    await take('demo', taken)
    expect([await writes(who), await rolesOf(who)]).toEqual([changes, left])
    plimsoll.clock.advance(5_001)
    expect(await reads(who)).toBe(reading)
  })

  test('takes an administrator the sight of other projects', async () => {
    await give('demo', 'admin', 'member')
    const who = await eve('demo')
    const path = `${V3}/projects/${plimsoll.projectId('lab')}`
    expect((await who.get(path)).status).toBe(200)
    await take('demo', 'admin')
    plimsoll.clock.advance(5_001)
    expect((await who.get(path)).status).toBe(403)
  })

  test('and given back is had again, and one that is given newly is not in an older token', async () => {
    await give('demo', 'member')
    const who = await eve('demo')
    await take('demo', 'member')
    expect(await writes(who)).toBe(401)
    await give('demo', 'member', 'admin')
    expect([await writes(who), await rolesOf(who)]).toEqual([201, ['member', 'reader']])
  })

  test('by deletion of the role itself leaves those who had it the rest', async () => {
    const { id } = (await admin.post(`${V3}/roles`, { role: { name: 'auditor' } })).body.role
    for (const project of ['demo', 'lab'])
      await admin.put(`${V3}/projects/${plimsoll.projectId(project)}/users/${plimsoll.userId('eve')}/roles/${id}`)
    await give('demo', 'member')
    const [here, there] = [await eve('demo'), await eve('lab')]
    expect(await rolesOf(here)).toEqual(['auditor', 'member', 'reader'])
    expect((await admin.delete(`${V3}/roles/${id}`)).status).toBe(204)
    expect([await writes(here), await rolesOf(here)]).toEqual([201, ['member', 'reader']])
    expect(await rolesOf(there)).toBe(404)
  })

  test('while a change is under way undoes the change', async () => {
    await give('demo', 'member', 'reader')
    const who = await eve('demo')
    const caller = openToken(await who.token(), keyring(plimsoll.host.settings.secretKeys, 'token'))!
    const context = { ...plimsoll.context('demo'), caller }
    const change = () =>
      commit(context, { action: 'test', kind: 'token', resourceId: 'x' }, [revokeToken(plimsoll.db, 'x', 1)])
    await take('demo', 'member')
    await expect(change()).rejects.toMatchObject({ refusal: { kind: 'token' } })
    expect(await plimsoll.db.all('select * from revoked_tokens')).toEqual([])
    await give('demo', 'member')
    await change()
  })
})

describe('what a process took itself', () => {
  const user = () => `${V3}/users/${plimsoll.userId('eve')}`
  const revoke = async (who: Client) =>
    (await who.delete(`${V3}/auth/tokens`, { 'X-Subject-Token': await who.token() })).status

  test.each<[string, (who: Client) => Promise<number>, number]>([
    ['the token, by its user', revoke, 204],
    [
      'the token, by an administrator',
      async (who) => (await admin.delete(`${V3}/auth/tokens`, { 'X-Subject-Token': await who.token() })).status,
      204,
    ],
    ['the role', async () => (await admin.delete(grant('demo', 'member'))).status, 204],
    ['the user', async () => (await admin.patch(user(), { user: { enabled: false } })).status, 200],
    [
      'the password, by its user',
      async () => {
        const changed = { user: { original_password: PASSWORD, password: `${PASSWORD}, and more` } }
        return (await plimsoll.nobody.post(`${user()}/password`, changed)).status
      },
      204,
    ],
  ])('it trusts for no read any more: %s', async (_, end, said) => {
    await give('demo', 'member')
    const who = await eve('demo')
    expect(await reads(who)).toBe(200)
    expect(await end(who)).toBe(said)
    expect(await reads(who)).toBe(401)
  })

  test('is trusted by another process for five seconds at most', async () => {
    await give('demo', 'member')
    const [who, there] = [await eve('demo'), createApp(plimsoll.host)]
    const headers = { 'X-Auth-Token': await who.token() }
    const elsewhere = async () =>
      (await there.fetch(new Request(`${ORIGIN}/network/v2.0/networks`, { headers }))).status
    expect(await elsewhere()).toBe(200)
    expect(await revoke(who)).toBe(204)
    expect([await reads(who), await elsewhere()]).toEqual([401, 200])
    plimsoll.clock.advance(5_001)
    expect(await elsewhere()).toBe(401)
  })

  /** A look by itself, and one that a change takes along: each begins at once and ends later. */
  const LOOKS: [string, (verifier: Verifier, text: string) => Promise<unknown>][] = [
    ['by itself', (verifier, text) => verifier.verify(plimsoll.host, text)],
    ['taken along', (verifier, text) => verifier.begin(plimsoll.host, text)!.look.settled(plimsoll.db)],
  ]
  test.each(LOOKS)('is not trusted because of a look that was under way meanwhile: %s', async (_, look) => {
    const keys = keyring(plimsoll.host.settings.secretKeys, 'token')
    const text = await plimsoll.as('demo').token()
    const { auditId, expiresAt } = openToken(text, keys)!
    const verifier = new Verifier(keys)
    const looking = look(verifier, text)
    verifier.distrust()
    await looking
    await revokeToken(plimsoll.db, auditId, expiresAt)
    expect(await verifier.verify(plimsoll.host, text)).toBeNull()
  })
})

describe('whoever looks at tokens', () => {
  const look = async (who: Client, subject: Client) =>
    (await who.get(`${V3}/auth/tokens`, { 'X-Subject-Token': await subject.token() })).status

  test('is told of no moment ago, neither of the token nor of their own', async () => {
    await give('demo', 'admin')
    await give('lab', 'member')
    const [reader, subject, ours] = [await eve('demo'), await eve('lab'), plimsoll.as('demo')]
    expect([await look(reader, ours), await look(reader, subject), await look(subject, subject)]).toEqual([
      200, 200, 200,
    ])
    await take('lab', 'member')
    expect([await look(reader, ours), await look(reader, subject), await look(subject, subject)]).toEqual([
      200, 404, 401,
    ])
    await give('demo', 'member')
    const other = await eve('demo')
    expect(await look(other, ours)).toBe(200)
    await take('demo', 'admin')
    expect([await look(reader, ours), await look(other, ours), await look(other, other)]).toEqual([403, 403, 200])
    expect((await admin.delete(`${V3}/auth/tokens`, { 'X-Subject-Token': await other.token() })).status).toBe(204)
    expect([await look(other, ours), await look(admin, other)]).toEqual([401, 404])
  })
})
