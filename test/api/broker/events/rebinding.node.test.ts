import dns from 'node:dns'
import asked from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { trusting } from '../../../../functions/runtime/trusting.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

/** Where names lead, for whoever looks before a connection and for the connection itself. */
const leads = { before: '8.8.8.8', later: '127.0.0.1' }
const lead = () => {
  vi.spyOn(asked, 'lookup').mockImplementation((async () => [{ address: leads.before, family: 4 }]) as never)
  vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: Found) =>
    done(null, [{ address: leads.later, family: 4 }])) as never)
  // Files of one worker share modules: those that are loaded have the names of before until this.
  syncBuiltinESMExports()
}
type Found = (error: null, found: object[]) => void

let server: Server
let connections: number
let heard: string[]
let port: number
let w: World
beforeEach(async () => {
  Object.assign(leads, { before: '8.8.8.8', later: '127.0.0.1' })
  lead()
  connections = 0
  heard = []
  server = createServer((request, response) => {
    heard.push(String(request.headers['webhook-id']))
    if (request.url === '/away') response.writeHead(307, { Location: `http://127.0.0.1:${port}/inside` })
    response.end()
  }).on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  w = await newWorld({
    fetch: (input, init) => fetch(input, init),
    trusting,
    settings: { webhookHosts: ['127.0.0.1'] },
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  server.closeAllConnections()
  server.close()
})

const told = async (url: string) => {
  const made = await w.demo.post('/broker/v1/webhooks', { webhook: { name: 'x', url, types: ['server.placed'] } })
  if (made.status !== 201) return made.body.error.message
  const { id } = made.body.webhook
  await w.demo.post(`/broker/v1/webhooks/${id}/test`)
  await runCron(w.plimsoll.host)
  await w.plimsoll.runDeferred()
  const [delivery] = (await w.demo.get(`/broker/v1/webhooks/${id}/deliveries`)).body.deliveries
  return delivery.error ?? delivery.status
}

test('a name that leads elsewhere by the time of the connection is not connected to', async () => {
  expect(await told(`https://rebinding.example:${port}/`)).toBe(
    'The receiver could not be reached: rebinding.example leads to a private address.',
  )
  expect(connections).toBe(0)
})

test('a name that leads within is refused when it is given, and when it is used', async () => {
  leads.before = '10.0.0.7'
  expect(await told('https://inside.example/')).toBe('webhook.url: The endpoint resolves to a private address.')
  leads.before = '8.8.8.8'
  const made = await w.demo.post('/broker/v1/webhooks', {
    webhook: { name: 'x', url: `https://inside.example:${port}/` },
  })
  leads.before = '10.0.0.7'
  await w.demo.post(`/broker/v1/webhooks/${made.body.webhook.id}/test`)
  await w.plimsoll.runDeferred()
  const [delivery] = (await w.demo.get(`/broker/v1/webhooks/${made.body.webhook.id}/deliveries`)).body.deliveries
  expect([delivery.error, connections]).toEqual(['The endpoint resolves to a private address.', 0])
})

test('what an operator named is reached, and where it points is not', async () => {
  expect(await told(`http://127.0.0.1:${port}/in`)).toBe('delivered')
  expect(await told(`http://127.0.0.1:${port}/away`)).toMatch(/^The receiver answered 307: it points elsewhere/)
  expect(heard.length).toBe(2)
})
