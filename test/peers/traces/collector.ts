import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, freePort, launch } from '../support/child.ts'
import { buildGo } from '../support/go.ts'
import { patiently } from '../support/patiently.ts'

const SOURCE = fileURLToPath(new URL('collector/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.cache/peers/', import.meta.url))

export interface Span {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
}

export interface Collector {
  url: string
  /** All spans of a trace that came so far. */
  spansOf(traceId: string): Promise<Span[]>
  stop: Child['stop']
  tail: Child['tail']
}

/** OpenTelemetry's own collector, put together of its receiver of OTLP and its exporter of files, and built once. */
const program = async (): Promise<string> => {
  const hash = createHash('sha256')
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(SOURCE, name)))
  const binary = `${CACHE}collector-${hash.digest('hex').slice(0, 8)}`
  if (existsSync(binary)) return binary
  await mkdir(CACHE, { recursive: true })
  const fresh = `${binary}.${process.pid}`
  await buildGo(SOURCE, fresh)
  await rename(fresh, binary)
  return binary
}

/** @param folder where it writes, and that goes afterwards */
export const startCollector = async (folder: string): Promise<Collector> => {
  const command = await program()
  const port = await freePort()
  const out = join(folder, 'spans.json')
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { file: { path: out, flush_interval: '200ms' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
    },
  }
  const path = join(folder, 'collector.yaml')
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config))
  const child = launch({ command, args: ['--config', `file:${path}`] })
  const url = `http://127.0.0.1:${port}`
  await patiently(async () => {
    const { status } = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"resourceSpans":[]}',
    })
    if (status !== 200) throw new Error(`the collector answers ${status}`)
  }, 30_000).catch((error) => {
    throw new Error(`${error}\n${child.tail(20)}`)
  })
  return {
    url,
    spansOf: async (traceId) =>
      (existsSync(out) ? await readFile(out, 'utf8') : '')
        .split('\n')
        .slice(0, -1)
        // biome-ignore lint/suspicious/noExplicitAny: as OTLP has it
        .flatMap((line) => JSON.parse(line).resourceSpans as any[])
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }: { spans: Span[] }) => spans))
        .filter((span) => span.traceId === traceId),
    stop: child.stop,
    tail: child.tail,
  }
}
