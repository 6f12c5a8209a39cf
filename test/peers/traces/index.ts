import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVED } from '../../support/served.ts'
import { type Api, logIn } from '../support/api.ts'
import { ROOT, RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { answering, type Child, freePort, launch } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { type Collector, type Span, startCollector } from './collector.ts'

const SERVERS = '/compute/v2.1/servers'
const PASSWORDS = { admin: 'peers-admin-password', demo: 'peers-demo-password' }

/**
 * Traces as OpenTelemetry's own collector takes them: on both runtimes, and over the end of a process.
 * @param today the day whose one runtime it is; null: both
 */
export const traces = async (report: Report, today: number | null): Promise<void> => {
  const runtimes = today === null ? RUNTIMES : [RUNTIMES[today % RUNTIMES.length]!]
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-traces-'))
  let collector: Collector | undefined
  const step = async (story: string, title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = await run().then(() => '', String)
    report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault)
  }
  try {
    collector = await startCollector(folder)
    for (const runtime of runtimes)
      await step(`${runtime} × traces`, 'a request, its converge and its calls to the cloud are one trace', () =>
        whole(runtime, collector!),
      )
    if (runtimes.includes('node'))
      await step('node × traces', 'so are those of a server that is built after kill -9 and a restart', () =>
        restarted(join(folder, 'data'), collector!),
      )
  } catch (error) {
    report.step('traces', 'the collector', 'failed', 0, String(error))
  } finally {
    await collector?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Asks for a server as a client that is traced itself; gives the trace, and the id of the server. */
const asked = async ({ url }: { url: string }, demo: Api) => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  const { images } = await demo.must('GET', '/image/v2/images')
  const response = await fetch(url + SERVERS, {
    method: 'POST',
    headers: {
      'X-Auth-Token': demo.token,
      'Content-Type': 'application/json',
      traceparent: `00-${traceId}-${spanId}-01`,
    },
    body: JSON.stringify({ server: { name: 'traced', flavorRef: '1', imageRef: images[0].id } }),
  })
  assert.equal(response.status, 202)
  return { traceId, spanId, id: ((await response.json()) as { server: { id: string } }).server.id }
}

const pathOf = (spans: Span[], span: Span): string[] => {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
  return [span.name, ...(parent ? pathOf(spans, parent) : [])]
}

const active = async (demo: Api, id: string) =>
  assert.equal((await demo.must('GET', `${SERVERS}/${id}`)).server.status, 'ACTIVE')

const arrived = async (collector: Collector, { traceId, spanId }: { traceId: string; spanId: string }) => {
  const spans = await collector.spansOf(traceId)
  const request = spans.find(({ name }) => name === 'server.create')
  assert.equal(request?.parentSpanId, spanId, `among ${spans.map(({ name }) => name).join(', ')}`)
  const calls = spans.filter(({ name }) => name === 'cloud server.create')
  assert.ok(calls.length > 0, `among ${spans.map(({ name }) => name).join(', ')}`)
  for (const call of calls)
    assert.deepEqual(pathOf(spans, call), [
      'cloud server.create',
      'step server present calling',
      'converge server',
      'server.create',
    ])
}

const whole = async (runtime: Runtime, collector: Collector): Promise<void> => {
  const broker = await startBroker(runtime, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    PLIMSOLL_CRON_SECONDS: '1',
  })
  try {
    const demo = await logIn(broker, 'demo')
    const wish = await asked(broker, demo)
    await patiently(async () => {
      await broker.cron()
      await active(demo, wish.id)
    }, 60_000)
    await patiently(() => arrived(collector, wish), 20_000)
  } catch (error) {
    throw new Error(`${error}\n${broker.tail(15)}`)
  } finally {
    await broker.stop()
  }
}

/** The cloud is too busy until the process is dead, so that nothing but rows knows whose server it is. */
const restarted = async (data: string, collector: Collector): Promise<void> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const started = async (): Promise<Child> => {
    const child = launch({
      command: process.execPath,
      args: SERVED,
      cwd: ROOT,
      env: {
        PORT: String(port),
        PLIMSOLL_DATA: data,
        PLIMSOLL_CRON_SECONDS: '1',
        PLIMSOLL_ADMIN_PASSWORD: PASSWORDS.admin,
        PLIMSOLL_DEMO_PASSWORD: PASSWORDS.demo,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      },
    })
    await answering(child, `${url}/healthz`)
    return child
  }
  const broker = { url, passwords: PASSWORDS } as Parameters<typeof logIn>[0]
  let child = await started()
  try {
    const admin = await logIn(broker, 'admin')
    const busy = (faults: object[]) =>
      admin.must('PATCH', '/broker/v1/clouds/sandbox', { cloud: { options: { faults } } })
    await busy([{ method: 'server.create', fault: 'throttled', count: 1_000 }])
    const demo = await logIn(broker, 'demo')
    const wish = await asked(broker, demo)
    // The request has ended: what tells of it is sent a second later.
    await patiently(async () => assert.ok((await collector.spansOf(wish.traceId)).length), 15_000)
    await child.kill()
    child = await started()
    await busy([])
    await patiently(() => active(demo, wish.id), 90_000)
    await patiently(() => arrived(collector, wish), 20_000)
  } catch (error) {
    throw new Error(`${error}\n${child.tail(15)}`)
  } finally {
    await child.stop()
  }
}
