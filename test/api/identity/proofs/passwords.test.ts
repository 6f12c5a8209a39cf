import { describe, expect, test } from 'vitest'
import type { Settings } from '../../../../functions/context.ts'
import { PASSWORD, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { login, make, person, V3 } from '../support.ts'

const DAY = 86_400_000
const start = (passwords: Partial<Settings['passwords']>) =>
  startPlimsoll({
    clouds: [],
    settings: { passwords: { unique: 0, minimumAgeDays: 0, expireDays: 0, changeFirst: false, ...passwords } },
  })
const change = async (plimsoll: Plimsoll, id: string, from: string, to: string) => {
  const { status, body } = await plimsoll.nobody.post(`${V3}/users/${id}/password`, {
    user: { original_password: from, password: to },
  })
  return [status, body?.error?.message ?? '']
}

describe('a password', () => {
  test('may not be one of the last, when its user changes it; an administrator may set it', async () => {
    const plimsoll = await start({ unique: 3 })
    const admin = plimsoll.as('admin')
    const { id } = await person(admin, 'eve')
    const SAME =
      'The new password cannot be identical to a previous password. The total number which includes the new password must be unique is 3.'
    expect(await change(plimsoll, id, PASSWORD, PASSWORD)).toEqual([400, SAME])
    expect(await change(plimsoll, id, PASSWORD, 'second')).toEqual([204, ''])
    plimsoll.clock.advance(1)
    expect(await change(plimsoll, id, 'second', 'third')).toEqual([204, ''])
    for (const former of [PASSWORD, 'second', 'third'])
      expect(await change(plimsoll, id, 'third', former)).toEqual([400, SAME])
    plimsoll.clock.advance(1)
    expect(await change(plimsoll, id, 'third', 'fourth')).toEqual([204, ''])
    expect(await change(plimsoll, id, 'fourth', PASSWORD)).toEqual([204, ''])
    expect((await admin.patch(`${V3}/users/${id}`, { user: { password: PASSWORD } })).status).toBe(200)
  }, 60_000)

  test('is changed by one of two who give it at once', async () => {
    const plimsoll = await start({ minimumAgeDays: 2 })
    const { id } = await person(plimsoll.as('admin'), 'eve')
    const both = await Promise.all(['second', 'third'].map((to) => change(plimsoll, id, PASSWORD, to)))
    expect(both.map(([status]) => status).sort()).toEqual([204, 401])
  })

  test('is kept for as long as it has to be by who chose it', async () => {
    const plimsoll = await start({ minimumAgeDays: 2 })
    const { id } = await person(plimsoll.as('admin'), 'eve')
    expect((await change(plimsoll, id, PASSWORD, 'second'))[0]).toBe(204)
    plimsoll.clock.advance(DAY / 2)
    const [status, message] = await change(plimsoll, id, 'second', 'third')
    expect([status, message]).toEqual([400, expect.stringMatching(/must be used for 2 day\(s\).*try again in 1 day/)])
    plimsoll.clock.advance(2 * DAY)
    expect((await change(plimsoll, id, 'second', 'third'))[0]).toBe(204)
  })

  test('ends after its days, then lets its user change it and nothing else', async () => {
    const plimsoll = await start({ expireDays: 30 })
    const admin = plimsoll.as('admin')
    const { id } = await person(admin, 'eve')
    await make(admin, 'users', {
      ...{ name: 'robot', password: PASSWORD, options: { ignore_password_expiry: true } },
    })
    const { body } = await login(plimsoll, 'eve')
    expect(body.token.user.password_expires_at).toBe('2026-03-31T12:00:00.000000')
    const shown = (await admin.get(`${V3}/users/${id}`)).body.user
    expect(shown.password_expires_at).toBe('2026-03-31T12:00:00.000000')
    const found = async (asked: string) =>
      (await admin.get(`${V3}/users?password_expires_at=${asked}`)).body.users.map(
        (each: { name: string }) => each.name,
      )
    expect(await found('lt:2026-04-01T00:00:00Z')).toEqual(['eve'])
    expect(await found('gt:2026-04-01T00:00:00Z')).toEqual([])
    expect(await found('eq:2026-03-31T12:00:00Z')).toEqual(['eve'])
    for (const wrong of ['2026', 'lt:soon', 'like:2026-04-01T00:00:00Z'])
      expect((await admin.get(`${V3}/users?password_expires_at=${wrong}`)).status).toBe(400)
    plimsoll.clock.advance(30 * DAY)
    const late = await login(plimsoll, 'eve')
    expect([late.status, late.body.error.message]).toEqual([
      401,
      `The password is expired and needs to be changed for user: ${id}.`,
    ])
    expect((await login(plimsoll, 'robot')).status).toBe(201)
    expect((await change(plimsoll, id, PASSWORD, 'second'))[0]).toBe(204)
    expect((await change(plimsoll, id, 'wrong', 'third'))[0]).toBe(401)
  })

  test('that an administrator set has to be changed first, where that is asked for', async () => {
    const plimsoll = await start({ changeFirst: true })
    const admin = plimsoll.as('admin')
    const { id } = await person(admin, 'eve')
    expect((await login(plimsoll, 'eve')).body.error.message).toMatch(/^The password is expired/)
    expect((await change(plimsoll, id, PASSWORD, 'second'))[0]).toBe(204)
    await admin.patch(`${V3}/users/${id}`, { user: { password: PASSWORD } })
    expect((await login(plimsoll, 'eve')).status).toBe(401)
    const options = { ignore_change_password_upon_first_use: true }
    await admin.patch(`${V3}/users/${id}`, { user: { options } })
    await admin.patch(`${V3}/users/${id}`, { user: { password: PASSWORD } })
    expect((await login(plimsoll, 'eve')).status).toBe(201)
  })

  test('is not known in place of one that has ended', async () => {
    const plimsoll = await start({ expireDays: 1 })
    await person(plimsoll.as('admin'), 'eve')
    plimsoll.clock.advance(DAY - 60_000)
    for (let i = 0; i < 2; i++) expect((await login(plimsoll, 'eve')).status).toBe(201)
    plimsoll.clock.advance(60_000)
    expect((await login(plimsoll, 'eve')).status).toBe(401)
  })
})

test('who is told to be spared is not locked', async () => {
  const plimsoll = await start({})
  const admin = plimsoll.as('admin')
  const { id } = await person(admin, 'eve')
  const wrong = () =>
    plimsoll.nobody.post(`${V3}/auth/tokens`, {
      auth: { identity: { methods: ['password'], password: { user: { id, password: 'wrong' } } } },
    })
  for (let i = 0; i < 5; i++) expect((await wrong()).status).toBe(401)
  expect((await login(plimsoll, 'eve')).status).toBe(401)
  await admin.patch(`${V3}/users/${id}`, { user: { options: { ignore_lockout_failure_attempts: true } } })
  expect((await login(plimsoll, 'eve')).status).toBe(201)
})
