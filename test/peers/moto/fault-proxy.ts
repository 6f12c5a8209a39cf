import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { assemble, errorBody, idsIn, listing } from './xml.ts'

/**
 * Stands in front of an EC2 simulator and does what EC2 does and the simulator does not: it answers a repeated
 * ClientToken with the first answer, pages its lists, and fails in the ways that are written down as rules.
 */

export interface Rule {
  /** `RunInstances`, or `*` for all. */
  action: string
  /**
   * `lost-answer` lets the call take effect and drops the connection; `lost-call` drops it before; `garbage` answers
   * with a page of HTML; `delay-visibility` hides what the call makes from Describe calls; anything else is an EC2
   * error code.
   */
  fault: string
  /** Only calls that have these parameters. */
  params?: Record<string, string>
  /** How many calls it hits; without it all of them. */
  times?: number
  /** 0 to 1, from the proxy's own seeded random numbers; 1 if left out. */
  probability?: number
  /** For `delay-visibility`. */
  ms?: number
}

interface Call {
  action: string
  params: Record<string, string>
  /** What was done instead of a plain answer. */
  fault?: string
  status?: number
}

export interface FaultProxy {
  url: string
  rules: Rule[]
  log: Call[]
  /** Instances that are said to have been taken back, once they are terminated, by id: when, in milliseconds since 1970. */
  interrupted: Map<string, number>
  /** Instances of which the spot request says that they are about to be interrupted, by id: since when. */
  announced: Map<string, number>
  /** Largest page of any Describe answer, below what the caller asks for; null: only the caller's limit counts. */
  pageSize: number | null
  /** Takes back rules, log, hidden ids, remembered tokens, and what was said of instances. */
  clear(): void
  stop(): Promise<void>
}

/** Statuses of refusals that are not 400. */
const STATUS: Record<string, number> = {
  RequestLimitExceeded: 503,
  Unavailable: 503,
  InternalError: 500,
  InsufficientInstanceCapacity: 500,
  InsufficientVolumeCapacity: 500,
  UnauthorizedOperation: 403,
}

/** Actions whose ClientToken EC2 honours; others ignore the parameter. */
const TOKENED = new Set(['RunInstances', 'CreateNetworkInterface', 'CreateVolume', 'CreateRouteTable', 'StartSnapshot'])

/** A small generator whose sequence a seed fixes. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const readAll = async (request: IncomingMessage): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The direct API of EBS has paths in place of actions; undefined: it is EC2 that is asked. */
const ebsAction = ({ method, url = '' }: IncomingMessage): string | undefined => {
  if (!url.startsWith('/snapshots')) return undefined
  if (method === 'PUT') return 'PutSnapshotBlock'
  return url === '/snapshots' ? 'StartSnapshot' : 'CompleteSnapshot'
}

/** What the body of `StartSnapshot` says, as parameters. */
const snapshotIn = (bytes: Buffer): Record<string, string> => {
  const Body = bytes.toString()
  return { ClientToken: String(JSON.parse(Body).ClientToken), Body }
}

/** An item of a listing; an instance that was terminated as one that EC2 took back, where that is said of it. */
const told = (item: string, interrupted: ReadonlyMap<string, number>): string => {
  const at = interrupted.get(/<instanceId>([^<]*)<\/instanceId>/.exec(item)?.[1] ?? '')
  if (at === undefined || !item.includes('<name>terminated</name>')) return item
  const [day, time] = new Date(at).toISOString().split(/[T.]/)
  return item
    .replace(/(<stateReason>\s*<code>)[^<]*/, '$1Server.SpotInstanceTermination')
    .replace(
      /(<stateReason>\s*<code>[^<]*<\/code>\s*<message>)[^<]*/,
      '$1Server.SpotInstanceTermination: Spot instance termination',
    )
    .replace(/(<reason>)[^<]*/, `$1Service initiated (${day} ${time} GMT)`)
}

const VALUE = /^Filter\.\d+\.Value\.\d+$/

/**
 * What EC2 says of spot requests, of which moto knows none for what RunInstances buys: those that are about to be interrupted.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotInstanceRequests.html
 */
const spotRequests = (params: URLSearchParams, announced: ReadonlyMap<string, number>): string => {
  const asked = [...params].filter(([name]) => VALUE.test(name)).map(([, value]) => value)
  const items = [...announced].map(
    ([id, at]) =>
      `<item><spotInstanceRequestId>sir-${id.slice(2, 10)}</spotInstanceRequestId><state>active</state><instanceId>${id}</instanceId>
        <status><code>marked-for-termination</code><message>The Spot Instance is marked for termination.</message>
        <updateTime>${new Date(at).toISOString()}</updateTime></status></item>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?><DescribeSpotInstanceRequestsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>r</requestId><spotInstanceRequestSet>${asked.includes('marked-for-termination') ? items.join('') : ''}</spotInstanceRequestSet></DescribeSpotInstanceRequestsResponse>`
}

/** @param target URL of the simulator */
export const startProxy = async (target: string, seed = 1): Promise<FaultProxy> => {
  const chance = random(seed)
  const answers = new Map<string, { params: string; body: string }>()
  const running = new Map<string, Promise<unknown>>()
  const hidden = new Map<string, number>()
  const known = new Set<string>()
  const hits = new Map<Rule, number>()

  const forward = async (
    request: IncomingMessage,
    body: string | Buffer<ArrayBuffer>,
  ): Promise<{ status: number; body: string }> => {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(request.headers))
      if (/^(authorization|content-type|x-amz-.*)$/.test(name) && typeof value === 'string') headers[name] = value
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'POST',
      headers,
      ...(body.length ? { body } : {}),
    })
    return { status: answer.status, body: await answer.text() }
  }

  const isMeant = (rule: Rule, action: string, params: URLSearchParams): boolean =>
    (rule.action === '*' || rule.action === action) &&
    Object.entries(rule.params ?? {}).every(([name, value]) => params.get(name) === value)

  const ruleFor = (action: string, params: URLSearchParams): Rule | undefined =>
    proxy.rules.find((rule) => {
      if (!isMeant(rule, action, params)) return false
      // What was made with this token stays made, however little room there is by now.
      if (rule.fault.startsWith('Insufficient') && answers.has(`${action} ${params.get('ClientToken')}`)) return false
      const hit = hits.get(rule) ?? 0
      if (hit >= (rule.times ?? Number.POSITIVE_INFINITY) || chance() >= (rule.probability ?? 1)) return false
      hits.set(rule, hit + 1)
      return true
    })

  const visible = (item: string): boolean => {
    const now = Date.now()
    return !idsIn(item).some((id) => (hidden.get(id) ?? 0) > now)
  }

  /** Asks the simulator for all and gives out what the caller and the proxy agree on. */
  const describe = async (request: IncomingMessage, params: URLSearchParams) => {
    const token = params.get('NextToken')
    const size = Math.min(
      Number(params.get('MaxResults') ?? Number.POSITIVE_INFINITY),
      proxy.pageSize ?? Number.POSITIVE_INFINITY,
    )
    const forwarded = new URLSearchParams(params)
    forwarded.delete('MaxResults')
    forwarded.delete('NextToken')
    if (token !== null && !/^page:\d+$/.test(token)) {
      return { status: 400, body: errorBody('InvalidNextToken', 'The token is not valid.') }
    }
    const answer = await forward(request, forwarded.toString())
    const whole = answer.status === 200 ? listing(answer.body) : null
    if (!whole) return answer
    const items = whole.items.filter(visible).map((item) => told(item, proxy.interrupted))
    const from = Number(token?.slice('page:'.length) ?? 0)
    const next = from + size < items.length ? `page:${from + size}` : undefined
    return { status: 200, body: assemble({ ...whole, items: items.slice(from, from + size) }, next) }
  }

  /** The first answer to a token is the answer to all that come with it. */
  const once = async (
    request: IncomingMessage,
    action: string,
    params: URLSearchParams,
    body: string | Buffer<ArrayBuffer>,
  ) => {
    const key = `${action} ${params.get('ClientToken')}`
    const asked = params.toString()
    while (running.has(key)) await running.get(key)
    const earlier = answers.get(key)
    if (earlier) {
      return earlier.params === asked
        ? { status: 200, body: earlier.body }
        : { status: 400, body: errorBody('IdempotentParameterMismatch', 'The token was used with other parameters.') }
    }
    const answering = (async () => {
      const answer = await forward(request, body)
      if (answer.status < 300) answers.set(key, { params: asked, body: answer.body })
      return answer
    })()
    running.set(key, answering)
    return answering.finally(() => running.delete(key))
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await readAll(request)
    const ebs = ebsAction(request)
    const body = ebs ? bytes : bytes.toString()
    const params = new URLSearchParams(
      ebs === 'StartSnapshot' ? snapshotIn(bytes) : ebs === undefined ? bytes.toString() : {},
    )
    const action = ebs ?? params.get('Action') ?? ''
    const call: Call = { action, params: Object.fromEntries(params) }
    proxy.log.push(call)
    const rule = ruleFor(action, params)
    const send = (status: number, text: string, type = 'text/xml') => {
      call.status = status
      response.writeHead(status, { 'content-type': type }).end(text)
    }
    if (rule) call.fault = rule.fault
    switch (rule?.fault) {
      case undefined:
      case 'lost-answer':
      case 'delay-visibility':
        break
      case 'lost-call':
        request.socket.destroy()
        return
      case 'garbage':
        return send(502, '<!doctype html><title>502 Bad Gateway</title><p>No.', 'text/html')
      default:
        if (ebs) return send(STATUS[rule!.fault] ?? 400, JSON.stringify({ __type: rule!.fault }), 'application/json')
        return send(STATUS[rule!.fault] ?? 400, errorBody(rule!.fault, `A rule says ${rule!.fault}.`))
    }
    if (action === 'DescribeSpotInstanceRequests') return send(200, spotRequests(params, proxy.announced))
    const answer = action.startsWith('Describe')
      ? await describe(request, params)
      : TOKENED.has(action) && params.has('ClientToken')
        ? await once(request, action, params, body)
        : await forward(request, body)
    for (const id of idsIn(answer.body)) {
      if (rule?.fault === 'delay-visibility' && !known.has(id)) hidden.set(id, Date.now() + (rule.ms ?? 1_000))
      known.add(id)
    }
    if (rule?.fault === 'lost-answer') {
      request.socket.destroy()
      return
    }
    send(answer.status, answer.body, ebs ? 'application/json' : undefined)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      response.writeHead(502, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  const proxy: FaultProxy = {
    url: '',
    rules: [],
    log: [],
    interrupted: new Map(),
    announced: new Map(),
    pageSize: null,
    clear() {
      proxy.rules = []
      proxy.log.length = 0
      proxy.pageSize = null
      for (const memory of [answers, hidden, known, hits, proxy.interrupted, proxy.announced]) memory.clear()
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy
}
