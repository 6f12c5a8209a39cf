import { createServer } from 'node:net'
import { listening } from './listening.ts'

/** A process in which the program runs as `npm start` starts it. Every message is answered by where it listens and what it has used. */
// From the first moment on: it may not be wanted any more before it is there.
process.on('disconnect', () => process.exit(0))
const taker = createServer()
const port = await listening(taker)
taker.close()
process.env.PORT = String(port)
await import(new URL('../../functions/runtime/start.js', import.meta.url).href)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ port, cpu: user + system, rss: process.memoryUsage.rss() })
})
