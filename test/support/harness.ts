import type { D1Database } from '@cloudflare/workers-types'
import { sql } from 'drizzle-orm'
import type { Json, Store } from '../../adapters/contract.ts'
import { openDatabase } from '../../db/client.ts'
import { projectById } from '../../db/queries/identity/identity.ts'
import { lookUp } from '../../db/queries/identity/logins.ts'
import { clouds, grants, mappings, projects, roles, users } from '../../db/schema/index.ts'
import { everyProject } from '../../db/scope.ts'
import type { LocalDatabase } from '../../db/sqlite.ts'
import { createApp } from '../../functions/app.ts'
import { type Scrypt, scryptHere } from '../../functions/auth/password.ts'
import { sealToken } from '../../functions/auth/token.ts'
import type { BlobStore, Context, Host, Settings } from '../../functions/context.ts'
import { type Loop, loops, runCron } from '../../functions/cron.ts'
import { keyring } from '../../functions/crypto/keyring.ts'
import { issue } from '../../functions/identity/issue.ts'
import { bellOf } from '../../functions/runtime/bell.ts'
import { bootstrap } from '../../functions/runtime/bootstrap.ts'
import { openHost } from '../../functions/runtime/host.ts'
import { type Beginning, firstStart, keep, keepFirstStart } from './databases/beginnings.ts'
import { MemoryBlobs } from './memory-blobs.ts'
import { MemoryStore } from './memory-store.ts'
import { freshDatabase, runtime } from './runtime.ts'

export const ORIGIN = 'http://plimsoll.test'
/** `admin` and `demo` log in with this; the hash is a cheap one, so that a login is quick. */
export const PASSWORD = 'correct horse battery staple'
const PASSWORD_HASH = 'scrypt$16$1$1$c2FsdHNhbHRzYWx0c2FsdA==$/kc0QN42IXawCio+Hxfpul3BdmDPhEmzXxz1MALzxM8='

/** As cheap for what stories hash themselves: at its true cost each hash would take longer than most stories. */
const quickly: Scrypt = (password, salt, length) => scryptHere(password, salt, length, { N: 16, r: 1, p: 1 })

/** Where requests come from, unless a test says otherwise. */
const PEER = '192.0.2.1'

export interface Answer {
  status: number
  headers: Headers
  /** Parsed JSON; the bytes of data; the text of anything else; null without a body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies freely
  body: any
  /** The body as it came; empty for data. */
  text: string
}

type Extra = Record<string, string>
/** Somebody with a token. Paths are below the origin; a body is sent as JSON. */
export interface Client {
  token(): Promise<string>
  send(method: string, path: string, body?: unknown, headers?: Extra): Promise<Answer>
  get(path: string, headers?: Extra): Promise<Answer>
  head(path: string, headers?: Extra): Promise<Answer>
  delete(path: string, headers?: Extra): Promise<Answer>
  post(path: string, body?: unknown, headers?: Extra): Promise<Answer>
  put(path: string, body?: unknown, headers?: Extra): Promise<Answer>
  patch(path: string, body?: unknown, headers?: Extra): Promise<Answer>
  /** The same person, with these headers on every request: `.with({ 'OpenStack-API-Version': 'compute 2.96' })`. */
  with(headers: Extra): Client
  /** The same person, by connections from this address. */
  from(address: string): Client
}

export interface TestCloud {
  name: string
  type: string
  endpoint?: string
  region?: string
  options?: object
  /** Names of the projects that may use it, in place of `['demo']`. */
  projects?: string[]
}

export interface Start {
  /** In place of a first start: as another world with the same clouds was when it was kept. */
  like?: Beginning
  /** In place of an empty database. */
  d1?: D1Database
  /** In place of one in memory. */
  cloudState?: Store
  /** In place of one `sandbox` cloud for project `demo`; `[]`: none. */
  clouds?: TestCloud[]
  settings?: Partial<Settings>
  /** In place of a store in memory; null: there is none. */
  blobs?: BlobStore | null
  fetch?: typeof fetch
  trusting?: Host['trusting']
  dial?: Host['dial']
  consolePage?: Host['consolePage']
  pages?: Host['pages']
  conversion?: Host['conversion']
  instruments?: Host['instruments']
  counted?: Host['counted']
  /** In place of a quick one. */
  scrypt?: Scrypt
  loops?: Loop[]
}

/** Sent in place of the embedded cloud's own defaults when a test registers none. */
const SANDBOX: TestCloud = { name: 'sandbox', type: 'sandbox' }
const START = Date.parse('2026-03-01T12:00:00Z')

/**
 * The whole program after its first start, with a clock that only the test moves. One at a time in workerd. Embedded
 * clouds that come first are looked at once for all worlds that have them: such a world is a copy.
 */
export const startPlimsoll = async (start: Start = {}) => {
  const wanted = start.clouds ?? [SANDBOX]
  const others = wanted.findIndex(({ type }) => type !== 'sandbox')
  const embedded = others < 0 ? wanted : wanted.slice(0, others)
  const alike = !start.d1 && !start.cloudState
  const beginning = start.like ?? (alike ? firstStart(embedded) : undefined)
  const clock = {
    now: beginning?.now ?? START,
    advance: (ms: number) => {
      clock.now += ms
    },
  }
  const deferred: (() => Promise<unknown>)[] = []
  const logged: { level: string; message: string; fields?: Record<string, unknown> }[] = []
  const settings: Settings = {
    region: 'RegionOne',
    publicUrl: null,
    secretKeys: beginning?.secretKeys ?? [crypto.getRandomValues(new Uint8Array(32))],
    tokenLifetime: 3600,
    lingerMs: 0,
    homecoming: { afterMs: 600_000, readyMs: 900_000, graceMs: 60_000, againMs: 21_600_000 },
    costsKeptMs: 400 * 86_400_000,
    metrics: 'off',
    imageSizeCap: 2 ** 40,
    imageFormatsChecked: true,
    convertedBytes: 2 ** 40,
    convertedDiskBytes: 2 ** 41,
    allowedHosts: null,
    trustedProxies: [],
    requestsPerSource: 0,
    requestsPerUser: 0,
    rememberPasswords: 'users',
    passwords: { unique: 0, minimumAgeDays: 0, expireDays: 0, changeFirst: false },
    oidc: [],
    oidcHosts: [],
    trustedDashboards: [],
    webhookHosts: [],
    importHosts: [],
    runtime: runtime === 'node' ? 'node' : 'workers',
    ...start.settings,
  }
  const blobs = new MemoryBlobs(() => clock.now)
  const memory = beginning?.cloudState.copy() ?? new MemoryStore()
  const d1 = start.d1 ?? (await freshDatabase('DB', undefined, beginning?.rows))
  const onTold = 'onInsert' in d1 ? bellOf(d1 as LocalDatabase) : undefined
  const host: Host = await openHost({
    d1,
    ...(onTold ? { onTold } : {}),
    cloudState: start.cloudState ?? memory,
    blobs: start.blobs === undefined ? blobs : start.blobs,
    settings,
    now: () => clock.now,
    sleep: async (ms) => clock.advance(ms),
    fetch: start.fetch ?? (() => Promise.reject(new Error('a test reached for the network'))),
    ...(start.trusting ? { trusting: start.trusting } : {}),
    ...(start.dial ? { dial: start.dial } : {}),
    ...(start.pages ? { pages: start.pages } : {}),
    ...(start.consolePage ? { consolePage: start.consolePage } : {}),
    ...(start.conversion ? { conversion: start.conversion } : {}),
    ...(start.instruments ? { instruments: start.instruments } : {}),
    ...(start.counted ? { counted: start.counted } : {}),
    scrypt: start.scrypt ?? quickly,
    log: (level, message, fields) => logged.push(fields ? { level, message, fields } : { level, message }),
    defer: (work) => {
      deferred.push(work)
    },
  })
  // What the program asks is watched on Node; what a test asks by itself, by `db` or `host.d1`, is not.
  const { db } = host
  if (runtime === 'node') {
    const { watched } = await import('../plans/watch.ts')
    host.db = openDatabase(watched(d1))
  }
  if (!beginning) await bootstrap(host, { hashOf: async () => PASSWORD_HASH })
  const app = createApp(host)

  const people = new Map<string, { userId: string; projectId: string }>()
  const byName = async (table: typeof projects | typeof users | typeof roles): Promise<Record<string, string>> =>
    Object.fromEntries((await db.select().from(table)).map(({ id, name }) => [name, id]))
  const ids = structuredClone(beginning?.ids) ?? {
    projects: await byName(projects),
    users: await byName(users),
    roles: await byName(roles),
    clouds: {},
  }
  for (const name of ['admin', 'demo']) people.set(name, { userId: ids.users[name]!, projectId: ids.projects[name]! })

  /** Adds a user with roles in a project that exists. `as(name)` speaks as him. */
  const newUser = async (name: string, project: string, roleNames: string[]): Promise<void> => {
    const userId = host.newId().replaceAll('-', '')
    const projectId = ids.projects[project]!
    await db
      .insert(users)
      .values({ id: userId, domainId: 'default', name, createdAt: clock.now, passwordHash: PASSWORD_HASH })
    const assigned = roleNames.map((role) => ({ actorId: userId, targetId: projectId, roleId: ids.roles[role]! }))
    if (assigned.length) await db.insert(grants).values(assigned)
    ids.users[name] = userId
    people.set(name, { userId, projectId })
  }

  /** Adds a project with a user of the same name, mapped to the named clouds. */
  const newProject = async (
    name: string,
    { roles: roleNames = ['member', 'reader'], clouds: names = [] as string[] } = {},
  ): Promise<string> => {
    const id = host.newId().replaceAll('-', '')
    await db.insert(projects).values({ id, domainId: 'default', name, createdAt: clock.now })
    ids.projects[name] = id
    await newUser(name, name, roleNames)
    for (const cloud of names) await mapTo(cloud, name)
    return id
  }

  const mapTo = (cloud: string, project: string, mapping: Record<string, Json> = {}) =>
    db
      .insert(mappings)
      .values({ projectId: ids.projects[project]!, cloudId: ids.clouds[cloud]!, mapping, createdAt: clock.now })

  /** A token as the password would give it, without the slow hash. */
  const tokenFor = async (name: string): Promise<{ text: string; expiresAt: number }> => {
    const person = people.get(name)
    if (!person) throw new Error(`there is no ${name}: call newUser or newProject first`)
    const { user, entry } = await lookUp(db, { id: person.userId }, { project: { id: person.projectId } })
    const row = entry ? null : await projectById(db, person.projectId)
    const without = row ? { kind: 'project' as const, place: { ...row, domainName: '' }, roles: [] } : null
    const token = issue(host, { user: user!, entry: entry ?? without, methods: ['password'] })
    return { text: sealToken(token, keyring(settings.secretKeys, 'token')), expiresAt: token.expiresAt }
  }

  const call = async (method: string, path: string, headers: Extra, body?: unknown, peer?: string): Promise<Answer> => {
    const raw = body instanceof Uint8Array || body instanceof ReadableStream
    const request = new Request(path.startsWith('http') ? path : ORIGIN + path, {
      method,
      headers: { ...(body !== undefined && !raw ? { 'Content-Type': 'application/json' } : {}), ...headers },
      ...(body === undefined ? {} : { body: raw ? (body as ReadableStream) : JSON.stringify(body) }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit)
    const response = await app.fetch(request, { peer })
    // A defect says where it is.
    if (response.status === 500)
      console.error(
        `${method} ${path}`,
        logged.findLast(({ level }) => level === 'error'),
      )
    const isData = response.headers.get('content-type') === 'application/octet-stream'
    const data = isData ? new Uint8Array(await response.arrayBuffer()) : null
    const text = isData ? '' : await response.text()
    if (runtime === 'node') await (await import('../openapi/judge.ts')).judge(request, response, text)
    if (data) return { status: response.status, headers: response.headers, body: data, text }
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : isJson ? JSON.parse(text) : text,
      text,
    }
  }

  const client = (auth: () => Promise<string | null>, extra: Extra, peer = PEER): Client => {
    const send = async (method: string, path: string, body?: unknown, headers?: Extra) => {
      const token = await auth()
      return call(method, path, { ...(token ? { 'X-Auth-Token': token } : {}), ...extra, ...headers }, body, peer)
    }
    return {
      token: async () => (await auth()) ?? '',
      send,
      get: (path, headers) => send('GET', path, undefined, headers),
      head: (path, headers) => send('HEAD', path, undefined, headers),
      delete: (path, headers) => send('DELETE', path, undefined, headers),
      post: (path, body, headers) => send('POST', path, body, headers),
      put: (path, body, headers) => send('PUT', path, body, headers),
      patch: (path, body, headers) => send('PATCH', path, body, headers),
      with: (headers) => client(auth, { ...extra, ...headers }, peer),
      from: (address) => client(auth, extra, address),
    }
  }
  /** `admin`, `demo`, or whoever `newUser` and `newProject` made. The token is issued once and renewed before it ends. */
  const as = (name: string): Client => {
    let held: { text: string; expiresAt: number } | undefined
    return client(async () => {
      if (!held || held.expiresAt < clock.now + 60_000) held = await tokenFor(name)
      return held.text
    }, {})
  }
  const nobody = client(async () => null, {})
  const bearer = (token: string) => client(async () => token, {})

  /** Runs what answers left behind, and what that leaves behind. */
  const runDeferred = async (): Promise<void> => {
    for (let work = deferred.shift(); work; work = deferred.shift()) await work()
  }

  /** When the next work is due, in milliseconds since 1970; null: everything is as it was asked for. */
  const nextDue = async (): Promise<number | null> => {
    const row = await db.get<{ due: number | null }>(
      sql`select min(due) as due from (select min(due_at) as due from bindings where due_at is not null
        union all select min(due_at) from image_tasks where due_at is not null)`,
    )
    return row?.due ?? null
  }

  /**
   * Lets the world come to rest: deferred work, then the cron, with the clock moved to whatever is due next, until no
   * binding and no import has work left. Throws with what is stuck after `rounds`.
   */
  const settle = async ({ rounds = 300 } = {}): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      await runDeferred()
      const due = await nextDue()
      if (due === null && deferred.length === 0) return
      clock.now = Math.max(clock.now + 100, due ?? 0)
      await db.run(sql`delete from leases where name = 'converge'`)
      await runCron(host, 25_000, start.loops ?? loops)
    }
    const stuck = await db.all(
      sql`select kind, resource_id, phase, want, error from bindings where due_at is not null limit 5`,
    )
    throw new Error(`not settled after ${rounds} rounds: ${JSON.stringify(stuck)}`)
  }

  /** What broker functions are handed, outside of any request. */
  const context = (project?: string): Context => ({
    ...host,
    requestId: `req-${host.newId()}`,
    caller: null,
    scope: project ? { projectId: ids.projects[project]! } : everyProject,
  })

  const addCloud = async ({ name, type, endpoint, region, options = {}, projects: names = ['demo'] }: TestCloud) => {
    ids.clouds[name] = host.newId()
    const where = { endpoint: endpoint ?? null, region: region ?? null }
    await db.insert(clouds).values({
      id: ids.clouds[name]!,
      name,
      type,
      ...where,
      options: options as Record<string, Json>,
      createdAt: clock.now,
    })
    for (const project of names) await mapTo(name, project)
    const { refreshInventory } = await import('../../functions/broker/clouds/inventory.ts')
    const row = (await db.select().from(clouds)).find((cloud) => cloud.name === name)!
    await refreshInventory(context(), row)
    return ids.clouds[name]!
  }
  if (!beginning) {
    for (const cloud of embedded) await addCloud(cloud)
    if (alike && !logged.length && !deferred.length)
      await keepFirstStart(embedded, host.d1, { cloudState: memory, now: clock.now, ids })
  }
  for (const cloud of wanted.slice(embedded.length)) await addCloud(cloud)

  return {
    app,
    host,
    db,
    clock,
    /** What was uploaded. */
    blobs,
    logged,
    as,
    nobody,
    bearer,
    newUser,
    newProject,
    addCloud,
    mapTo,
    context,
    settle,
    runDeferred,
    /** How it is now, to begin others with; at rest, and with embedded clouds alone. */
    keep: () => keep(host.d1, { cloudState: memory, now: clock.now, ids, secretKeys: settings.secretKeys }),
    /** How many pieces of deferred work wait. */
    waiting: () => deferred.length,
    projectId: (name: string) => ids.projects[name]!,
    userId: (name: string) => ids.users[name]!,
    roleId: (name: string) => ids.roles[name]!,
    cloudId: (name: string) => ids.clouds[name]!,
  }
}

export type Plimsoll = Awaited<ReturnType<typeof startPlimsoll>>
