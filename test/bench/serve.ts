import { once } from 'node:events'
import { createServer } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'

/**
 * A process that is asked over loopback: the program as `npm start` starts it, and beside it a route that does nothing but
 * answer. What that answers comes as a message. Every message is answered by the two origins and what the process has used.
 */
const HOST = '127.0.0.1'

const taker = createServer().listen(0, HOST)
await once(taker, 'listening')
const port = (taker.address() as { port: number }).port
taker.close()
process.env.PORT = String(port)
await import(new URL('../../functions/runtime/start.js', import.meta.url).href)

const bare = new Hono()
let answer: unknown = {}
bare.get('/bare/:id', (c) => c.json(answer))
const server = createAdaptorServer({ fetch: bare.fetch })
server.listen(0, HOST)
await once(server, 'listening')
const urls = [`http://${HOST}:${port}`, `http://${HOST}:${(server.address() as { port: number }).port}`]

process.on('message', (next: { answer: unknown } | 'use') => {
  if (next !== 'use') answer = next.answer
  const { user, system } = process.cpuUsage()
  process.send!({ urls, cpu: user + system, rss: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit(0))
