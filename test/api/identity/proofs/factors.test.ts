import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, PASSWORD, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { person, V3 } from '../support.ts'

const SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const TOKENS = `${V3}/auth/tokens`
let plimsoll: Plimsoll
let admin: Client
let eve: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  eve = (await person(admin, 'eve')).id
  const credential = { type: 'totp', blob: SEED, user_id: eve }
  expect((await admin.post(`${V3}/credentials`, { credential })).status).toBe(201)
})

/** As RFC 6238 has it, of the seed of its appendix B; not by what is tested. */
const code = (at = plimsoll.clock.now) => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)))
  const mac = createHmac('sha1', '12345678901234567890').update(counter).digest()
  return String((mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
const user = (more: object) => ({ user: { name: 'eve', domain: { id: 'default' }, ...more } })
const enter = (methods: string[], passcode = code(), headers = {}, password = PASSWORD) =>
  plimsoll.nobody.post(
    TOKENS,
    { auth: { identity: { methods, password: user({ password }), totp: user({ passcode }) } } },
    headers,
  )

const from = (address: string, passcode = code()) =>
  plimsoll.nobody.from(address).post(TOKENS, { auth: { identity: { methods: ['totp'], totp: user({ passcode }) } } })

describe('a one-time password', () => {
  test('lets its user in, now and half a minute later, and once', async () => {
    const { status, body } = await enter(['totp'])
    expect([status, body.token.methods, body.token.user.id]).toEqual([201, ['totp'], eve])
    expect((await enter(['totp'])).status).toBe(401)
    const old = code()
    plimsoll.clock.advance(30_000)
    expect((await enter(['totp'], old)).status).toBe(401)
    const next = code()
    plimsoll.clock.advance(30_000)
    expect((await enter(['totp'], next)).status).toBe(201)
    const late = code()
    plimsoll.clock.advance(60_000)
    const refused = await enter(['totp'], late)
    expect([refused.status, refused.body.error.message]).toEqual([401, 'Invalid username or TOTP passcode'])
  })

  test('is told nobody again, not even who sent it as what it is not', async () => {
    const odd = { auth: { identity: { methods: ['totp'], totp: user({ passcode: 123456 }) } } }
    const missing = { auth: { identity: { methods: ['totp'], totp: { user: { passcode: '123456' } } } } }
    const tokens = { auth: { identity: { methods: ['token'], token: { id: ['tell-nobody-123456'] } } } }
    for (const body of [odd, missing, tokens]) {
      const answer = await plimsoll.nobody.post(TOKENS, body)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(JSON.stringify(answer.body)).not.toContain('123456')
    }
  })

  test('is not to be guessed: five tries lock, which a right password does not forgive', async () => {
    for (let i = 0; i < 5; i++) expect((await enter(['password', 'totp'], '000000')).status).toBe(401)
    expect((await enter(['password', 'totp'])).status).toBe(401)
    expect((await enter(['password'])).status).toBe(201)
    plimsoll.clock.advance(61_000)
    expect((await enter(['password', 'totp'])).status).toBe(201)
  })

  /** From so many places somebody tries what is wrong, and one of them on. */
  const guess = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const tried = await from(`192.0.2.${i}`, '000000')
      expect(tried.status).toBe(401)
    }
  }

  test('of an administrator, and of who is to be spared, is kept from nobody by what others try', async () => {
    const path = `${V3}/projects/${plimsoll.projectId('demo')}/users/${eve}/roles/${plimsoll.roleId('admin')}`
    await guess(25)
    expect((await from('198.51.100.1')).status).toBe(401)
    await admin.patch(`${V3}/users/${eve}`, { user: { options: { ignore_lockout_failure_attempts: true } } })
    expect((await from('198.51.100.1')).status).toBe(201)
    plimsoll.clock.advance(121_000)
    await admin.patch(`${V3}/users/${eve}`, { user: { options: { ignore_lockout_failure_attempts: null } } })
    expect((await admin.put(path)).status).toBe(204)
    await guess(25)
    expect((await from('198.51.100.1')).status).toBe(201)
  })

  test('counts again when an administrator sets another password', async () => {
    for (let i = 0; i < 5; i++) await enter(['totp'], '000000')
    expect((await enter(['totp'])).status).toBe(401)
    await admin.patch(`${V3}/users/${eve}`, { user: { password: PASSWORD } })
    expect((await enter(['totp'])).status).toBe(201)
  })

  test('is nobody else’s, and none without a seed', async () => {
    await person(admin, 'ann')
    const asAnn = { user: { name: 'ann', domain: { id: 'default' }, passcode: code() } }
    const alone = await plimsoll.nobody.post(TOKENS, { auth: { identity: { methods: ['totp'], totp: asAnn } } })
    expect(alone.status).toBe(401)
    const identity = { methods: ['password', 'totp'], password: user({ password: PASSWORD }), totp: asAnn }
    expect((await plimsoll.nobody.post(TOKENS, { auth: { identity } })).status).toBe(401)
    expect((await plimsoll.nobody.post(TOKENS, { auth: { identity: { methods: ['totp'] } } })).status).toBe(400)
  })
})

describe('a user who has to prove himself twice', () => {
  const RULES = [['password', 'totp']]
  const rule = (options: object) => admin.patch(`${V3}/users/${eve}`, { user: { options } })

  test('is let in with both, and is given a receipt for one', async () => {
    await rule({ multi_factor_auth_rules: RULES, multi_factor_auth_enabled: true })
    expect((await enter(['password', 'totp'])).body.token.methods).toEqual(['password', 'totp'])
    plimsoll.clock.advance(60_000)
    const half = await enter(['password'])
    expect(half.status).toBe(401)
    expect(half.body).toMatchObject({
      receipt: { methods: ['password'], user: { id: eve, name: 'eve', domain: { id: 'default' } } },
      required_auth_methods: RULES,
    })
    const receipt = { 'Openstack-Auth-Receipt': half.headers.get('Openstack-Auth-Receipt')! }
    const { status, body, headers } = await enter(['totp'], code(), receipt)
    expect([status, body.token.methods]).toEqual([201, ['totp', 'password']])
    const who = { auth: { identity: { methods: ['token'], token: { id: headers.get('X-Subject-Token') } } } }
    expect((await plimsoll.nobody.post(TOKENS, who)).status).toBe(201)
    expect(
      (await plimsoll.nobody.get(`${V3}/users/${eve}`, { 'X-Auth-Token': Object.values(receipt)[0]! })).status,
    ).toBe(401)
  })

  test('is let in by no receipt that is old, of another, or from before another password', async () => {
    await rule({ multi_factor_auth_rules: RULES })
    const take = async () => ({
      'Openstack-Auth-Receipt': (await enter(['password'])).headers.get('Openstack-Auth-Receipt')!,
    })
    const old = await take()
    plimsoll.clock.advance(300_000)
    expect((await enter(['totp'], code(), old)).status).toBe(401)
    plimsoll.clock.advance(60_000)
    expect((await enter(['totp'], code(), { 'Openstack-Auth-Receipt': 'made up' })).status).toBe(401)
    const before = await take()
    await admin.patch(`${V3}/users/${eve}`, { user: { password: PASSWORD } })
    plimsoll.clock.advance(60_000)
    expect((await enter(['totp'], code(), before)).status).toBe(401)
    const { id } = await person(admin, 'ann')
    await admin.post(`${V3}/credentials`, { credential: { type: 'totp', blob: SEED, user_id: id } })
    const asAnn = { methods: ['totp'], totp: { user: { id, passcode: code() } } }
    const other = await plimsoll.nobody.post(TOKENS, { auth: { identity: asAnn } }, await take())
    expect(other.status).toBe(401)
  })

  test('is given no receipt for what is not wholly his, and none that outlives what he proved it by', async () => {
    const path = `${V3}/users/${eve}/application_credentials`
    const project = plimsoll.projectId('demo')
    await admin.put(`${V3}/projects/${project}/users/${eve}/roles/${plimsoll.roleId('member')}`)
    const scope = { project: { id: project } }
    const identity = { methods: ['password'], password: user({ password: PASSWORD }) }
    const { headers, body } = await plimsoll.nobody.post(TOKENS, { auth: { identity, scope } })
    const own = headers.get('X-Subject-Token')!
    const made = await plimsoll.bearer(own).post(path, { application_credential: { name: 'x' } })
    const { id, secret } = made.body.application_credential
    await rule({
      multi_factor_auth_rules: [
        ['application_credential', 'totp'],
        ['token', 'totp'],
      ],
    })
    const limited = { methods: ['application_credential'], application_credential: { id, secret } }
    const none = await plimsoll.nobody.post(TOKENS, { auth: { identity: limited } })
    expect([none.status, none.headers.get('Openstack-Auth-Receipt')]).toEqual([401, null])
    plimsoll.clock.advance(60_000)
    const again = { auth: { identity: { methods: ['token'], token: { id: own } } } }
    const half = await plimsoll.nobody.post(TOKENS, again)
    expect(half.body.receipt.methods).toEqual(['token', 'password'])
    const receipt = { 'Openstack-Auth-Receipt': half.headers.get('Openstack-Auth-Receipt')! }
    const whole = await enter(['totp'], code(), receipt)
    expect([whole.status, whole.body.token?.expires_at]).toEqual([201, body.token.expires_at])
  })

  test('needs one of several rules, none that is switched off, and none that nobody could keep', async () => {
    await rule({ multi_factor_auth_rules: [['password', 'totp'], ['totp']] })
    expect((await enter(['totp'])).status).toBe(201)
    expect((await enter(['password'])).status).toBe(401)
    await rule({ multi_factor_auth_enabled: false })
    expect((await enter(['password'])).status).toBe(201)
    await rule({ multi_factor_auth_enabled: null, multi_factor_auth_rules: [['kerberos']] })
    expect((await enter(['password'])).status).toBe(201)
    for (const wrong of [[[]], [['totp', 'totp']], [['totp'], ['totp']], ['totp'], [[1]], 'totp'])
      expect((await rule({ multi_factor_auth_rules: wrong })).status).toBe(400)
  })
})
