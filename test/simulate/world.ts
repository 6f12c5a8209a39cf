import type { D1Database } from '@cloudflare/workers-types'
import { eq } from 'drizzle-orm'
import type { Json, Store } from '../../adapters/contract.ts'
import { openDatabase } from '../../db/client.ts'
import { lookUp } from '../../db/queries/identity/logins.ts'
import { bindings, clouds, mappings } from '../../db/schema/index.ts'
import { everyProject } from '../../db/scope.ts'
import { createApp } from '../../functions/app.ts'
import { sealToken } from '../../functions/auth/token.ts'
import { refreshInventory } from '../../functions/broker/clouds/inventory.ts'
import type { Context, Host, Settings } from '../../functions/context.ts'
import { keyring } from '../../functions/crypto/keyring.ts'
import { type Grant, issue } from '../../functions/identity/issue.ts'
import { bootstrap } from '../../functions/runtime/bootstrap.ts'
import { openHost } from '../../functions/runtime/host.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { watchFlights } from './cloud.ts'
import { Dice } from './dice.ts'
import { EAR } from './listening/ear.ts'
import { type Actor, steppedDatabase, steppedStore } from './process.ts'
import { Life, type Scheduler } from './scheduler.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'

export const START = Date.parse('2026-03-01T12:00:00Z')
const DAY = 86_400_000
/** As short as the minutes that a run has; those of a server that did not come are longer. */
export const HOMECOMING = { afterMs: 20_000, readyMs: 600_000, graceMs: 30_000, againMs: 1_800_000 }
const CLOUDS = ['sandbox', 'other'] as const
const PROCESSES = 2

/** Who speaks to the API: a member of the project, or an operator. */
export type Who = 'demo' | 'admin'

/** What a world asks of the run that is going on in it. */
export interface Run {
  scheduler: Scheduler
  /** The clouds' memory as it is, without any steps. */
  store: Store
  after(sql: string, life: Life): ReturnType<Actor['after']>
  log: Host['log']
  defer(slot: Slot, work: () => Promise<unknown>): void
  /** Who receives webhooks; absent: nobody. */
  fetch?: typeof fetch
  /** A process begins to serve a request; what is answered is called at its end. */
  begins?(life: Life): () => void
}

/** One process of the broker at a time: killed, it is followed by another. */
export interface Slot {
  host: Host
  fetch(request: Request): Promise<Response>
  life: Life
}

export interface World {
  d1: D1Database
  cloudId: string
  /** Another cloud with the same image, which takes part when a run wants it. */
  otherId: string
  projectId: string
  /** Native and of the API. */
  image: string
  network: string
  subnet: string
  slots: Slot[]
  /** A new token of a member of the project, or of an operator. */
  token(who: Who): string
  /** Empties everything and lets `run` have it, with clouds of these options: one, or both. */
  reset(run: Run, options: Record<string, Json>, both?: boolean): Promise<void>
  /** A new process in place of the one that was. */
  restart(slot: Slot): void
  context(slot: Slot): Context
}

/** The whole program over one database, made once and emptied for every run. */
export const openWorld = async (d1: D1Database, runtime: Settings['runtime'] = 'node'): Promise<World> => {
  watchFlights()
  let dice = new Dice(0)
  let run: Run | null = null
  const cloudState = new MemoryStore()
  const deferred: (() => Promise<unknown>)[] = []
  const settings: Settings = {
    region: 'RegionOne',
    publicUrl: 'http://plimsoll.test',
    secretKeys: [new Uint8Array(32).fill(7)],
    tokenLifetime: (30 * DAY) / 1000,
    runtime,
    lingerMs: 5_000,
    homecoming: HOMECOMING,
    costsKeptMs: 400 * DAY,
    metrics: 'off',
    imageSizeCap: 2 ** 40,
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
    webhookHosts: [EAR],
    importHosts: [],
    imageFormatsChecked: true,
  }
  const base = await openHost({
    d1,
    cloudState,
    settings,
    now: () => run?.scheduler.now ?? START,
    sleep: async () => {},
    newId: () => dice.uuid(),
    log: (...args) => run?.log(...args),
    fetch: () => Promise.reject(new Error('a simulation reached for the network')),
    defer: (work) => {
      deferred.push(work)
    },
  })
  await bootstrap(base, { hashOf: async () => null })
  const { db } = base
  const [cloudId, otherId, project] = [dice.uuid(), dice.uuid(), await named(d1, 'projects', 'demo')]
  const createdAt = START - 2 * DAY
  for (const [position, id] of [cloudId, otherId].entries()) {
    await db.insert(clouds).values({ id, name: CLOUDS[position]!, type: 'sandbox', position, createdAt })
    await db.insert(mappings).values({ projectId: project, cloudId: id, createdAt })
  }
  const operator: Context = { ...base, requestId: 'req-operator', caller: null, scope: everyProject }
  for (const row of await db.select().from(clouds)) await refreshInventory(operator, row)

  const granted = async (name: Who): Promise<Grant> => {
    const [id, projectId] = [await named(d1, 'users', name), await named(d1, 'projects', name)]
    const { user, entry } = await lookUp(db, { id }, { project: { id: projectId } })
    return { user: user!, entry, methods: ['password'] }
  }
  const grants = { demo: await granted('demo'), admin: await granted('admin') }
  const token = (who: Who) => sealToken(issue(base, grants[who]), keyring(settings.secretKeys, 'token'))
  const app = createApp(base)
  const auth = { 'X-Auth-Token': token('demo'), 'Content-Type': 'application/json' }
  const make = async (kind: string, body: Record<string, unknown>): Promise<string> => {
    const request = new Request(`http://plimsoll.test/network/v2.0/${kind}s`, {
      method: 'POST',
      headers: auth,
      body: JSON.stringify({ [kind]: body }),
    })
    return ((await (await app.fetch(request)).json()) as Record<string, { id: string }>)[kind]!.id
  }
  const network = await make('network', { name: 'net' })
  const subnet = await make('subnet', { network_id: network, ip_version: 4, cidr: '10.9.0.0/24' })
  const image = (await d1
    .prepare(
      `select id from images where arch = 'x86_64' and id in (select resource_id from bindings where cloud_id = ?)
        order by name limit 1`,
    )
    .bind(cloudId)
    .first<string>('id'))!
  const [bound] = await db.select().from(bindings).where(eq(bindings.resourceId, image))
  await db.insert(bindings).values({ ...bound!, cloudId: otherId })
  const snapshot: Snapshot = await takeSnapshot(d1)

  const slots = Array.from({ length: PROCESSES }, () => newSlot(d1, base, () => run!, snapshot.note))
  const restart = (slot: Slot) => {
    slot.life = new Life()
    const { scheduler, store } = run!
    // Process-wide caches are keyed by these two, so they die with their process.
    slot.host.cloudState = Object.assign(steppedStore(store, scheduler, slot.life), { scheduler })
    slot.host.d1 = Object.create(d1)
  }
  return {
    d1,
    cloudId,
    otherId,
    projectId: project,
    image,
    network,
    subnet,
    slots,
    restart,
    token,
    context: ({ host }) => ({ ...host, requestId: `req-${host.newId()}`, caller: null, scope: everyProject }),
    async reset(next, options, both = false) {
      run = next
      dice = next.scheduler.dice
      await snapshot.restore()
      await d1
        .prepare('update clouds set options = ?, enabled = (id = ? or ?)')
        .bind(JSON.stringify(options), cloudId, both)
        .run()
      if (options.sizes) {
        snapshot.note(SOLD)
        await d1.prepare(SOLD).bind(JSON.stringify(options.sizes)).run()
      }
      for (const slot of slots) restart(slot)
    },
  }
}

/** As if the inventory had read what the options say. */
const SOLD = `delete from offers where name not in (select value ->> 'name' from json_each(?))`

const named = async (d1: D1Database, table: 'users' | 'projects', name: string): Promise<string> =>
  (await d1.prepare(`select id from ${table} where name = ?`).bind(name).first<string>('id'))!

const newSlot = (d1: D1Database, base: Host, run: () => Run, written: (sql: string) => void): Slot => {
  const slot = { life: new Life() } as Slot
  const db = openDatabase(
    steppedDatabase(d1, {
      scheduler: () => run().scheduler,
      life: () => slot.life,
      after: (sql) => {
        written(sql)
        return run().after(sql, slot.life)
      },
    }),
  )
  slot.host = {
    ...base,
    db,
    sleep: (ms) => run().scheduler.sleep(slot.life, ms),
    fetch: (input, init) => {
      const { scheduler, fetch } = run()
      return scheduler.step(slot.life, () => (fetch ?? base.fetch)(input, init), null, 'send')
    },
    defer: (work) => run().defer(slot, work),
  }
  // It spreads its host into every request, so what a restart changes is seen.
  const app = createApp(slot.host)
  slot.fetch = async (request) => {
    const ends = run().begins?.(slot.life)
    try {
      return await app.fetch(request)
    } finally {
      ends?.()
    }
  }
  return slot
}
