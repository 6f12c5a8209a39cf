import { beforeEach, describe, expect, test } from 'vitest'
import { PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})

const HERE = '192.0.2.1'
const login = async (name: string, password: string, source = HERE, id?: string) => {
  const user = { ...(id ? { id } : { name, domain: { id: 'default' } }), password }
  const answer = await plimsoll.nobody
    .from(source)
    .post('/identity/v3/auth/tokens', { auth: { identity: { methods: ['password'], password: { user } } } })
  return answer.status
}
const wrong = async (name: string, times: number, source = HERE) => {
  for (let i = 0; i < times; i++) expect(await login(name, 'wrong', source)).toBe(401)
}
const journal = () =>
  plimsoll.db.all<{ resource_id: string; detail: string }>(
    "select resource_id, detail from journal where action = 'login_failed' order by id",
  )

describe('wrong passwords', () => {
  test('of one source lock it out for a minute, and nobody else', async () => {
    await wrong('admin', 5)
    expect(await login('admin', PASSWORD)).toBe(401)
    expect(await login('admin', PASSWORD, '192.0.2.2')).toBe(201)
    expect(await login('demo', PASSWORD)).toBe(201)
    plimsoll.clock.advance(60_001)
    expect(await login('admin', PASSWORD)).toBe(201)
  })

  test('that come in a burst count one by one: no more are looked at than of those that come in turn', async () => {
    const burst = await Promise.all(
      Array.from({ length: 40 }, (_, i) => login('demo', i === 30 ? PASSWORD : `wrong ${i}`)),
    )
    expect(burst.filter((status) => status === 201)).toEqual([])
    await plimsoll.runDeferred()
    expect((await journal()).length).toBe(5)
    expect(await login('demo', PASSWORD)).toBe(401)
  })

  test('are counted for a user by id as by name', async () => {
    await wrong('demo', 3)
    for (let i = 0; i < 2; i++) expect(await login('', 'wrong', HERE, plimsoll.userId('demo'))).toBe(401)
    expect(await login('demo', PASSWORD)).toBe(401)
  })

  test('are forgiven when the right one comes, and when an administrator sets a new one', async () => {
    await wrong('demo', 4)
    expect(await login('demo', PASSWORD)).toBe(201)
    await wrong('demo', 4)
    expect(await login('demo', PASSWORD)).toBe(201)
    await wrong('demo', 5)
    const path = `/identity/v3/users/${plimsoll.userId('demo')}`
    expect((await plimsoll.as('admin').patch(path, { user: { password: PASSWORD } })).status).toBe(200)
    expect(await login('demo', PASSWORD)).toBe(201)
  })

  test('from many sources lock a user, but never an administrator, everywhere', async () => {
    for (let i = 1; i <= 7; i++) {
      await wrong('demo', 4, `198.51.100.${i}`)
      await wrong('admin', 4, `198.51.100.${i}`)
    }
    expect(await login('demo', PASSWORD, '203.0.113.1')).toBe(401)
    expect(await login('admin', PASSWORD, '203.0.113.1')).toBe(201)
    plimsoll.clock.advance(60_001)
    expect(await login('demo', PASSWORD, '203.0.113.1')).toBe(201)
  })

  test('of one source alone, however many, do not lock a user elsewhere', async () => {
    for (let minute = 0; minute < 8; minute++) {
      await wrong('demo', 20)
      plimsoll.clock.advance(61_000)
    }
    await wrong('demo', 20)
    expect(await login('demo', PASSWORD, '203.0.113.1')).toBe(201)
  })

  test('do not lock for longer because the clock was set back', async () => {
    await wrong('demo', 5)
    plimsoll.clock.advance(-86_400_000)
    expect(await login('demo', PASSWORD)).toBe(201)
  })

  test('by which somebody would change a password count like those of a login', async () => {
    const change = (original: string) =>
      plimsoll.nobody.post(`/identity/v3/users/${plimsoll.userId('demo')}/password`, {
        user: { password: 'new', original_password: original },
      })
    for (let i = 0; i < 5; i++) expect((await change('wrong')).status).toBe(401)
    expect((await change(PASSWORD)).status).toBe(401)
    expect(await login('demo', PASSWORD)).toBe(401)
    expect(await login('demo', PASSWORD, '192.0.2.2')).toBe(201)
  })

  test('leave rows only as long as they count', async () => {
    await wrong('demo', 2)
    await wrong('nobody', 2)
    plimsoll.clock.advance(120_000)
    await plimsoll.settle()
    const { sweepLeftovers } = await import('../../../functions/janitor.ts')
    await sweepLeftovers(plimsoll.context())
    expect(await plimsoll.db.all('select * from login_failures')).toEqual([])
  })
})

test('a login that failed is in log and journal: who, whence and why, never the password', async () => {
  await login('demo', 'hunter-2-hunter', '198.51.100.7')
  await login('eve', 'hunter-2-hunter', '198.51.100.7')
  await plimsoll.db.run("update users set enabled = 0 where name = 'demo'")
  await login('demo', PASSWORD, '198.51.100.8')
  await plimsoll.runDeferred()
  const rows = (await journal()).map(({ resource_id, detail }) => ({ resource_id, ...JSON.parse(detail) }))
  const demo = plimsoll.userId('demo')
  expect(rows).toEqual([
    { resource_id: demo, user: demo, name: 'demo', source: '198.51.100.7', reason: 'wrong password' },
    { resource_id: '', user: '', name: 'eve', source: '198.51.100.7', reason: 'unknown user' },
    { resource_id: demo, user: demo, name: 'demo', source: '198.51.100.8', reason: 'user disabled' },
  ])
  const logged = plimsoll.logged.filter(({ message }) => message === 'a login failed')
  expect(logged.map(({ level, fields }) => [level, fields?.reason, fields?.source])).toEqual([
    ['warn', 'wrong password', '198.51.100.7'],
    ['warn', 'unknown user', '198.51.100.7'],
    ['warn', 'user disabled', '198.51.100.8'],
  ])
  const kept = JSON.stringify([plimsoll.logged, await plimsoll.db.all('select * from journal')])
  expect(kept).not.toContain('hunter-2-hunter')
  expect(kept).not.toContain(PASSWORD)
})
