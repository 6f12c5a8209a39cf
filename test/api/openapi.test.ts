import { beforeAll, describe, expect, test } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

let plimsoll: Plimsoll
beforeAll(async () => {
  plimsoll = await startPlimsoll()
})

describe.each([
  '/identity/openapi.json',
  '/broker/openapi.json',
  '/compute/openapi.json',
  '/volume/openapi.json',
  '/image/openapi.json',
  '/network/openapi.json',
  '/placement/openapi.json',
])('%s', (path) => {
  test('is told to everybody, once a client', async () => {
    const { status, headers, body } = await plimsoll.nobody.get(path)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toContain(path)
    const tag = headers.get('etag')!
    expect(tag).toMatch(/^"[0-9a-f]{32}"$/)
    const again = await plimsoll.nobody.get(path, { 'If-None-Match': tag })
    expect([again.status, again.body]).toEqual([304, null])
    const head = await plimsoll.nobody.head(path)
    expect([head.status, head.headers.get('etag'), head.body]).toEqual([200, tag, null])
  })

  test('has no parameter that it does not know', async () => {
    const { status } = await plimsoll.nobody.get(`${path}?version=1`)
    expect(status).toBe(400)
  })
})

test.each([
  ['compute', '2.1', '2.96'],
  ['volume', '3.0', '3.70'],
])('%s is told as a microversion has it', async (name, oldest, newest) => {
  const [old, late] = await Promise.all(
    [oldest, newest].map((version) => plimsoll.nobody.get(`/${name}/openapi.json?microversion=${version}`)),
  )
  expect([old!.body.info.version, late!.body.info.version]).toEqual([oldest, newest])
  expect(Object.keys(old!.body.paths)).not.toEqual(Object.keys(late!.body.paths))
  expect(old!.headers.get('etag')).not.toBe(late!.headers.get('etag'))
})

test.each([
  ['compute', '2.97'],
  ['compute', '3.1'],
  ['compute', 'latest'],
  ['compute', '2.1x'],
  ['compute', ''],
  ['volume', '3.71'],
  ['network', '2.0'],
])('%s has no microversion %s', async (name, version) => {
  const { status, body } = await plimsoll.nobody.get(`/${name}/openapi.json?microversion=${version}`)
  expect(status).toBe(400)
  expect(JSON.stringify(body)).toMatch(/icroversion/)
})
