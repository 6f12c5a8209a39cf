import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { pathOf, titleOf, versionHeader, versionOf } from '../sweep/calls.ts'

const MIB = 2 ** 20
const UUID = '11111111-2222-4333-8444-555555555555'

let plimsoll: Plimsoll
beforeAll(async () => {
  plimsoll = await startPlimsoll()
})

/** Bytes without an end or an announcement, and how many were asked for. */
const endless = (start = '{"a": "') => {
  const taken = { bytes: 0 }
  const chunk = new TextEncoder().encode(start.padEnd(65_536, 'x'))
  const stream = new ReadableStream<Uint8Array>({
    pull: (to) => {
      taken.bytes += chunk.length
      to.enqueue(chunk)
    },
  })
  return { stream, taken }
}

const taking = operations
  .filter(({ operation: { body, raw } }) => body && !raw)
  .map((route): [string, (typeof operations)[number]] => [titleOf(route), route])

describe('a body without an end is cut at its limit', () => {
  test.each(taking)('%s', async (_, route) => {
    const { stream, taken } = endless()
    const path = pathOf(route, ({ name }) => (name === 'project_id' ? plimsoll.projectId('admin') : UUID))
    const { method, who } = route.operation
    const caller = who === 'public' ? plimsoll.nobody : plimsoll.as('admin')
    const type =
      route.operation.name === 'image.update' ? 'application/openstack-images-v2.1-json-patch' : 'application/json'
    const { status, body } = await caller.send(method, path, stream, {
      ...versionHeader(route, versionOf(route)),
      'Content-Type': type,
    })
    expect([status, JSON.stringify(body)]).toEqual([413, expect.stringContaining('Request is too large.')])
    expect(taken.bytes).toBeLessThan(2 * MIB)
  })
})

test('a request that may be repeated is counted as well', async () => {
  const { stream, taken } = endless()
  const headers = { 'Idempotency-Key': 'k', 'Content-Type': 'application/json' }
  expect((await plimsoll.as('demo').send('POST', '/network/v2.0/networks', stream, headers)).status).toBe(413)
  expect(taken.bytes).toBeLessThan(2 * MIB)
})

describe('a body that is small and costs much', () => {
  const post = (text: string) =>
    plimsoll.as('demo').send('POST', '/network/v2.0/networks', new TextEncoder().encode(text), {
      'Content-Type': 'application/json',
    })

  test.each([
    ['nested without end', `{"networks": ${'['.repeat(500_000)}`, 400],
    ['of more values than a call can name', `{"networks": [${'{},'.repeat(300_000)}{}]}`, 413],
    ['of one long word', `{"network": {"name": "${'n'.repeat(MIB - 100)}"}}`, 400],
    ['of one long number', `{"network": {"mtu": ${'9'.repeat(MIB - 100)}}}`, 400],
    ['that is no JSON', '"'.repeat(MIB), 400],
  ])('%s is refused at once', async (_, text, status) => {
    const started = performance.now()
    expect((await post(text)).status).toBe(status)
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
