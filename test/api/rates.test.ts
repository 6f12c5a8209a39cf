import { expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { services } from '../../functions/services.ts'
import { startPlimsoll } from '../support/harness.ts'

test('one request too many of a source is 429 in every service, with when to come again', async () => {
  for (const { prefix, dialect } of services) {
    const plimsoll = await startPlimsoll({ clouds: [], settings: { requestsPerSource: 2 } })
    const path = operations.find(({ service, operation: o }) => service.prefix === prefix && o.method === 'GET')!
    const url = prefix + path.operation.path.replace(/:\w+(\{[^}]*\})?/g, 'x')
    const first = await plimsoll.nobody.get(url)
    expect((await plimsoll.nobody.get(`${prefix}/no/such/thing`)).status).toBe(404)
    for (const each of [url, `${prefix}/no/such/thing`]) {
      const { status, headers, body } = await plimsoll.nobody.get(each)
      expect([each, status, headers.get('Retry-After')]).toEqual([each, 429, '30'])
      const text = JSON.stringify(body)
      expect(text).toContain('rate-limited')
      if (dialect.name === 'compute' || dialect.name === 'block-storage')
        expect(body.overLimit).toEqual({ code: 429, message: 'This request was rate-limited.', retryAfter: '30' })
    }
    expect((await plimsoll.nobody.from('192.0.2.99').get(url)).status).toBe(first.status)
    plimsoll.clock.advance(31_000)
    expect((await plimsoll.nobody.get(url)).status).toBe(first.status)
  }
})

test('a user has one allowance, from wherever the requests come and by whichever token', async () => {
  const plimsoll = await startPlimsoll({ clouds: [], settings: { requestsPerUser: 3 } })
  for (const source of ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    expect((await plimsoll.as('demo').from(source).get('/compute/v2.1/flavors')).status).toBe(200)
  expect((await plimsoll.as('demo').from('192.0.2.4').get('/network/v2.0/networks')).status).toBe(429)
  expect((await plimsoll.as('admin').get('/network/v2.0/networks')).status).toBe(200)
  // A clock that is set back takes nothing from anybody, and gives nothing.
  plimsoll.clock.advance(-3_600_000)
  expect((await plimsoll.as('demo').get('/network/v2.0/networks')).status).toBe(429)
  plimsoll.clock.advance(60_000)
  expect((await plimsoll.as('demo').get('/network/v2.0/networks')).status).toBe(200)
})

test('without a setting nobody is counted', async () => {
  const plimsoll = await startPlimsoll({ clouds: [] })
  for (let i = 0; i < 300; i++) expect((await plimsoll.nobody.get('/identity')).status).toBe(300)
})
