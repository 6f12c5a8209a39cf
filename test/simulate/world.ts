import type { D1Database } from '@cloudflare/workers-types'
import type { Json, Store } from '../../adapters/contract.ts'
import { openDatabase } from '../../db/client.ts'
import { projectById, userById } from '../../db/queries/identity.ts'
import { clouds, mappings } from '../../db/schema/index.ts'
import { everyProject } from '../../db/scope.ts'
import { createApp } from '../../functions/app.ts'
import { sealToken } from '../../functions/auth/token.ts'
import { bootstrap } from '../../functions/bootstrap.ts'
import { refreshInventory } from '../../functions/broker/inventory.ts'
import type { Context, Host, Settings } from '../../functions/context.ts'
import { keyring } from '../../functions/crypto/keyring.ts'
import { openHost } from '../../functions/host.ts'
import { effectiveRoles } from '../../functions/identity/grants.ts'
import { issue } from '../../functions/identity/issue.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { watchFlights } from './cloud.ts'
import { Dice } from './dice.ts'
import { type Actor, steppedDatabase, steppedStore } from './process.ts'
import { Life, type Scheduler } from './scheduler.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'

export const START = Date.parse('2026-03-01T12:00:00Z')
const DAY = 86_400_000
const PROCESSES = 2

/** What a world asks of the run that is going on in it. */
export interface Run {
  scheduler: Scheduler
  /** The clouds' memory as it is, without any steps. */
  store: Store
  after: Actor['after']
  log: Host['log']
  defer(slot: Slot, work: () => Promise<unknown>): void
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
  projectId: string
  /** Native and of the API. */
  image: string
  network: string
  subnet: string
  slots: Slot[]
  /** Empties everything and lets `run` have it, with a cloud of these options. */
  reset(run: Run, options: Record<string, Json>): Promise<void>
  /** A new process in place of the one that was. */
  restart(slot: Slot): void
  context(slot: Slot): Context
  token(): Promise<string>
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
    publicUrl: null,
    secretKeys: [new Uint8Array(32).fill(7)],
    tokenLifetime: (30 * DAY) / 1000,
    runtime,
    lingerMs: 5_000,
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
  const [cloudId, user, project] = [dice.uuid(), await named(d1, 'users'), await named(d1, 'projects')]
  await db.insert(clouds).values({ id: cloudId, name: 'sandbox', type: 'sandbox', createdAt: START - 2 * DAY })
  await db.insert(mappings).values({ projectId: project, cloudId, createdAt: START - 2 * DAY })
  const operator: Context = { ...base, requestId: 'req-operator', caller: null, scope: everyProject }
  await refreshInventory(operator, (await db.select().from(clouds))[0]!)

  const token = async (): Promise<string> => {
    const granted = await effectiveRoles(db, user, project)
    const grant = { user: (await userById(db, user))!, project: await projectById(db, project), roles: granted }
    return sealToken(issue(base, { ...grant, methods: ['password'] }), keyring(settings.secretKeys, 'token'))
  }
  const app = createApp(base)
  const auth = { 'X-Auth-Token': await token(), 'Content-Type': 'application/json' }
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
  const image = (await d1.prepare("select id from images where arch = 'x86_64' limit 1").first<string>('id'))!
  const snapshot: Snapshot = await takeSnapshot(d1)

  const slots = Array.from({ length: PROCESSES }, () => newSlot(d1, base, () => run!))
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
    projectId: project,
    image,
    network,
    subnet,
    slots,
    restart,
    token,
    context: ({ host }) => ({ ...host, requestId: `req-${host.newId()}`, caller: null, scope: everyProject }),
    async reset(next, options) {
      run = next
      dice = next.scheduler.dice
      await snapshot.restore()
      await d1.prepare('update clouds set options = ?').bind(JSON.stringify(options)).run()
      for (const slot of slots) restart(slot)
    },
  }
}

const named = async (d1: D1Database, table: 'users' | 'projects'): Promise<string> =>
  (await d1.prepare(`select id from ${table} where name = 'demo'`).first<string>('id'))!

const newSlot = (d1: D1Database, base: Host, run: () => Run): Slot => {
  const slot = { life: new Life() } as Slot
  const db = openDatabase(
    steppedDatabase(d1, {
      scheduler: () => run().scheduler,
      life: () => slot.life,
      after: (sql) => run().after(sql),
    }),
  )
  slot.host = {
    ...base,
    db,
    sleep: (ms) => run().scheduler.sleep(slot.life, ms),
    defer: (work) => run().defer(slot, work),
  }
  // It spreads its host into every request, so what a restart changes is seen.
  const app = createApp(slot.host)
  slot.fetch = async (request) => app.fetch(request)
  return slot
}
