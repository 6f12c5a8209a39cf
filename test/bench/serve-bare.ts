import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { listening } from './listening.ts'

/**
 * A process in which a route does nothing but answer. What it answers comes as a message. Every message is answered by where
 * it listens and what it has used. It is by itself because two copies of the server in one process take each other's
 * globals, and then one of them is slow.
 */
const bare = new Hono()
let answer: unknown = {}
bare.get('/bare/:id', (c) => c.json(answer))
const port = await listening(createAdaptorServer({ fetch: bare.fetch }))

process.on('message', (next: { answer: unknown } | 'use') => {
  if (next !== 'use') answer = next.answer
  const { user, system } = process.cpuUsage()
  process.send!({ port, cpu: user + system, rss: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit(0))
