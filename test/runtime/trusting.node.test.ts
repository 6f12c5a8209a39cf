import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { guardedFetch } from '../../functions/broker/clouds/endpoint.ts'
import type { Trust } from '../../functions/context.ts'
import { trusting } from '../../functions/runtime/trusting.ts'

const loopback = (address: string) => address === '127.0.0.1' || address === '::1'
let server: Server
let connections: number
let port: number
beforeEach(async () => {
  connections = 0
  server = createServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { Location: `http://localhost:${port}/` })
    response.end('reached')
  }).on('connection', () => connections++)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('a name that leads to a private address when the connection is made is not connected to', async () => {
  // What looks at the name before knows nothing of where it leads then.
  const refusal = await trusting(null, loopback)(`http://localhost:${port}/`).catch((error) => String(error.cause))
  expect([refusal, connections]).toEqual(['Error: localhost leads to a private address.', 0])
  const answer = await trusting(null, () => false)(`http://localhost:${port}/`)
  expect([await answer.text(), connections]).toEqual(['reached', 1])
})

test('every cloud is reached so, but one of which an administrator said that it lives in a private network', async () => {
  const asked: [Trust | null, boolean][] = []
  const reached = async () => new Response('ok')
  const host = {
    now: () => 0,
    fetch: async () => new Response('plain'),
    trusting: (trust: Trust | null, refused: (address: string) => boolean) => {
      asked.push([trust, refused('10.0.0.1')])
      return reached as typeof fetch
    },
  }
  const ca = { ca: null, fingerprint: 'ab'.repeat(32) }
  const tls = { fingerprint: ca.fingerprint }
  const reach = async (options: object) =>
    (await guardedFetch(host, { name: 'c', options: options as never })('https://8.8.8.8/')).text()
  expect(await reach({})).toBe('ok')
  expect(await reach({ tls })).toBe('ok')
  expect(await reach({ tls, allow_private: true })).toBe('ok')
  expect(await reach({ allow_private: true })).toBe('plain')
  expect(asked).toEqual([
    [null, true],
    [ca, true],
    [ca, false],
  ])
})

test('an answer that points elsewhere is not followed', async () => {
  const host = {
    now: () => 0,
    fetch: (input: string | URL | Request, init?: RequestInit) => fetch(input, init),
    trusting,
  }
  const send = guardedFetch(host, { name: 'c', options: { allow_private: true } })
  const answer = await send(`http://127.0.0.1:${port}/away`).catch(() => send(`http://[::1]:${port}/away`))
  expect([answer.status, answer.headers.get('location')]).toEqual([302, `http://localhost:${port}/`])
})
