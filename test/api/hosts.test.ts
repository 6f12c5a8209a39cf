import { expect, test } from 'vitest'
import { settingsFrom } from '../../functions/runtime/host.ts'
import { services } from '../../functions/services.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

/** What needs no token and has links in it, one of each service that has such a thing. */
const LINKED = ['/identity/v3', '/compute', '/compute/v2.1', '/network', '/volume', '/image', '/placement', '/broker']

/** Every answer under this host, as text. */
const toldUnder = async (plimsoll: Plimsoll, origin: string) => {
  const answers = await Promise.all(LINKED.map((path) => plimsoll.nobody.get(origin + path)))
  return answers.map(({ status, headers, body }) => ({ status, text: JSON.stringify([[...headers], body]) }))
}

test('there is one of each service', () => {
  const missing = services.filter(({ prefix }) => !LINKED.some((path) => `${path}/`.startsWith(`${prefix}/`)))
  expect(missing.map(({ prefix }) => prefix)).toEqual([])
})

test('with a public URL clients are told that, whichever host they ask', async () => {
  const plimsoll = await startPlimsoll({ clouds: [], settings: { publicUrl: 'https://cloud.example.org' } })
  for (const { status, text } of await toldUnder(plimsoll, 'http://evil.example')) {
    expect(status).toBeLessThan(400)
    expect(text).not.toContain('evil.example')
  }
})

test('without one they are told the host that they ask, if it is the name of one', async () => {
  const plimsoll = await startPlimsoll({ clouds: [] })
  for (const host of ['cloud.example.org', 'cloud.example.org:8787', '192.0.2.1:80', '[2001:db8::1]:8787', 'cloud_1'])
    expect((await toldUnder(plimsoll, `http://${host}`))[0]).toMatchObject({ status: 200 })
  for (const host of ["a'b", 'a,b', 'a*b', 'a(b)', 'a..b', '.a', 'a;b', 'a"b'.replace('"', '!')])
    for (const { status, text } of await toldUnder(plimsoll, `http://${host}`)) {
      expect([host, status]).toEqual([host, 400])
      expect(text).not.toContain(`://${host}`)
    }
})

test('a list of hosts is held to by every service, in its dialect, on paths that are none too', async () => {
  const allowedHosts = ['cloud.example.org', '*.internal.example.org', '[::1]']
  const plimsoll = await startPlimsoll({ clouds: [], settings: { allowedHosts } })
  for (const host of ['cloud.example.org:99', 'a.b.internal.example.org', '[::1]:8787', 'cloud.example.org.'])
    expect((await toldUnder(plimsoll, `http://${host}`))[0]).toMatchObject({ status: 200 })
  for (const host of ['evil.example', 'internal.example.org', 'xcloud.example.org', 'cloud.example.org.evil.example'])
    for (const { status, text } of await toldUnder(plimsoll, `http://${host}`)) {
      expect([host, status]).toEqual([host, 400])
      expect(text).not.toContain(host)
    }
  expect((await plimsoll.nobody.get('http://evil.example/compute/v2.1/nothing')).status).toBe(400)
  expect((await plimsoll.as('demo').get('http://evil.example/compute/v2.1/servers')).status).toBe(400)
  // Monitors ask by address.
  expect((await plimsoll.nobody.get('http://192.0.2.7/healthz')).status).toBe(200)
})

test('what listens to its own machine alone is asked by names of that machine, until somebody says otherwise', () => {
  const hosts = (env: Record<string, string>, runtime: 'node' | 'workers' = 'node') =>
    settingsFrom(env, runtime, 'a'.repeat(64)).allowedHosts
  expect(hosts({})).toEqual(['localhost', '127.0.0.1', '[::1]'])
  expect(hosts({ HOST: '127.0.0.2' })).toContain('127.0.0.2')
  expect(hosts({ HOST: '0.0.0.0' })).toBe(null)
  expect(hosts({ PLIMSOLL_PUBLIC_URL: 'https://cloud.example.org' })).toBe(null)
  expect(hosts({}, 'workers')).toBe(null)
  expect(hosts({ PLIMSOLL_ALLOWED_HOSTS: 'A.example, *.b.example' })).toEqual(['a.example', '*.b.example'])
  for (const wrong of ['a b', 'https://a', 'a:80', '*'])
    expect(() => hosts({ PLIMSOLL_ALLOWED_HOSTS: wrong })).toThrow('PLIMSOLL_ALLOWED_HOSTS')
})
