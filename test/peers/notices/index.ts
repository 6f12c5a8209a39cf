import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { type Child, freePort, launch } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import { pythonWith } from '../support/python.ts'
import type { Report } from '../support/report.ts'

const HOOKS = '/broker/v1/webhooks'
const SERVERS = '/compute/v2.1/servers'
const PYTHON = ['standardwebhooks==1.1.0']
/** Servers that are made, drawn anew for each run. */
const drawn = () => 2 + Math.floor(Math.random() * 3)

/** Whoever is told: by requests that a library verifies that is not ours, and by a stream that curl reads. On both runtimes. */
export const notices = async (report: Report): Promise<void> => {
  for (const runtime of RUNTIMES) await told(report, runtime)
}

interface Heard {
  header: string
  // biome-ignore lint/suspicious/noExplicitAny: what came is looked into freely
  event: any
  /** Which secrets it was believed by: 0 the first, 1 the next. */
  by: number[]
}

const told = async (report: Report, runtime: Runtime): Promise<void> => {
  const story = `${runtime} × notices`
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-notices-'))
  const python = await pythonWith('webhooks', PYTHON)
  let broker: Broker | undefined
  let receiver: Child | undefined
  let failed = false
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = failed ? 'not tried' : await run().then(() => '', String)
    report.step(story, title, failed ? 'skipped' : fault ? 'failed' : 'passed', Date.now() - from, fault)
    if (fault && !failed) console.log(`last words of the broker of ${story}:\n${broker?.tail(20)}`)
    failed ||= fault !== ''
  }
  try {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/in`
    const path = join(folder, 'heard')
    broker = await startBroker(runtime, { PLIMSOLL_WEBHOOK_HOSTS: '127.0.0.1', PLIMSOLL_CRON_SECONDS: '1' })
    const demo = await logIn(broker, 'demo')
    const { cron } = broker
    const heard = async (): Promise<Heard[]> =>
      existsSync(path)
        ? (await readFile(path, 'utf8'))
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Heard)
        : []
    const until = (look: () => Promise<void>, ms = 60_000) =>
      patiently(async () => {
        await cron()
        await look()
      }, ms)
    let hook: Record<string, string> = {}
    const deliveries = async (): Promise<Record<string, string>[]> =>
      (await demo.must('GET', `${HOOKS}/${hook.id}/deliveries`)).deliveries
    const servers = drawn()
    const nextSecret = `whsec_${randomBytes(32).toString('base64')}`

    await step(`${servers} servers come, and one goes, while the receiver is down`, async () => {
      const webhook = { name: 'peer', url, types: ['server.status'] }
      hook = (await demo.must('POST', HOOKS, { webhook })).webhook
      const ids = await booted(demo, servers)
      await until(() => all(demo, ids, 'ACTIVE'))
      await demo.must('DELETE', `${SERVERS}/${ids[0]}`)
      await until(async () => assert.equal((await demo.call('GET', `${SERVERS}/${ids[0]}`)).status, 404))
      const [waiting] = (await deliveries()).slice(-1)
      assert.match(`${waiting!.status} ${waiting!.error}`, /^pending The receiver could not be reached/)
    })

    await step(
      'up again it hears all of it, each once, and of each server in order; the library believes every one',
      async () => {
        const args = [
          fileURLToPath(new URL('receiver.py', import.meta.url)),
          String(port),
          path,
          hook.secret!,
          nextSecret,
        ]
        receiver = launch({ command: python.command, args, env: python.env })
        await until(async () => assert.ok((await deliveries()).every(({ status }) => status === 'delivered')), 90_000)
        const found = await heard()
        assert.deepEqual(
          found.filter(({ event }) => event.refused),
          [],
        )
        assert.equal(new Set(found.map(({ header }) => header)).size, found.length)
        assert.deepEqual(
          found.map(({ header }) => header).toSorted(),
          (await deliveries()).map(({ id }) => id).toSorted(),
        )
        const of = Map.groupBy(found, ({ event }) => event.resource.id)
        const lives = [...of.values()].map((events) => events.map(({ event }) => event.data.status).join(' '))
        assert.deepEqual(lives.toSorted(), [...Array(servers - 1).fill('BUILD ACTIVE'), 'BUILD ACTIVE DELETED'])
      },
    )

    await step('what is sent once more has the id that it had', async () => {
      const before = await heard()
      await demo.must('POST', `${HOOKS}/${hook.id}/deliveries/${before[0]!.header}/replay`)
      await until(async () => assert.equal((await heard()).length, before.length + 1))
      assert.equal((await heard()).at(-1)!.header, before[0]!.header)
    })

    await step('all that it heard is sent again: the same ids, and of each server in order', async () => {
      const before = await heard()
      const firsts = new Map(before.map((each) => [each.header, each])).size
      const [first] = before.toSorted((one, other) => one.event.seq - other.event.seq)
      const wish = { replay: { from: first!.header } }
      assert.deepEqual((await demo.must('POST', `${HOOKS}/${hook.id}/replay`, wish)).replay, {
        events: firsts,
        next: null,
      })
      await until(async () => assert.equal((await heard()).length, before.length + firsts))
      const again = (await heard()).slice(before.length)
      assert.deepEqual(new Set(again.map(({ header }) => header)), new Set(before.map(({ header }) => header)))
      for (const [, events] of Map.groupBy(again, ({ event }) => event.resource.id)) {
        const order = events.map(({ event }) => event.seq)
        assert.deepEqual(
          order,
          order.toSorted((one, other) => one - other),
        )
      }
    })

    await step('with a new secret whoever has either believes it, until the old one is ended', async () => {
      const believed = async () => {
        const before = (await heard()).length
        await demo.must('POST', `${HOOKS}/${hook.id}/test`)
        await until(async () => assert.equal((await heard()).length, before + 1))
        return (await heard()).at(-1)!.by
      }
      const change = (webhook: object) => demo.must('PATCH', `${HOOKS}/${hook.id}`, { webhook })
      assert.deepEqual(await believed(), [0])
      await change({ secret: nextSecret })
      assert.deepEqual(await believed(), [0, 1])
      await change({ previous_secret_until: null })
      assert.deepEqual(await believed(), [1])
    })

    await step('what somebody else sends is refused by the library', async () => {
      const headers = {
        'webhook-id': 'msg_forged',
        'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
        'webhook-signature': 'v1,AAAA',
      }
      assert.equal((await fetch(url, { method: 'POST', headers, body: '{}' })).status, 401)
    })

    await step('a stream that curl reads tells the same, and ends when its token is revoked', async () => {
      const reader = await logIn(broker!, 'demo')
      const stream = `${broker!.url}/broker/v1/events/stream?types=server.status`
      const headers = [`X-Auth-Token: ${reader.token}`, 'Accept: text/event-stream'].flatMap((each) => ['-H', each])
      const curl = launch({ command: 'curl', args: ['-sSN', ...headers, stream], ends: true })
      const over = new Promise<number | null>((resolve) => curl.process.on('close', resolve))
      await patiently(async () => assert.match(curl.output(), /event: ready/), 15_000)
      const [id] = await booted(demo, 1)
      await until(async () => {
        const told = [...curl.output().matchAll(/^data: (\{"type".*\})$/gm)].map(([, data]) => JSON.parse(data!))
        assert.deepEqual(
          told.map(({ resource, data }) => [resource.id, data.status]),
          [
            [id, 'BUILD'],
            [id, 'ACTIVE'],
          ],
        )
      })
      const gone = await fetch(`${broker!.url}/identity/v3/auth/tokens`, {
        method: 'DELETE',
        headers: { 'X-Auth-Token': reader.token, 'X-Subject-Token': reader.token },
      })
      assert.equal(gone.status, 204)
      const revoked = Date.now()
      assert.equal(await over, 0)
      assert.ok(Date.now() - revoked < 10_000, `it ended ${Date.now() - revoked} ms after that`)
      assert.match(curl.output(), /event: end\ndata: \{"reason":"token"/)
    })
  } catch (error) {
    report.step(story, 'whoever is told', 'failed', 0, String(error))
  } finally {
    await receiver?.stop()
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const booted = async (demo: Api, count: number): Promise<string[]> => {
  const { images } = await demo.must('GET', '/image/v2/images')
  const server = { name: 'told', flavorRef: '1', imageRef: images[0].id }
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await demo.must('POST', SERVERS, { server })).server.id)
  return ids
}

const all = async (demo: Api, ids: string[], status: string): Promise<void> => {
  for (const id of ids) assert.equal((await demo.must('GET', `${SERVERS}/${id}`)).server.status, status)
}
