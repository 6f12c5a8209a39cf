import { createHash, createHmac } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { V3 } from '../support.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let keys: { access: string; secret: string }
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  const path = `${V3}/users/${plimsoll.userId('demo')}/credentials/OS-EC2`
  keys = (await demo.post(path, { tenant_id: plimsoll.projectId('demo') })).body.credential
})

const EC2 = `${V3}/ec2tokens`
const S3 = `${V3}/s3tokens`
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const stamp = () => `${new Date(plimsoll.clock.now).toISOString().slice(0, 19)}Z`

/** Version 2, as Amazon's reference words it. */
const second = (secret = keys.secret, timestamp = stamp()) => {
  const params: Record<string, string> = {
    ...{
      AWSAccessKeyId: keys.access,
      Action: 'DescribeInstances',
      SignatureMethod: 'HmacSHA256',
      SignatureVersion: '2',
    },
    ...{ Timestamp: timestamp, Version: '2012-10-01', Filter: "a b*'~" },
  }
  const escaped = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = Object.keys(params)
    .sort()
    .map((name) => `${escaped(name)}=${escaped(params[name]!)}`)
    .join('&')
  const signature = hmac(secret, `GET\nec2.example.org\n/\n${query}`).toString('base64')
  return { access: keys.access, signature, verb: 'GET', host: 'ec2.example.org:8788', path: '/', params, headers: {} }
}

/** Version 4, as Amazon's reference words it. */
const fourth = (secret = keys.secret) => {
  const date = stamp().replace(/[-:]/g, '')
  const day = date.slice(0, 8)
  const body_hash = createHash('sha256').update('Action=x').digest('hex')
  const named = 'host;x-amz-date'
  const canonical = ['POST', '/', '', `host:ec2.example.org\nx-amz-date:${date}\n`, named, body_hash].join('\n')
  const scope = `${day}/RegionOne/ec2/aws4_request`
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`)
  const signature = hmac(key, text).toString('hex')
  const Authorization = `AWS4-HMAC-SHA256 Credential=${keys.access}/${scope}, SignedHeaders=${named}, Signature=${signature}`
  const headers = { Authorization, Host: 'ec2.example.org', 'X-Amz-Date': date }
  return {
    access: keys.access,
    signature,
    verb: 'POST',
    host: 'ec2.example.org',
    path: '/',
    params: {},
    headers,
    body_hash,
  }
}

describe('who signed a request of EC2’s API', () => {
  test('is given a token, by the service that was sent it, for the project of the keys', async () => {
    for (const credentials of [second(), fourth()]) {
      const { status, headers, body } = await admin.post(EC2, { credentials })
      expect([status, body.token.methods]).toEqual([200, ['ec2credential']])
      expect(body.token).toMatchObject({
        user: { id: plimsoll.userId('demo') },
        project: { id: plimsoll.projectId('demo') },
      })
      const who = plimsoll.bearer(headers.get('X-Subject-Token')!)
      expect((await who.get('/compute/v2.1/servers')).status).toBe(200)
      expect((await who.get(`${V3}/auth/projects`)).body.error.message).toBe(
        'EC2 credential tokens cannot be used for authorization.',
      )
      const again = { auth: { identity: { methods: ['token'], token: { id: headers.get('X-Subject-Token') } } } }
      expect((await plimsoll.nobody.post(`${V3}/auth/tokens`, again)).status).toBe(403)
    }
  })

  test('is not to be had by whoever saw the request', async () => {
    expect((await plimsoll.nobody.post(EC2, { credentials: second() })).status).toBe(401)
    const refused = await demo.post(EC2, { credentials: second() })
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      'You are not authorized to perform the requested action: identity:ec2tokens_validate.',
    ])
    expect((await demo.post(S3, { credentials: {} })).status).toBe(403)
  })

  test('has signed just so, with these keys, and lately', async () => {
    const told = async (credentials: object) => {
      const { status, body } = await admin.post(EC2, { credentials })
      return [status, body.error?.message]
    }
    expect(await told(second('wrong'))).toEqual([401, 'Invalid EC2 signature.'])
    expect(await told(fourth('wrong'))).toEqual([401, 'Invalid EC2 signature.'])
    expect(await told({ ...second(), path: '/other' })).toEqual([401, 'Invalid EC2 signature.'])
    expect(await told({ ...fourth(), body_hash: 'x' })).toEqual([401, 'Invalid EC2 signature.'])
    expect(await told({ ...second(), params: { ...second().params, SignatureVersion: '1' } })).toEqual([
      401,
      'Invalid EC2 signature.',
    ])
    expect(await told({ ...second(), access: 'other' })).toEqual([404, 'EC2 access key not found.'])
    expect((await told({ ...second(), signature: undefined }))[0]).toBe(401)
    expect((await told({}))[0]).toBe(401)
    expect((await admin.post(EC2, {})).status).toBe(400)
    const old = second()
    plimsoll.clock.advance(16 * 60_000)
    expect(await told(old)).toEqual([401, 'Credential is expired'])
    expect(await told(second(keys.secret, 'yesterday'))).toEqual([401, 'Credential timestamp is invalid'])
  })

  test('has no more than the credential that the keys were made with', async () => {
    const where = `${V3}/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}`
    expect((await admin.put(`${where}/roles/${plimsoll.roleId('manager')}`)).status).toBe(204)
    const credential = { name: 'works', roles: [{ name: 'member' }], unrestricted: true }
    const path = `${V3}/users/${plimsoll.userId('demo')}/application_credentials`
    const made = (await demo.post(path, { application_credential: credential })).body.application_credential
    const { id, secret } = made
    const login = { methods: ['application_credential'], application_credential: { id, secret } }
    const { headers } = await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth: { identity: login } })
    const by = plimsoll.bearer(headers.get('X-Subject-Token')!)
    const kept = await by.post(`${V3}/users/${plimsoll.userId('demo')}/credentials/OS-EC2`, {
      tenant_id: plimsoll.projectId('demo'),
    })
    keys = kept.body.credential
    const { body } = await admin.post(EC2, { credentials: second() })
    expect(body.token.roles.map(({ name }: { name: string }) => name)).toEqual(['member', 'reader'])
    await demo.delete(`${path}/${id}`)
    expect((await admin.post(EC2, { credentials: second() })).status).toBe(401)
  })
})

describe('a token of who signed', () => {
  const told = async () => {
    const { status, body } = await admin.post(EC2, { credentials: second() })
    expect(status).toBe(200)
    return [body.token.expires_at, body.token.roles.map(({ name }: { name: string }) => name)]
  }

  test('lives no longer than the application credential that the keys were made with', async () => {
    const path = `${V3}/users/${plimsoll.userId('demo')}/application_credentials`
    const expires_at = new Date(plimsoll.clock.now + 600_000).toISOString().slice(0, 19)
    const credential = { name: 'soon over', roles: [{ name: 'member' }], unrestricted: true, expires_at }
    const { id, secret } = (await demo.post(path, { application_credential: credential })).body.application_credential
    const login = { methods: ['application_credential'], application_credential: { id, secret } }
    const { headers } = await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth: { identity: login } })
    const by = plimsoll.bearer(headers.get('X-Subject-Token')!)
    const kept = { tenant_id: plimsoll.projectId('demo') }
    keys = (await by.post(`${V3}/users/${plimsoll.userId('demo')}/credentials/OS-EC2`, kept)).body.credential
    expect(await told()).toEqual([`${expires_at}.000000Z`, ['member', 'reader']])
  })

  test('lives no longer than the access that the user gave, and has what the roles that were given imply', async () => {
    const expires = plimsoll.clock.now + 600_000
    await plimsoll.db.run(sql`insert into access_tokens (id, consumer_id, secret, user_id, project_id, roles, expires_at)
      values ('given', 'c', 'x', ${plimsoll.userId('demo')}, ${plimsoll.projectId('demo')},
        ${JSON.stringify([plimsoll.roleId('member')])}, ${expires})`)
    keys = { access: 'abc', secret: 'def' }
    const blob = JSON.stringify({ ...keys, access_token_id: 'given' })
    const credential = { type: 'ec2', blob, project_id: plimsoll.projectId('demo') }
    expect((await demo.post(`${V3}/credentials`, { credential })).status).toBe(201)
    const until = `${new Date(expires).toISOString().slice(0, 19)}.000000Z`
    expect(await told()).toEqual([until, ['member', 'reader']])
  })
})

test('half a character is no text that was signed', async () => {
  const half = JSON.stringify({ credentials: second() }).replace('DescribeInstances', '\\ud800')
  expect(JSON.parse(half).credentials.params.Action).toBe('\ud800')
  expect((await admin.post(EC2, JSON.parse(half))).status).toBe(400)
  const name = JSON.stringify({ credentials: second() }).replace('"Action"', '"\\ud800"')
  expect((await admin.post(EC2, JSON.parse(name))).status).toBe(400)
})

test('who signed a text of S3’s API is told of, and no token of theirs', async () => {
  const send = (text: string, signature: string) => {
    const token = Buffer.from(text).toString('base64url')
    return admin.post(S3, { credentials: { access: keys.access, token, signature } })
  }
  const text = 'GET\n\n\nTue, 27 Mar 2026 19:36:42 +0000\n/bucket/key'
  const first = createHmac('sha1', keys.secret).update(text).digest('base64')
  const { status, headers, body } = await send(text, first)
  expect([status, body.token.user.id]).toEqual([200, plimsoll.userId('demo')])
  expect(headers.get('X-Subject-Token')).toBeNull()
  expect((await send(text, `${first}x`)).status).toBe(401)
  for (const [service, expected] of [
    ['s3', 200],
    ['ec2', 401],
  ] as const) {
    const scope = `20260301/RegionOne/${service}/aws4_request`
    const four = `AWS4-HMAC-SHA256\n20260301T120000Z\n${scope}\n${'0'.repeat(64)}`
    const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${keys.secret}`)
    expect((await send(four, hmac(key, four).toString('hex'))).status).toBe(expected)
  }
})
