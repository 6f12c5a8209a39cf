import { Hono } from 'hono'
import { everyProject } from '../db/scope.ts'
import { isAllowed } from './auth/access-rules.ts'
import { Verifier } from './auth/caller.ts'
import { authorize, unauthorized } from './auth/policy.ts'
import { Rate } from './auth/rate.ts'
import { listed, type Peer, sourceOf } from './auth/source.ts'
import type { Arrival, Caller, Context, Host, Log } from './context.ts'
import { keyring } from './crypto/keyring.ts'
import { healthOf } from './health.ts'
import { REQUEST_ID, STANDING } from './http/answer-headers.ts'
import { Fault, tooMany } from './http/fault.ts'
import { type Door, type Entrance, mount, type Routed, refuser } from './http/mount.ts'
import type { Operation } from './http/operation.ts'
import { originsOf } from './http/origin.ts'
import { type RequestIds, requestIds } from './http/request-ids.ts'
import { SegmentRouter } from './http/router.ts'
import { metricsOf } from './instruments/answer.ts'
import { pageAnswer } from './pages/answer.ts'
import { consoleAnswer } from './remote-console/answer.ts'
import { serveOnce } from './repeat.ts'
import { services } from './services.ts'

/** The route table as a value: what the tests sweep over and the reference is printed from. */
export const operations = services.flatMap((service) => service.operations.map((operation) => ({ service, operation })))

/** Paths whose bodies are image data, however long they take. */
const DATA = operations
  .filter(({ operation }) => operation.raw)
  .map(({ service, operation: { method, path } }) => ({
    method: method as string,
    pattern: new RegExp(`^${service.prefix}${path.replace(/:\w+/g, '[^/]+')}$`),
  }))
export const isImageData = (method: string, path: string): boolean =>
  DATA.some((each) => each.method === method && each.pattern.test(path))

/** Methods that change nothing. */
const SAFE = ['GET', 'HEAD']
/** Whether it may have ended tokens, or taken roles from them: whatever changes identity does, but for logins. */
const takesAway = ({ service, operation }: Routed): boolean =>
  service.types.includes('identity') &&
  !SAFE.includes(operation.method) &&
  (operation.who !== 'public' || operation.name === 'user.change_password')

const refuseFor = (seconds: number): void => {
  if (seconds > 0) throw tooMany(seconds)
}

/** What a request finds, besides its door: the host behind it. */
interface Hall extends Entrance {
  host: Host
  health(): Promise<string | null>
  metrics: ReturnType<typeof metricsOf>
}

/** Every route, made once: a host is met at each request. */
const routes = new Hono<{ Bindings: Hall }>({ router: new SegmentRouter() })

const plain = (request: Request, host: Host) => {
  const { requestId } = requestIds(request.headers, host.newId)
  return { ...STANDING, [REQUEST_ID]: requestId }
}
// Alive is whatever answers; healthy, and ready for requests, is what can also write.
routes.get('/livez', (c) => c.json({ status: 'ok' }, 200, plain(c.req.raw, c.env.host)))
for (const path of ['/healthz', '/readyz'])
  routes.get(path, async (c) => {
    const { host, health } = c.env
    const reason = await health()
    const who = { deployment: host.deployment.id, runtime: host.settings.runtime }
    const headers = plain(c.req.raw, host)
    return reason === null
      ? c.json({ status: 'ok', ...who }, 200, headers)
      : c.json({ status: 'unavailable', reason, ...who }, 503, headers)
  })
routes.get('/metrics', async (c) => {
  const { raw: request } = c.req
  const { host, door, peer, metrics } = c.env
  const admit = () => void door.admit(request, peer)
  return (await metrics({ request, peer, admit, headers: plain(request, host) })) ?? c.notFound()
})
for (const service of services) mount(routes, service)
const refuse = refuser(services)
routes.notFound(async (c) => {
  const { raw: request, path } = c.req
  const { host, door, peer } = c.env
  const admit = () => void door.admit(request, peer)
  const headers = plain(request, host)
  return (
    refuse(request, c.env) ??
    (await pageAnswer(request, { pages: host.pages, admit, headers })) ??
    (await consoleAnswer(request, host, admit)) ??
    c.json({ error: { code: 404, title: 'Not Found', message: `There is no service at ${path}.` } }, 404, headers)
  )
})

export interface App {
  /** @param from what is known of the connection */
  fetch(request: Request, from?: Peer): Response | Promise<Response>
}

/** The whole API over one host. */
export const createApp = (host: Host): App => {
  const verifier = new Verifier(keyring(host.settings.secretKeys, 'token'))

  const trusted = listed(host.settings.trustedProxies)
  const originOf = originsOf(host.settings)
  const perSource = new Rate(host.settings.requestsPerSource)
  const perUser = new Rate(host.settings.requestsPerUser)

  const door: Door = {
    log: host.log,
    once: serveOnce,
    newId: host.newId,
    admit: (request, peer) => {
      const source = sourceOf(request.headers, peer, trusted)
      refuseFor(perSource.wait(source, host.now()))
      return { source, origin: originOf(request.url) }
    },
    enter: async ({ request, arrival }, route, ids, { source }, again): Promise<Context> => {
      const { operation } = route
      const begun = operation.looksAlong && !again ? begin(request, route) : null
      const caller = begun?.token ?? (operation.who === 'public' ? null : await callerOf(request, operation))
      if (arrival) arrival.caller = caller
      if (caller && !again) refuseFor(perUser.wait(caller.userId, host.now()))
      try {
        letIn(caller, request, route)
      } catch (error) {
        if (error instanceof Fault && error.status === 403)
          await operation.absent?.({ db: host.db, params: route.params })
        throw error
      }
      // One object is copied at once; every other one that is spread costs more than it.
      const context: Context = {
        ...host,
        requestId: ids.requestId,
        globalRequestId: ids.globalRequestId,
        log: loggingAs(host.log, ids),
        caller,
        source,
        scope: caller && !caller.isAdmin ? { projectId: caller.projectId } : everyProject,
      }
      if (begun) context.look = begun.look
      return context
    },
    done: (route) => {
      if (takesAway(route)) verifier.distrust()
    },
  }
  const letIn = (caller: Caller | null, request: Request, { service, operation, path }: Routed): void => {
    const { accessRules: rules } = caller ?? {}
    if (rules && !isAllowed(rules, { types: service.types, method: request.method, path })) throw unauthorized()
    authorize(caller, operation)
  }
  /** Null: whoever would not be let in by what is known is looked at first, so that a revoked token is 401 whatever it asks for. */
  const begin = (request: Request, route: Routed) => {
    const text = request.headers.get('X-Auth-Token')
    const begun = text ? verifier.begin(host, text) : null
    try {
      letIn(begun?.token ?? null, request, route)
      return begun
    } catch {
      return null
    }
  }
  const callerOf = async (request: Request, operation: Operation): Promise<Caller | null> => {
    const text = request.headers.get('X-Auth-Token')
    // What changes something looks at the revocations now; so does what inspects tokens, with the token that it inspects.
    const fresh = !SAFE.includes(operation.method)
    return text ? verifier.verify(host, text, fresh) : null
  }

  const health = healthOf(host)
  const metrics = metricsOf(host, health)
  const answer = (request: Request, from: Peer | undefined, arrival?: Arrival) =>
    routes.fetch(request, { door, host, health, metrics, peer: from?.peer, arrival })
  const told = host.instruments?.request
  if (!told) return { fetch: answer }
  return {
    fetch: (request, from) => {
      const arrival: Arrival = { request }
      return told(arrival, async () => answer(request, from, arrival))
    },
  }
}

/** A log that says of every line for which request it is. */
const loggingAs =
  (log: Log, { requestId, globalRequestId }: RequestIds): Log =>
  (level, message, fields) =>
    log(level, message, { requestId, ...(globalRequestId ? { globalRequestId } : {}), ...fields })
