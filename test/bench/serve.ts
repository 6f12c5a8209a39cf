import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { openWorld } from './world.ts'

/** A process that is asked over loopback: the program, and beside it a route that does nothing but answer. */
const [folder, body] = process.argv.slice(2)
const world = await openWorld(folder!, { counted: false })

const bare = new Hono()
// The same answer as the program gives, from an object that is at hand.
const answer = JSON.parse(body!)
bare.get('/bare/:id', (c) => c.json(answer))

/** And one that reads a row by its key, as the least that any such program does. */
const sqlite = new DatabaseSync(`${folder}/plimsoll.db`, { readOnly: true })
const row = sqlite.prepare('select * from servers where id = ?')
bare.get('/read/:id', (c) => c.json(row.get(c.req.param('id'))))

const urls: string[] = []
for (const app of [world.app, bare]) {
  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  urls.push(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
}
process.send!(urls)
process.on('disconnect', () => process.exit(0))
