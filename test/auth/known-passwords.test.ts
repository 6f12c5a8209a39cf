import { expect, test } from 'vitest'
import { KnownPasswords } from '../../functions/auth/known-passwords.ts'

const person = (id: string) => ({
  id,
  name: id,
  domainId: 'default',
  domainName: 'Default',
  domainEnabled: true,
  enabled: true,
  epoch: 3,
  passwordHash: `hash of ${id}`,
  administrator: false,
  passwordExpiresAt: null,
  options: {},
})
const given = (name: string, password = 'secret') => ({ user: { name, domainId: 'default' }, password })

test('no more than a thousand passwords are known: the oldest go first', () => {
  const known = new KnownPasswords('users')
  for (let i = 0; i < 1_001; i++) known.keep(given(`user ${i}`), person(`${i}`), 0)
  expect(known.recall(given('user 0'), 0)).toBeNull()
  for (const i of [1, 1_000])
    expect(known.recall(given(`user ${i}`), 0)).toEqual({ userId: `${i}`, passwordHash: `hash of ${i}`, epoch: 3 })
})

test.each([
  ['off', false, false],
  ['users', false, true],
  ['users', true, false],
  ['all', true, true],
] as const)('with %s, of somebody who administrates: %s, a password is kept: %s', (of, administrator, kept) => {
  const known = new KnownPasswords(of)
  known.keep(given('ann'), { ...person('ann'), administrator }, 0)
  expect(known.recall(given('ann'), 0) !== null).toBe(kept)
})

test('a user without a password is not known by any', () => {
  const known = new KnownPasswords('all')
  known.keep(given('ann'), { ...person('ann'), passwordHash: null }, 0)
  expect(known.recall(given('ann'), 0)).toBeNull()
})

test('neither passwords nor what they are recognised by leave the process', () => {
  const known = new KnownPasswords('users')
  known.keep(given('ann', 'hunter-2-hunter'), person('ann'), 0)
  expect(JSON.stringify(known)).toBe('{}')
})
