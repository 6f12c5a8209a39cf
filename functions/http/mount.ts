import type { Hono } from 'hono'
import { CloudError, type CloudErrorCode, ReadOnly } from '../../adapters/errors.ts'
import type { Arrival, Context, Log } from '../context.ts'
import { STANDING, withHeaders } from './answer-headers.ts'
import { check, readJson } from './body.ts'
import { Fault } from './fault.ts'
import { requestedVersion, versionHeaders } from './microversion.ts'
import type { Answer, Input, Operation } from './operation.ts'
import { type RequestIds, requestIds } from './request-ids.ts'
import { RolesChanged } from './roles-changed.ts'
import type { Service } from './service.ts'
import { storageFault } from './storage-fault.ts'

/** What the protocol needs from the program around it. */
export interface Door {
  /** Verifies the token for what the route asks (401, 403) and gives the context that the handler works in. Whose it is is noted first, where somebody is told. */
  enter(arrived: Arrived, route: Routed, ids: RequestIds, admitted: Admitted, again?: boolean): Promise<Context>
  /** Looks at a request before anything is done for it: 400 for a host that is not served, 429 for one too many. */
  admit(request: Request, peer: string | undefined): Admitted
  /** Hears of each request that was done as it was asked. */
  done(route: Routed): void
  /** Serves a request that may come a second time, so that it counts once. */
  once(context: Context, request: Request, serve: (context: Context) => Promise<Response>): Promise<Response>
  log: Log
  newId(): string
}

/** Where a request goes. */
export interface Routed {
  service: Service
  operation: Operation
  /** The path as it was routed: decoded, but for what would change its parts. */
  path: string
  params: Record<string, string>
}

/** A request, and what is told of it. */
type Arrived = Pick<Handed, 'request' | 'arrival'>

interface Admitted {
  /** The address that it came from, as limits count it. */
  source: string
  /** Origin that clients see: what links begin with. */
  origin: string
}

/** What comes with each request: routes are the same for every host. */
export interface Entrance {
  door: Door
  /** Address of the other side of the connection, where the runtime tells it. */
  peer?: string | undefined
  /** What is told of the request; absent: nobody is told. */
  arrival?: Arrival | undefined
}

/** Puts every operation of a service on its route. */
export const mount = <E extends Entrance>(app: Hono<{ Bindings: E }>, service: Service): void => {
  for (const operation of service.operations) {
    const path = service.prefix + operation.path
    for (const each of service.takesSlashes && !path.endsWith('/') ? [path, `${path}/`] : [path])
      app.on(operation.method, each, async (c) =>
        heard(
          c.req.raw,
          await serve(
            { request: c.req.raw, peer: c.env.peer, arrival: c.env.arrival, params: c.req.param(), path: c.req.path },
            operation,
            service,
            c.env.door,
          ),
        ),
      )
  }
}

/** What a HEAD would have read is let go: a body that nobody reads or ends keeps its file, or its place among streams. */
const heard = async ({ method }: Request, response: Response): Promise<Response> => {
  if (method !== 'HEAD' || !response.body) return response
  await response.body.cancel()
  return new Response(null, response)
}

/**
 * Clear answers on every path below a service's prefix that is no route, in its dialect; null elsewhere. Not a route
 * itself: one that matches everything would be matched, for nothing, by every request.
 */
export const refuser = (services: Service[]) => {
  const known = services
    .map((service) => ({ service, paths: methodsByPath(service) }))
    .sort((one, other) => other.service.prefix.length - one.service.prefix.length)
  return (request: Request, entrance: Entrance): Response | null => {
    const { pathname } = new URL(request.url)
    const found = known.find(({ service: { prefix } }) => pathname === prefix || pathname.startsWith(`${prefix}/`))
    return found ? answerUnrouted(request, entrance, found.service, found.paths) : null
  }
}

/** A request as the router hands it on. */
interface Handed extends Pick<Entrance, 'arrival'> {
  request: Request
  /** Address of the other side of the connection, where the runtime tells it. */
  peer: string | undefined
  params: Record<string, string>
  path: string
}

const serve = async (
  { request, peer, arrival, params, path }: Handed,
  operation: Operation,
  service: Service,
  door: Door,
): Promise<Response> => {
  const ids = requestIds(request.headers, door.newId)
  const { requestId } = ids
  let version = service.microversions?.min ?? 0
  if (arrival)
    Object.assign(arrival, ids, {
      to: { service: service.prefix, operation: operation.name, route: service.prefix + operation.path },
    })
  try {
    const admitted = door.admit(request, peer)
    if (service.microversions) version = requestedVersion(request.headers, service.microversions)
    if (version < (operation.since ?? 0) || version > (operation.until ?? Number.POSITIVE_INFINITY))
      throw new Fault(404, 'The resource could not be found.')
    const route = { service, operation, path, params }
    const enter = (again: boolean) => door.enter({ request, arrival }, route, ids, admitted, again)
    const work = async (context: Context): Promise<Response> => {
      const queries = searchOf(request.url)
      const query = queries === NO_QUERY ? {} : Object.fromEntries(queries)
      const { origin } = admitted
      const answer = await answerOf(service, operation, {
        context,
        params,
        query: operation.query
          ? (check(pick(operation.query, version), query, service.dialect) as Record<string, string>)
          : query,
        queries,
        body: operation.body
          ? check(pick(operation.body, version), await readJson(request, service.dialect), service.dialect)
          : undefined,
        version,
        base: origin + service.prefix,
        origin,
        request,
      })
      door.done(route)
      return answer instanceof Response
        ? withHeaders(answer, standardHeaders(service, version, requestId))
        : toResponse(answer, operation.status, service, version, requestId)
    }
    const once = (context: Context) =>
      looked(context, () => (operation.method === 'POST' ? door.once(context, request, work) : work(context)))
    return await once(await enter(false)).catch(async (error) => {
      if (!(error instanceof RolesChanged)) throw error
      return once(await enter(true))
    })
  } catch (error) {
    // What a read is refused with is its answer, and to look at the connection would take longer than the read.
    const answered = operation.method === 'GET' && error instanceof Fault
    if (answered || !(await hasLeft(request))) return toFaultResponse(error, service, version, ids, door.log)
    door.log('info', 'a client left before its answer', { requestId: ids.requestId })
    return new Response(null, { status: 400 })
  }
}

/** Nothing is answered, not even a refusal, before the caller's token was looked at. */
const looked = async (context: Context, serve: () => Promise<Response>): Promise<Response> => {
  const { look } = context
  if (!look) return serve()
  try {
    return await serve()
  } finally {
    // What it throws takes the place of the answer.
    await look.settled(context.db)
  }
}

/** Whether nobody waits for the answer any more. A body that breaks off is seen a moment before its connection is. */
const hasLeft = async (request: Request): Promise<boolean> => {
  if (request.body === null) return request.signal?.aborted ?? false
  await new Promise((resolve) => setTimeout(resolve, 0))
  return request.signal?.aborted ?? false
}

/** What the handler answers. What it throws is worded here alone: by the operation, else by its service. */
const answerOf = async (service: Service, operation: Operation, input: Input): Promise<Answer | Response> => {
  try {
    return await operation.handle(input)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw (await operation.refuse?.(error, input)) ?? (await service.refuse?.(error, input, operation)) ?? error
  }
}

const built = new WeakMap<object, Map<number, unknown>>()

/** The schema of a version, built once: to build one costs more than to check what it is for. */
const pick = <T extends object>(schema: T | ((version: number) => T), version: number): T => {
  if (typeof schema !== 'function') return schema
  const known = (built.get(schema) ?? new Map()) as Map<number, T>
  built.set(schema, known)
  const picked = known.get(version) ?? schema(version)
  known.set(version, picked)
  return picked
}

/** Most reads have no query, and parsing costs as much as they do. No handler changes what it is given. */
const NO_QUERY = new URLSearchParams()
const searchOf = (url: string): URLSearchParams => {
  const from = url.indexOf('?')
  return from < 0 ? NO_QUERY : new URLSearchParams(url.slice(from + 1))
}

const standing = new WeakMap<Service, Map<number, Record<string, string>>>()

/** What every answer of a service has in a version, but for the id of its request. Shared: copied before it is changed. */
const standingHeaders = (service: Service, version: number): Readonly<Record<string, string>> => {
  const known = standing.get(service) ?? new Map<number, Record<string, string>>()
  standing.set(service, known)
  const headers = known.get(version) ?? {
    ...STANDING,
    ...(service.microversions ? versionHeaders(service.microversions, version) : {}),
    ...service.headers,
    ...Object.fromEntries(service.dialect.requestIdHeaders.map((name) => [name, ''])),
  }
  known.set(version, headers)
  return headers
}

const standardHeaders = (service: Service, version: number, requestId: string): Record<string, string> => {
  const headers = { ...standingHeaders(service, version) }
  for (const name of service.dialect.requestIdHeaders) headers[name] = requestId
  return headers
}

const toResponse = (answer: Answer, status: number, service: Service, version: number, requestId: string): Response => {
  const headers = standardHeaders(service, version, requestId)
  if (answer.headers) Object.assign(headers, answer.headers)
  const text = answer.json ?? (answer.body === undefined ? null : JSON.stringify(answer.body))
  if (text !== null) headers['Content-Type'] ??= 'application/json'
  return new Response(text, { status: answer.status ?? status, headers })
}

/** The one place where an error gets its status. */
const toFaultResponse = (error: unknown, service: Service, version: number, ids: RequestIds, log: Log): Response => {
  const { requestId, globalRequestId } = ids
  const fault = toFault(error)
  if (fault.status >= 500 && fault.status !== 501)
    log('error', 'request failed', {
      requestId,
      ...(globalRequestId ? { globalRequestId } : {}),
      error: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? error.stack : undefined,
      ...(error instanceof CloudError
        ? { cloud: error.detail.operatorMessage, cloudCode: error.detail.cloudCode }
        : {}),
    })
  const { body, contentType } = service.dialect.render(fault, requestId)
  return new Response(body, {
    status: fault.status,
    headers: { ...standardHeaders(service, version, requestId), 'Content-Type': contentType, ...fault.headers },
  })
}

const statusOf: Record<CloudErrorCode, number> = {
  throttled: 503,
  ambiguous: 503,
  capacity: 503,
  not_found: 404,
  conflict: 409,
  definitive: 400,
  denied: 503,
}

const toFault = (error: unknown): Fault => {
  if (error instanceof Fault) return error
  if (error instanceof ReadOnly) return new Fault(403, error.message)
  if (error instanceof CloudError) return new Fault(statusOf[error.code], error.message)
  const storage = storageFault(error)
  if (storage) return storage
  return new Fault(500, 'The server has either erred or is incapable of performing the requested operation.')
}

const methodsByPath = (service: Service): { pattern: RegExp; methods: string[] }[] => {
  const methods = new Map<string, string[]>()
  for (const o of service.operations) methods.set(o.path, [...(methods.get(o.path) ?? []), o.method])
  return [...methods].map(([path, list]) => ({
    pattern: new RegExp(
      `^${(service.prefix + path).replace(/:\w+(?:\{([^}]*)\})?/g, (_, pattern?: string) => pattern ?? '[^/]+')}$`,
    ),
    methods: list,
  }))
}

/** A path that exists, but not with this method, is 405 with `Allow`; anything else is 404. */
const answerUnrouted = (
  request: Request,
  { door, peer }: Entrance,
  service: Service,
  paths: ReturnType<typeof methodsByPath>,
): Response => {
  const ids = requestIds(request.headers, door.newId)
  const { pathname } = new URL(request.url)
  const allowed = paths.filter((p) => p.pattern.test(pathname)).flatMap((p) => p.methods)
  const answer = (error: unknown) => toFaultResponse(error, service, service.microversions?.min ?? 0, ids, door.log)
  try {
    door.admit(request, peer)
  } catch (error) {
    return answer(error)
  }
  return answer(
    allowed.length
      ? new Fault(405, 'The method is not allowed for this resource.', {
          headers: { Allow: [...new Set(allowed)].join(', ') },
        })
      : new Fault(404, 'The resource could not be found.'),
  )
}
