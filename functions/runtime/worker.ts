import { connect } from 'cloudflare:sockets'
import { waitUntil } from 'cloudflare:workers'
import type {
  D1Database,
  ExecutionContext,
  Fetcher,
  MessageBatch,
  Queue,
  R2Bucket,
  ScheduledController,
} from '@cloudflare/workers-types'
import { CLOUD_STATE_MIGRATIONS, MIGRATIONS } from '../../db/known.ts'
import { NewerDatabase, pendingOf } from '../../db/migrate.ts'
import { type App, createApp } from '../app.ts'
import { BucketBlobs } from '../blobs/bucket.ts'
import { reconcileAccount } from '../broker/reconcile/reconcile.ts'
import type { Host } from '../context.ts'
import { cronContext, runCron } from '../cron.ts'
import { STANDING } from '../http/answer-headers.ts'
import { jsonLog } from '../log.ts'
import { pagesAmong } from '../pages/assets.ts'
import { bootstrap } from './bootstrap.ts'
import { WrongKey } from './deployment.ts'
import { BadSettings, openHost, settingsFrom, traceSettings } from './host.ts'
import { type Connect, dialBy } from './sockets.ts'

interface Env {
  DB: D1Database
  CLOUD_STATE: D1Database
  /** Accounts to be swept; without it the cron sweeps them one after the other. */
  SWEEPS?: Queue<string>
  /** Image data that users upload; without it uploads are refused. */
  IMAGES?: R2Bucket
  /** The files of the console. */
  ASSETS?: Fetcher
  PLIMSOLL_SECRET_KEY?: string
  PLIMSOLL_ADMIN_PASSWORD?: string
  PLIMSOLL_DEMO_PASSWORD?: string
  PLIMSOLL_PUBLIC_URL?: string
  PLIMSOLL_REGION?: string
  PLIMSOLL_TOKEN_LIFETIME?: string
  PLIMSOLL_ALLOWED_HOSTS?: string
  PLIMSOLL_REQUESTS_PER_SOURCE?: string
  PLIMSOLL_REQUESTS_PER_USER?: string
  /** `users`, `all` or `off`. */
  PLIMSOLL_REMEMBER_PASSWORDS?: string
  /** Hosts within private networks that webhooks may be sent to. */
  PLIMSOLL_WEBHOOK_HOSTS?: string
  /** Whether data of images has to be what they say: "checked" or "trusted". */
  PLIMSOLL_IMAGE_FORMATS?: string
  /** `token`: whoever has it reads what rows say of how the house stands. */
  PLIMSOLL_METRICS?: string
  PLIMSOLL_METRICS_TOKEN?: string
  /** Hosts within private networks that images may be fetched from. */
  PLIMSOLL_IMPORT_HOSTS?: string
  /** The largest image, in bytes; 100 MB at most. */
  PLIMSOLL_IMAGE_SIZE_CAP?: string
  /** To whom spans are sent, and how (`functions/instruments/traces/settings.ts`); headers may be secrets. */
  OTEL_EXPORTER_OTLP_ENDPOINT?: string
  OTEL_EXPORTER_OTLP_HEADERS?: string
  OTEL_TRACES_SAMPLER_ARG?: string
  /** `joined`, `obeyed` or `ignored`. */
  PLIMSOLL_TRACE_PARENTS?: string
  /** `on`: the first start registers the embedded cloud for project `demo`. */
  PLIMSOLL_SANDBOX?: string
}

interface Running {
  host: Host
  app: App
}

/** A consumer of a queue has 15 minutes of wall time, but its units are small. */
const SWEEP_BUDGET = 60_000

const log = jsonLog()

/** Spans are sent behind the request that some of them are of, which stays for that. */
const OUTSIDE = {
  fetch: ((input, init) => fetch(input, init)) as typeof fetch,
  log,
  later: (ms: number, work: () => Promise<void>) =>
    waitUntil(new Promise((resolve) => setTimeout(resolve, ms)).then(work)),
}

const NOT_MIGRATED = 'The databases are not migrated: run `wrangler d1 migrations apply` for DB and CLOUD_STATE.'

const open = async (env: Env): Promise<Running> => {
  if (!env.PLIMSOLL_SECRET_KEY) throw new BadSettings('The secret PLIMSOLL_SECRET_KEY is not set.')
  const { DB, CLOUD_STATE, SWEEPS, IMAGES, ASSETS, ...texts } = env
  const pending = [...(await pendingOf(DB, MIGRATIONS)), ...(await pendingOf(CLOUD_STATE, CLOUD_STATE_MIGRATIONS))]
  if (pending.length) throw new BadSettings(NOT_MIGRATED)
  const tracing = traceSettings(texts as Record<string, string | undefined>)
  const traces = tracing && (await import('../instruments/traces/traces.ts')).openTraces(tracing, 'workers', OUTSIDE)
  const host = await openHost({
    d1: DB,
    cloudState: CLOUD_STATE,
    ...(ASSETS ? { pages: pagesAmong(ASSETS) } : {}),
    ...(IMAGES ? { blobs: new BucketBlobs(IMAGES) } : {}),
    ...(SWEEPS
      ? {
          spread: async (accounts: string[]) => {
            await SWEEPS.sendBatch(accounts.map((body) => ({ body })))
          },
        }
      : {}),
    settings: settingsFrom(texts as Record<string, string | undefined>, 'workers', env.PLIMSOLL_SECRET_KEY),
    log,
    dial: dialBy(connect as unknown as Connect),
    ...(traces ? { instruments: traces.instruments } : {}),
    defer: (work) =>
      waitUntil(
        Promise.resolve()
          .then(work)
          .catch((error) =>
            log('error', 'deferred work failed', { error: error instanceof Error ? error.stack : String(error) }),
          ),
      ),
  })
  const first = await bootstrap(host, {
    hashOf: async (user) => {
      const password = user === 'admin' ? env.PLIMSOLL_ADMIN_PASSWORD : env.PLIMSOLL_DEMO_PASSWORD
      if (!password && user === 'admin') throw new BadSettings('The secret PLIMSOLL_ADMIN_PASSWORD is not set.')
      return password ? host.hashes.hash(password) : null
    },
    ...(env.PLIMSOLL_SANDBOX === 'on' ? { sandbox: {} } : {}),
  })
  if (first) await runCron(host)
  return { host, app: createApp(host) }
}

/**
 * One per isolate. Only what is ready is kept, never the promise of it: a request that is cancelled would take the
 * promise with it, and every later one would wait for ever.
 */
let running: Running | undefined
const ready = async (env: Env): Promise<Running> => {
  running ??= await open(env)
  return running
}

/** What is wrong with the deployment, told without its details to whoever asks, in full to the log. */
const notReady = (error: unknown): Response => {
  const text = error instanceof Error ? `${error.message} ${error.cause ?? ''}` : String(error)
  log('error', 'cannot start', { error: text })
  const message =
    error instanceof BadSettings || error instanceof WrongKey || error instanceof NewerDatabase
      ? error.message
      : 'The broker cannot start; its log says why.'
  return Response.json(
    { error: { code: 503, title: 'Service Unavailable', message } },
    { status: 503, headers: STANDING },
  )
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      const { app } = await ready(env)
      // Cloudflare's own word for the other end of the connection: no client can write it.
      return await app.fetch(request, { peer: request.headers.get('CF-Connecting-IP') ?? undefined })
    } catch (error) {
      return notReady(error)
    }
  },
  async scheduled(_controller: ScheduledController, env: Env, _context: ExecutionContext): Promise<void> {
    const { host } = await ready(env)
    await runCron(host)
  },
  /** A name that comes twice is swept once: the claim on its units decides. */
  async queue(batch: MessageBatch<string>, env: Env): Promise<void> {
    const { host } = await ready(env)
    for (const { body } of batch.messages) await reconcileAccount(cronContext(host), body, SWEEP_BUDGET)
  },
}
