import { sql } from 'drizzle-orm'
import { expect, onTestFinished, test, vi } from 'vitest'
import { runCron } from '../../functions/cron.ts'
import { tracesFrom } from '../../functions/instruments/traces/settings.ts'
import { openTraces } from '../../functions/instruments/traces/traces.ts'
import { openHost } from '../../functions/runtime/host.ts'
import { createServer, imageNamed } from '../support/builders.ts'
import { type Client, startPlimsoll } from '../support/harness.ts'

const COLLECTOR = 'http://collector.test:4318'
const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const traceparent = (flags = '01') => `00-${CALLER.traceId}-${CALLER.spanId}-${flags}`

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes: Record<string, unknown>
  links: { traceId: string }[]
  failed: boolean
}

/** A collector that keeps what it is sent, as OTLP has it in JSON; `takes` false: it is down. */
const collector = (env: Record<string, string> = {}) => {
  const spans: Span[] = []
  const requests: { url: string; headers: Headers; resource: Record<string, unknown> }[] = []
  const logged: string[] = []
  const waiting: (() => Promise<void>)[] = []
  const state = { takes: true, hangs: false, tries: 0, meanwhile: async () => {} }
  const settings = tracesFrom({ OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR, ...env })!
  // biome-ignore lint/suspicious/noExplicitAny: what came is looked into freely
  const flat = (list: any[] = []) =>
    Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]))
  const fetch = async (url: string, init: RequestInit) => {
    state.tries++
    if (state.hangs) return new Promise(() => {})
    await state.meanwhile()
    if (!state.takes) throw new Error('connection refused')
    const [sent] = JSON.parse(new TextDecoder().decode(init.body as Uint8Array)).resourceSpans
    requests.push({ url, headers: new Headers(init.headers), resource: flat(sent.resource.attributes) })
    for (const scope of sent.scopeSpans)
      for (const each of scope.spans)
        spans.push({ ...each, attributes: flat(each.attributes), failed: each.status?.code === 2 })
    return new Response('{}')
  }
  const traces = openTraces(settings, 'node', {
    fetch: fetch as never,
    log: (level, message) => void logged.push(`${level}: ${message}`),
    later: (_, work) => void waiting.push(work),
  })
  return { ...traces, spans, requests, logged, waiting, state }
}

const wish = async (client: Client) => ({
  server: { name: 's', flavorRef: '1', imageRef: await imageNamed(client), networks: [] },
})

const parentsOf = (spans: Span[], span: Span): string[] => {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
  return parent ? [parent.name, ...parentsOf(spans, parent)] : []
}

test('a request, what the engine does for it, and its calls to the cloud are one trace, that of whoever asked', async () => {
  const { instruments, flush, spans, requests } = collector({
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc,x-tenant=one',
    OTEL_SERVICE_NAME: 'front',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=here',
  })
  const plimsoll = await startPlimsoll({ instruments })
  const demo = plimsoll.as('demo').with({ traceparent: traceparent('00') })
  const id = await createServer(plimsoll, demo, { name: 'a-secret-name' })
  await flush()
  const [request, ...more] = spans.filter(({ name }) => name === 'server.create')
  expect(more).toEqual([])
  expect(request).toMatchObject({ traceId: CALLER.traceId, parentSpanId: CALLER.spanId, kind: 2, failed: false })
  expect(request!.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.response.status_code': 202,
    'http.route': '/compute/v2.1/servers',
    'plimsoll.project.id': plimsoll.projectId('demo'),
    'plimsoll.request.id': expect.stringMatching(/^req-/),
  })
  const call = spans.find(({ name }) => name === 'cloud server.create')!
  expect(call).toMatchObject({ traceId: CALLER.traceId, kind: 3 })
  expect(call.attributes['plimsoll.cloud.type']).toBe('sandbox')
  expect(parentsOf(spans, call)).toEqual(['step server present calling', 'converge server', 'server.create'])
  expect(spans.find(({ name }) => name === 'converge server')!.attributes['plimsoll.resource.id']).toBe(id)
  expect(JSON.stringify(spans)).not.toContain('a-secret-name')
  expect(requests[0]).toMatchObject({
    url: `${COLLECTOR}/v1/traces`,
    resource: { 'service.name': 'front', 'plimsoll.runtime': 'node', 'deployment.environment.name': 'here' },
  })
  expect(requests[0]!.headers.get('authorization')).toBe('Bearer abc')
  expect(requests[0]!.headers.get('x-tenant')).toBe('one')
})

test('work that another process does later, or the cron, is in the trace of the request that made it due; what comes by itself is not', async () => {
  const first = collector()
  const plimsoll = await startPlimsoll({ instruments: first.instruments })
  const demo = plimsoll.as('demo').with({ traceparent: traceparent() })
  const { server } = (await demo.post('/compute/v2.1/servers', await wish(demo))).body
  await first.flush()
  expect(first.spans.map(({ name }) => name)).not.toContain('converge server')

  // What that process had in memory is gone, its connections to clouds too: all that another one knows is in rows.
  const next = collector()
  const { d1, cloudState, settings } = plimsoll.host
  const other = await openHost({
    ...{ d1, settings, instruments: next.instruments },
    // Connections go by it.
    cloudState: {
      get: (key) => cloudState.get(key),
      put: (key, value, expected) => cloudState.put(key, value, expected),
      delete: (key, expected) => cloudState.delete(key, expected),
      list: (prefix, limit, after) => cloudState.list(prefix, limit, after),
    },
    now: () => plimsoll.clock.now,
    sleep: async (ms) => plimsoll.clock.advance(ms),
    defer: () => undefined,
    log: () => undefined,
  })
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round++) {
      plimsoll.clock.advance(1_000)
      await runCron(other)
    }
    await next.flush()
  }
  await rounds(20)
  const request = first.spans.find(({ name }) => name === 'server.create')!
  const converges = next.spans.filter(({ name }) => name === 'converge server')
  expect(new Set(converges.map(({ traceId, parentSpanId }) => `${traceId} ${parentSpanId}`))).toEqual(
    new Set([`${CALLER.traceId} ${request.spanId}`]),
  )
  expect(next.spans.find(({ name }) => name === 'cloud server.create')!.traceId).toBe(CALLER.traceId)

  next.spans.splice(0)
  plimsoll.clock.advance(3_600_000)
  await rounds(3)
  expect(next.spans.map(({ traceId }) => traceId)).not.toContain(CALLER.traceId)
  expect(next.spans.map(({ name }) => name)).toContain('loop reconcile')

  await demo.delete(`/compute/v2.1/servers/${server.id}`)
  await rounds(3)
  await first.flush()
  const removal = next.spans.find(({ name }) => name === 'cloud server.remove')!
  expect(removal.traceId).toBe(CALLER.traceId)
  expect(parentsOf([...first.spans, ...next.spans], removal).at(-1)).toBe('server.delete')
})

test('a stranger joins a trace, and does not say whether it is sent; a setting lets him, or begins a new one', async () => {
  const asked = async (env: Record<string, string>, header: string) => {
    const { instruments, flush, spans } = collector(env)
    const plimsoll = await startPlimsoll({ instruments })
    await plimsoll.nobody.get('/compute/v2.1/servers', { traceparent: header })
    await flush()
    return spans.map(({ traceId }) => traceId === CALLER.traceId)
  }
  const none = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }
  expect(await asked({}, traceparent('00'))).toEqual([true])
  expect(await asked(none, traceparent('01'))).toEqual([])
  expect(await asked({ ...none, PLIMSOLL_TRACE_PARENTS: 'obeyed' }, traceparent('01'))).toEqual([true])
  expect(await asked({ PLIMSOLL_TRACE_PARENTS: 'obeyed' }, traceparent('00'))).toEqual([])
  expect(await asked({ PLIMSOLL_TRACE_PARENTS: 'ignored' }, traceparent('01'))).toEqual([false])
  for (const junk of [
    `${traceparent()}-more`,
    traceparent().toUpperCase(),
    traceparent().replace(/^00/, 'ff'),
    traceparent().replace(CALLER.traceId, '0'.repeat(32)),
    traceparent().replace(CALLER.spanId, '0'.repeat(16)),
    `${traceparent()}, ${traceparent()}`,
    `01-${CALLER.traceId}-${CALLER.spanId}-01-${'x'.repeat(600)}`,
    '',
  ])
    expect(await asked({}, junk), junk).toEqual([false])
  expect(await asked({}, `01-${CALLER.traceId}-${CALLER.spanId}-01-more`)).toEqual([true])
})

/** A broker whose requests to webhooks and to AWS, which permits and has nothing, are heard. */
const overheard = async (env: Record<string, string> = {}) => {
  const all = collector(env)
  const webhooks: { type: string; traceparent: string | null }[] = []
  const calls: Headers[] = []
  const plimsoll = await startPlimsoll({
    instruments: all.instruments,
    settings: { webhookHosts: ['hooks.test'] },
    fetch: async (to, init) => {
      const headers = new Headers(init?.headers)
      if (!String(to).includes('hooks.test')) {
        calls.push(headers)
        return new Response('<Response/>', { headers: { 'content-type': 'text/xml' } })
      }
      const { type, data } = JSON.parse(String(init?.body))
      webhooks.push({ type: `${type} ${data.before ?? ''}`.trim(), traceparent: headers.get('traceparent') })
      return new Response(null, { status: 204 })
    },
  })
  const credentials = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'not-a-real-key' }
  const cloud = { name: 'aws', type: 'aws', region: 'us-east-1', credentials }
  expect((await plimsoll.as('admin').post('/broker/v1/clouds', { cloud })).status).toBe(201)
  const webhook = { name: 'hook', url: 'https://hooks.test/in', types: ['server.status'] }
  expect((await plimsoll.as('demo').post('/broker/v1/webhooks', { webhook })).status).toBe(201)
  await plimsoll.runDeferred()
  calls.splice(0)
  return { ...all, plimsoll, webhooks, calls }
}

test('what is not sent is in no row, and clouds and webhooks hear of no trace', async () => {
  const { plimsoll, flush, spans, webhooks, calls } = await overheard({ OTEL_TRACES_SAMPLER: 'always_off' })
  const demo = plimsoll.as('demo').with({ traceparent: traceparent() })
  await demo.post('/compute/v2.1/servers', await wish(demo))
  expect(await plimsoll.db.all(sql`select kind from bindings where trace is not null`)).toEqual([])
  await plimsoll.settle()
  await plimsoll.as('admin').with({ traceparent: traceparent() }).post('/broker/v1/clouds/aws/check')
  await flush()
  expect(spans).toEqual([])
  expect(webhooks.length).toBeGreaterThan(0)
  expect(calls.length).toBeGreaterThan(0)
  expect(webhooks.filter((each) => each.traceparent !== null)).toEqual([])
  expect(calls.filter((each) => each.has('traceparent'))).toEqual([])
})

test('a cloud hears of the trace that it is called in, beside what the signature is of', async () => {
  const { plimsoll, flush, spans, calls } = await overheard()
  await plimsoll.as('admin').with({ traceparent: traceparent() }).post('/broker/v1/clouds/aws/check')
  await flush()
  expect(calls.length).toBeGreaterThan(0)
  const called = spans.filter(({ name }) => name.startsWith('cloud ')).map(({ spanId }) => spanId)
  for (const headers of calls) {
    const [, traceId, spanId] = headers.get('traceparent')!.split('-')
    expect(traceId).toBe(CALLER.traceId)
    expect(called).toContain(spanId)
    const [, signed] = /SignedHeaders=([^,]+)/.exec(headers.get('authorization')!)!
    expect(signed).toContain('x-amz-date')
    expect(signed).not.toContain('traceparent')
  }
})

test('a webhook hears of the trace of what it is told', async () => {
  const { plimsoll, flush, spans, webhooks } = await overheard()
  await createServer(plimsoll, plimsoll.as('demo').with({ traceparent: traceparent() }))
  await plimsoll.settle()
  await flush()
  const active = webhooks.find(({ type }) => type === 'server.status BUILD')
  expect(active?.traceparent).toMatch(new RegExp(`^00-${CALLER.traceId}-[0-9a-f]{16}-01$`))
  const [span] = spans.filter(({ spanId }) => active?.traceparent?.includes(spanId))
  expect(span).toMatchObject({ name: 'webhook server.status', kind: 3, traceId: CALLER.traceId })
})

test('a collector that is down costs spans, and is told of once until it is up', async () => {
  const { instruments, state, waiting, logged, spans } = collector()
  const plimsoll = await startPlimsoll({ instruments })
  const ask = () => plimsoll.nobody.get('/compute/v2.1/servers')
  const later = async () => {
    while (waiting.length) await waiting.shift()!()
  }
  state.takes = false
  for (let i = 0; i < 3; i++) {
    expect((await ask()).status).toBe(401)
    expect(waiting).toHaveLength(1)
    await later()
  }
  expect(state.tries).toBe(3)
  expect(logged).toEqual(['warn: the collector of traces takes nothing; spans are lost until it does'])
  // More than are kept for it.
  for (let i = 0; i < 2_500; i++) await instruments.loop('x', async () => void instruments.trace())
  state.takes = true
  await later()
  expect(spans).toHaveLength(2_048)
  expect(logged.splice(1)).toEqual(['warn: spans came faster than the collector of traces takes them; some are lost'])
  state.takes = false
  await ask()
  await later()
  expect(logged).toHaveLength(2)
})

test('whoever sends may be ended amid it, as requests of Workers are: by the clock another one goes on', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { instruments, state, waiting, spans } = collector()
  const span = () => instruments.loop('x', async () => void instruments.trace())
  state.hangs = true
  await span()
  void waiting.shift()!()
  expect(state.tries).toBe(1)
  state.hangs = false
  // Who comes meanwhile sends nothing, and does not wait for the promise of the first.
  await span()
  await waiting.shift()!()
  expect([state.tries, waiting.length]).toEqual([1, 1])
  vi.setSystemTime(Date.now() + 13_000)
  await waiting.shift()!()
  expect([state.tries, spans.length, waiting.length]).toEqual([2, 1, 0])
  // And one whose turn never came.
  await span()
  waiting.splice(0)
  await span()
  expect(waiting).toHaveLength(0)
  vi.setSystemTime(Date.now() + 4_000)
  await span()
  expect(waiting).toHaveLength(1)
  await waiting.shift()!()
  expect(spans).toHaveLength(4)
})

test('a turn sends once, however much comes meanwhile, and leaves the rest to the next', async () => {
  const { instruments, state, waiting, spans, flush } = collector()
  const span = () => instruments.loop('x', async () => void instruments.trace())
  await span()
  state.meanwhile = span
  await waiting.shift()!()
  expect([state.tries, spans.length, waiting.length]).toEqual([1, 1, 1])
  await waiting.shift()!()
  expect([state.tries, spans.length, waiting.length]).toEqual([2, 2, 1])
  await flush()
  expect([state.tries, spans.length]).toEqual([3, 3])
})

test('strangers displace the spans of no work', async () => {
  const { instruments, waiting, spans } = collector()
  const plimsoll = await startPlimsoll({ instruments })
  for (let i = 0; i < 300; i++) await plimsoll.nobody.get(i % 2 ? '/compute/v2.1/servers' : '/livez')
  for (let i = 0; i < 1_700; i++) await instruments.loop('x', async () => void instruments.trace())
  while (waiting.length) await waiting.shift()!()
  expect(spans.filter(({ kind }) => kind === 2)).toHaveLength(256)
  expect(spans.filter(({ name }) => name === 'loop x')).toHaveLength(1_700)
})

test('a collector that is slow has ten seconds on Workers, where more would outlive the request', async () => {
  const limits: number[] = []
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    limits.push(ms)
    return new AbortController().signal
  })
  onTestFinished(() => timeout.mockRestore())
  const settings = tracesFrom({ OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR, OTEL_EXPORTER_OTLP_TIMEOUT: '60000' })!
  for (const runtime of ['node', 'workers']) {
    const outside = { fetch: (async () => new Response()) as typeof fetch, log: () => {}, later: () => {} }
    const { instruments, flush } = openTraces(settings, runtime, outside)
    await instruments.loop('x', async () => void instruments.trace())
    await flush()
  }
  expect(limits).toEqual([60_000, 10_000])
})

test('settings that nobody can work with are named', () => {
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR }
  expect(tracesFrom({})).toBe(null)
  expect(tracesFrom({ ...on, OTEL_SDK_DISABLED: 'true' })).toBe(null)
  expect(tracesFrom({ ...on, OTEL_TRACES_EXPORTER: 'none' })).toBe(null)
  const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }
  expect(tracesFrom({ ...grpc, OTEL_SDK_DISABLED: 'TRUE' })).toBe(null)
  expect(tracesFrom({ ...grpc, OTEL_TRACES_EXPORTER: 'none' })).toBe(null)
  expect(tracesFrom({ ...on, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://x.test/in' })?.url).toBe('https://x.test/in')
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://me:secret@collector'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'nonsense'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a b=c'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', 'soon'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['PLIMSOLL_TRACE_PARENTS', 'trusted'],
  ] as const)
    expect(() => tracesFrom({ ...on, [name]: value }), name).toThrow(name)
})
