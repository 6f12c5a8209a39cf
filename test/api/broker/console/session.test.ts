import { beforeEach, describe, expect, test } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../../support/harness.ts'

const PATH = '/broker/v1/session'
const OURS = { 'X-Plimsoll-Console': 'k'.repeat(43) }
const OTHERS = { 'X-Plimsoll-Console': 'o'.repeat(43) }

/** What comes from no page of ours. */
const FOREIGN: Record<string, string>[] = [
  {},
  { 'X-Plimsoll-Console': '1' },
  { 'X-Plimsoll-Console': 'k'.repeat(44) },
  { ...OURS, 'Sec-Fetch-Site': 'cross-site' },
  { ...OURS, 'Sec-Fetch-Site': 'same-site' },
]

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})

const keep = (headers = {}) => plimsoll.as('demo').put(PATH, undefined, { ...OURS, ...headers })
/** The cookie of an answer, as a browser sends it. */
const cookieOf = async () => ((await keep()).headers.get('Set-Cookie') ?? '').split(';')[0]!

describe('the session of a console', () => {
  test('is a cookie that no script reads, for one path, until the token ends', async () => {
    const { status, headers } = await keep()
    expect(status).toBe(204)
    const cookie = headers.get('Set-Cookie')!
    expect(cookie).toMatch(
      /^plimsoll-console=v1\.[\w.-]+; Path=\/broker\/v1\/session; Max-Age=3600; HttpOnly; SameSite=Strict$/,
    )
    const value = cookie.slice('plimsoll-console='.length).split(';')[0]!
    expect((await plimsoll.bearer(value).get('/compute/v2.1/servers')).status, 'it is no token').toBe(401)
  })

  test('goes by https alone where the broker is reached so', async () => {
    plimsoll = await startPlimsoll({ settings: { publicUrl: 'https://cloud.example.org/plimsoll' } })
    expect((await keep()).headers.get('Set-Cookie')).toMatch(/; Path=\/plimsoll\/broker\/v1\/session; .*; Secure$/)
  })

  test('is given back to the page, and logs in to nothing else', async () => {
    const Cookie = await cookieOf()
    const { body } = await plimsoll.nobody.get(PATH, { ...OURS, Cookie })
    expect(body).toEqual({ session: { token: expect.any(String) }, logins: [] })
    expect((await plimsoll.bearer(body.session.token).get('/compute/v2.1/servers')).status).toBe(200)
    for (const path of ['/compute/v2.1/servers', '/broker/v1/loads', '/identity/v3/auth/projects'])
      expect((await plimsoll.nobody.get(path, { ...OURS, Cookie })).status).toBe(401)
    expect((await plimsoll.nobody.put(PATH, undefined, { ...OURS, Cookie })).status).toBe(401)
  })

  test('is worth nothing to whoever is sent the cookie and has not the key of the page', async () => {
    const Cookie = await cookieOf()
    expect((await plimsoll.nobody.get(PATH, { ...OTHERS, Cookie })).body.session).toBeNull()
  })

  test('is not that of whoever planted a cookie of his own', async () => {
    const mine = await cookieOf()
    const planted = await plimsoll.as('admin').put(PATH, undefined, OTHERS)
    const theirs = planted.headers.get('Set-Cookie')!.split(';')[0]!
    expect((await plimsoll.nobody.get(PATH, { ...OURS, Cookie: theirs })).body.session).toBeNull()
    const token = await plimsoll.as('admin').token()
    const plain = `plimsoll-console=${token}`
    expect((await plimsoll.nobody.get(PATH, { ...OURS, Cookie: plain })).body.session).toBeNull()
    const { body } = await plimsoll.nobody.get(PATH, { ...OURS, Cookie: `${plain}; ${theirs}; ${mine}` })
    const { body: said } = await plimsoll.bearer(body.session.token).get('/identity/v3/auth/projects')
    expect(said.projects.map(({ name }: { name: string }) => name)).toEqual(['demo'])
  })

  test('of a token that is longer than browsers keep is none, and what was kept is let go of', async () => {
    const roles = Array.from({ length: 30 }, (_, i) => `${i}-${'r'.repeat(120)}`)
    for (const name of roles) await plimsoll.as('admin').post('/identity/v3/roles', { role: { name } })
    const { body } = await plimsoll.as('admin').get('/identity/v3/roles')
    for (const { id } of (body.roles as { id: string; name: string }[]).filter(({ name }) => roles.includes(name)))
      await plimsoll
        .as('admin')
        .put(`/identity/v3/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}/roles/${id}`)
    const { status, headers } = await keep()
    expect(status).toBe(400)
    expect(headers.get('Set-Cookie')).toMatch(/^plimsoll-console=; .*Max-Age=0/)
    const Cookie = `plimsoll-console=v1.${'a'.repeat(10_000)}`
    expect((await plimsoll.nobody.get(PATH, { ...OURS, Cookie })).body.session).toBeNull()
  })

  test('is none when it is over, broken or not there', async () => {
    const Cookie = await cookieOf()
    const none = { session: null, logins: [] }
    expect((await plimsoll.nobody.get(PATH, OURS)).body).toEqual(none)
    expect((await plimsoll.nobody.get(PATH, { ...OURS, Cookie: Cookie.replace(/.{9}$/, 'AAAAAAAAA') })).body).toEqual(
      none,
    )
    plimsoll.clock.advance(3_601_000)
    expect((await plimsoll.nobody.get(PATH, { ...OURS, Cookie })).body).toEqual(none)
  })

  test('is not for pages of other origins', async () => {
    const Cookie = await cookieOf()
    for (const headers of FOREIGN)
      for (const asked of [
        plimsoll.nobody.get(PATH, { Cookie, ...headers }),
        plimsoll.nobody.delete(PATH, { Cookie, ...headers }),
        plimsoll.as('demo').put(PATH, undefined, headers),
      ]) {
        const { status, headers: said } = await asked
        expect(status).toBe(403)
        expect(said.get('Set-Cookie')).toBeNull()
      }
    // No page elsewhere may send the header that ours does: what it asks beforehand is answered by nobody.
    const asked = await plimsoll.nobody.send('OPTIONS', PATH, undefined, { Origin: 'https://evil.example.org' })
    expect(asked.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })

  test('is let go of', async () => {
    const { status, headers } = await plimsoll.nobody.delete(PATH, OURS)
    expect(status).toBe(204)
    expect(headers.get('Set-Cookie')).toMatch(/^plimsoll-console=; .*Max-Age=0/)
  })
})
