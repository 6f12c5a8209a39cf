import { once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { isImageData } from '../../../functions/app.ts'
import { serverFor } from '../../../functions/runtime/serve.ts'
import { openWorld } from '../world.ts'

/**
 * A process that is asked over loopback: the program as it is served, and beside it a route that does nothing but answer.
 * What that answers comes as a message. Every message is answered by the two origins and the microseconds of CPU so far.
 */
const world = await openWorld(process.argv[2]!, { counted: false })

const bare = new Hono()
let answer: unknown = {}
bare.get('/bare/:id', (c) => c.json(answer))

const HOST = '127.0.0.1'
const urls: string[] = []
for (const server of [serverFor(world.app, isImageData, HOST), createAdaptorServer({ fetch: bare.fetch })]) {
  server.listen(0, HOST)
  await once(server, 'listening')
  urls.push(`http://${HOST}:${(server.address() as { port: number }).port}`)
}
process.on('message', (next: { answer: unknown } | 'cpu') => {
  if (next !== 'cpu') answer = next.answer
  const { user, system } = process.cpuUsage()
  process.send!({ urls, cpu: user + system })
})
process.on('disconnect', () => process.exit(0))
