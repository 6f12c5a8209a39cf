import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Scrypt, scryptHere } from '../../../functions/auth/password.ts'
import type { Settings } from '../../../functions/context.ts'
import { PASSWORD, startPlimsoll } from '../../support/harness.ts'

const PASSWORDS = [PASSWORD, 'other'] as const
const who = fc.constantFrom('demo' as const, 'ann' as const)
const nth = fc.nat(1)

/** What happens to users between their logins. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('log in' as const), who, nth, byId: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('set password' as const), who, nth }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('enable' as const), who, enabled: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('make admin' as const), who, admin: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('swap names' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('wait' as const),
      ms: fc.constantFrom(1_000, 61_000, 299_999, 300_000, -1_000),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** The status of every login of a script, and how many passwords were hashed for them. */
const play = async (script: Step[], rememberPasswords: Settings['rememberPasswords']) => {
  let hashed = 0
  const scrypt: Scrypt = (password, salt, length) => {
    hashed++
    return scryptHere(password, salt, length, { N: 16, r: 1, p: 1 })
  }
  const plimsoll = await startPlimsoll({ clouds: [], scrypt, settings: { rememberPasswords } })
  await plimsoll.newUser('ann', 'demo', ['member'])
  const admin = plimsoll.as('admin')
  const path = (name: string) => `/identity/v3/users/${plimsoll.userId(name)}`
  const role = (name: string) =>
    `/identity/v3/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId(name)}/roles/${plimsoll.roleId('admin')}`
  /** Who is called demo now, and who ann. */
  const holders = ['demo', 'ann']
  const does = async (step: Step): Promise<number | null> => {
    if (step.does === 'log in') {
      const user = step.byId ? { id: plimsoll.userId(step.who) } : { name: step.who, domain: { id: 'default' } }
      const password = { user: { ...user, password: PASSWORDS[step.nth] } }
      const identity = { methods: ['password'], password }
      return (await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity } })).status
    }
    if (step.does === 'wait') plimsoll.clock.advance(step.ms)
    else if (step.does === 'set password')
      await admin.patch(path(step.who), { user: { password: PASSWORDS[step.nth] } })
    else if (step.does === 'enable') await admin.patch(path(step.who), { user: { enabled: step.enabled } })
    else if (step.does === 'make admin') await admin.send(step.admin ? 'PUT' : 'DELETE', role(step.who))
    else {
      const [one, other] = holders.reverse() as [string, string]
      for (const [holder, name] of [
        [one, 'nobody'],
        [other, 'ann'],
        [one, 'demo'],
      ])
        expect((await admin.patch(path(holder!), { user: { name } })).status).toBe(200)
    }
    return null
  }
  const statuses: (number | null)[] = []
  for (const step of script) statuses.push(await does(step))
  return { statuses, hashed }
}

test('whatever happens in between, a login is answered as one that is always hashed', async () => {
  let spared = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (script) => {
      const always = await play(script, 'off')
      for (const remember of ['users', 'all'] as const) {
        const { statuses, hashed } = await play(script, remember)
        expect(statuses).toEqual(always.statuses)
        expect(hashed).toBeLessThanOrEqual(always.hashed)
        spared += always.hashed - hashed
      }
    }),
    { numRuns: 10 },
  )
  expect(spared).toBeGreaterThan(0)
})
