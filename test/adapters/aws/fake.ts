import type { Connection, Surroundings } from '../../../adapters/contract.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { MemoryStore } from '../../support/memory-store.ts'

/** One request as EC2 would read it. */
export interface Asked {
  action: string
  params: URLSearchParams
  headers: Headers
  url: string
  method: string
  /** As it was sent. */
  body: unknown
}
export type Answer = string | Response | Error

export interface Fake {
  surroundings: Surroundings
  asked: Asked[]
  /** Actions in the order in which they were asked for. */
  actions(): string[]
  /** Moves the clock. */
  advance(ms: number): void
}

/** EC2's error body, as the API reference shows it. */
export const refusal = (code: string, status = 400): Response =>
  new Response(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>arn:aws:iam::123456789012:user/x may not</Message></Error></Errors><RequestID>req-1</RequestID></Response>`,
    { status, headers: { 'content-type': 'text/xml' } },
  )

/** A list answer: `list('DescribeVpcs', 'vpcSet', [{vpcId: 'vpc-1'}])`. */
export const list = (action: string, set: string, items: string[], next?: string): string =>
  `<${action}Response><requestId>r</requestId><${set}>${items.map((item) => `<item>${item}</item>`).join('')}</${set}>${
    next ? `<nextToken>${next}</nextToken>` : ''
  }</${action}Response>`

export const tags = (values: Record<string, string>): string =>
  `<tagSet>${Object.entries(values)
    .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
    .join('')}</tagSet>`

/** A cloud that answers from a function, with a clock that stands. */
export const fake = (answer: (asked: Asked) => Answer): Fake => {
  const asked: Asked[] = []
  let now = 1_800_000_000_000
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const body: unknown = init?.body ?? ''
    const params = new URLSearchParams(typeof body === 'string' ? body : '')
    const one: Asked = {
      action: params.get('Action') ?? '',
      params,
      headers: new Headers(init?.headers),
      url: String(input),
      method: init?.method ?? 'GET',
      body,
    }
    asked.push(one)
    const result = answer(one)
    if (result instanceof Error) throw result
    return typeof result === 'string' ? new Response(result, { headers: { 'content-type': 'text/xml' } }) : result
  }
  return {
    asked,
    actions: () => asked.map(({ action }) => action),
    advance(ms) {
      now += ms
    },
    surroundings: {
      blobs: new MemoryBlobs(),
      fetch,
      now: () => now,
      sleep: async () => {},
      store: new MemoryStore(),
      cache: new Map(),
      log() {},
      timeoutMs: 5_000,
      runtime: 'node',
    },
  }
}

export const connection = (change: Partial<Connection> = {}): Connection => ({
  cloudId: 'c1',
  name: 'aws-east',
  endpoint: null,
  region: 'us-east-1',
  options: {},
  credentials: { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  mapping: {},
  deployment: 'd1',
  ...change,
})
