import type { Json, Store } from '../../adapters/contract.ts'
import { plantFaults } from '../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../adapters/sandbox/faults.ts'
import type { Entity } from '../../adapters/sandbox/records/entities.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import type { Context } from '../../functions/context.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { Killed } from '../support/mortal.ts'
import { unlikeWished } from './as-wished.ts'
import type { Answer } from './client.ts'
import { recordBirths } from './cloud.ts'
import { Dice } from './dice.ts'
import { lookBelow, stepFaults } from './in-step.ts'
import {
  addressFaults,
  besideFaults,
  burstFaults,
  markFaults,
  moneyFaults,
  overspent,
  quotaDrift,
  rowFaults,
} from './invariants.ts'
import { type Life, Scheduler } from './scheduler.ts'
import { type Slot, START, type World } from './world.ts'

interface Gate {
  life: Life
  label: RegExp
  /** After the effect, while the answer is on its way. */
  behind: boolean
  reached(): void
  open: Promise<void>
}

/** Lets everybody move at once, but for a process that is held before a step of its own. */
class Gates extends Scheduler {
  gates: Gate[] = []
  /** Counts the steps of everybody; answers whether the process dies instead. */
  before: ((life: Life, label: string) => void) | null = null

  override async step<T>(
    life: Life | null,
    effect: () => Promise<T>,
    after: (() => Promise<void>) | null,
    label: string,
    wire = false,
  ): Promise<T> {
    const gate = this.gates.find((each) => each.life === life && each.label.test(label))
    const held = async (gate: Gate) => {
      this.gates = this.gates.filter((each) => each !== gate)
      gate.reached()
      await gate.open
    }
    if (gate && !gate.behind) await held(gate)
    if (life) this.before?.(life, label)
    const answer = await super.step(life, effect, after, label, wire)
    if (gate?.behind) await held(gate)
    return answer
  }
}

/** One scenario, directed by hand: two processes, one cloud, and a clock that moves when it is told to. */
export class Stage {
  readonly world: World
  readonly births = new Map<string, Set<string>>()
  readonly memory = new MemoryStore()
  /** What the cloud shows of its memory. */
  view: Store
  readonly violations = new Set<string>()
  readonly scheduler = new Gates(new Dice(1), START, async () => {})
  /** What receives webhooks. */
  receive: typeof fetch = () => Promise.reject(new Error('nobody receives anything'))
  #token = ''
  #keys = 0

  constructor(world: World) {
    this.world = world
    this.scheduler.direct = true
    this.view = this.memory
  }

  /** `both`: the other cloud takes part too; faults are of the first. */
  async open(options: Record<string, Json>, faults: FaultRule[] = [], both = false): Promise<void> {
    const store: Store = {
      get: (key) => this.view.get(key),
      put: (...args) => this.view.put(...args),
      delete: (...args) => this.view.delete(...args),
      list: (...args) => this.view.list(...args),
    }
    const { d1, cloudId } = this.world
    await this.world.reset(
      {
        scheduler: this.scheduler,
        store: recordBirths(store, this.births),
        after: (sql) => (/\bquotas\b|\bvolumes\b|\bservers\b|\bip_allocations\b/.test(sql) ? this.#check : null),
        log: () => {},
        fetch: (...args) => this.receive(...args),
        // Nothing is done after an answer: each scenario says who works, and when.
        defer: () => {},
      },
      { log_calls: 0, ...options },
      both,
    )
    await d1
      .prepare('update clouds set created_at = ?')
      .bind(START - 2 * 86_400_000)
      .run()
    await plantFaults(this.memory, cloudId, faults)
    this.#token = this.world.token('demo')
  }

  readonly #check = async () => {
    for (const fault of await quotaDrift(this.world.d1)) this.violations.add(fault)
    for (const fault of await addressFaults(this.world.d1)) this.violations.add(fault)
    for (const fault of await markFaults(this.world.d1)) this.violations.add(fault)
    for (const fault of await moneyFaults(this.world.d1)) this.violations.add(fault)
    for (const fault of await overspent(this.world.d1)) this.violations.add(fault)
    for (const fault of await besideFaults(this.world.d1)) this.violations.add(fault)
    for (const fault of await burstFaults(this.world.d1)) this.violations.add(fault)
  }

  slot(n: 0 | 1): Slot {
    return this.world.slots[n] as Slot
  }

  /** A request that has to succeed; gives the body of its answer. */
  // biome-ignore lint/suspicious/noExplicitAny: scenarios reach into bodies freely
  async send(n: 0 | 1, method: string, path: string, body?: unknown, key?: string): Promise<any> {
    const answer = await this.ask(n, method, path, body, key)
    if (answer.status >= 400) this.violations.add(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async ask(n: 0 | 1, method: string, path: string, body?: unknown, key = `key-${this.#keys++}`): Promise<Answer> {
    const headers = {
      'X-Auth-Token': this.#token,
      'Content-Type': 'application/json',
      'OpenStack-API-Version': 'compute 2.79',
    }
    const response = await this.slot(n).fetch(
      new Request(`http://plimsoll.test${path}`, {
        method,
        headers: { ...headers, ...(method === 'POST' ? { 'Idempotency-Key': key } : {}) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  /** What a process of the broker is handed, outside of any request. */
  readonly context = (n: 0 | 1): Context => this.world.context(this.slot(n))

  get volumes(): string {
    return `/volume/v3/${this.world.projectId}/volumes`
  }

  async newVolume(n: 0 | 1 = 0): Promise<string> {
    const name = `only-${this.#keys}`
    return (await this.send(n, 'POST', this.volumes, { volume: { size: 1, name } })).volume.id
  }

  async newServer(n: 0 | 1 = 0): Promise<string> {
    const server = { name: `only-${this.#keys}`, flavorRef: '1', imageRef: this.world.image, networks: 'none' }
    return (await this.send(n, 'POST', '/compute/v2.1/servers', { server })).server.id
  }

  /** One round of what is due. */
  async work(n: 0 | 1 = 0): Promise<void> {
    await convergeDue(this.context(n), 25_000)
  }

  async sweep(n: 0 | 1 = 0) {
    return reconcile(this.world.context(this.slot(n)), 25_000, { all: true })
  }

  /** Lets the clock pass in minutes, with the cron in each. */
  async minutes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.scheduler.pass(60_000)
      await this.sweep()
      await this.settle(50_000)
    }
  }

  /** Works until nothing is due within `most` milliseconds. */
  async settle(most = 1_800_000): Promise<void> {
    const until = this.scheduler.now + most
    for (;;) {
      await this.work()
      const next = await this.world.d1
        .prepare('select min(max(due_at, lease_until)) as next from bindings where due_at is not null')
        .first<number>('next')
      if (next === null || next > until) return
      this.scheduler.reach(Math.max(next, this.scheduler.now + 1))
    }
  }

  /** Holds a process at its next step of that label: before its effect, or behind it, when only the answer is missing. */
  hold(n: 0 | 1, label: RegExp, where: 'before' | 'behind' = 'before'): { reached: Promise<void>; release(): void } {
    let release = () => {}
    let reached = () => {}
    const open = new Promise<void>((resolve) => {
      release = resolve
    })
    const there = new Promise<void>((resolve) => {
      reached = resolve
    })
    this.scheduler.gates.push({ life: this.slot(n).life, label, behind: where === 'behind', reached, open })
    return { reached: there, release }
  }

  /**
   * The first process works until nothing is due, and is killed at its step of that number, counted from the one with the label
   * `begins` on; another takes its place when its claims have run out, and works off what is left.
   */
  async settleKilled(begins: RegExp, dieAt: number): Promise<void> {
    const { life } = this.slot(0)
    let [steps, begun] = [0, false]
    this.scheduler.before = (who, label) => {
      begun ||= begins.test(label)
      if (who === life && begun && ++steps >= dieAt) throw new Killed()
    }
    await this.settle().catch(() => null)
    this.expect(steps >= dieAt, `there is no step ${dieAt}`)
    this.scheduler.before = null
    this.world.restart(this.slot(0))
    this.scheduler.pass(61_000)
    await this.settle()
  }

  /** Objects of a kind that the cloud has. */
  async live(kind: string): Promise<Entity[]> {
    const { now } = this.scheduler
    const entities = (await lookBelow(this.memory)).map(({ entity }) => entity)
    return entities.filter((each) => each.kind === kind && (each.goneAt === null || each.goneAt > now))
  }

  async count(sql: string): Promise<number> {
    return (await this.world.d1.prepare(sql).first<number>('n')) ?? 0
  }

  /** Says it if it is not so. */
  expect(so: boolean, what: string): void {
    if (!so) this.violations.add(what)
  }

  /** What is wrong in the end, when nobody is under way any more. */
  async judge({ settled = true } = {}): Promise<string[]> {
    const { d1 } = this.world
    this.scheduler.pass(10_000)
    await this.#check()
    if (settled) {
      for (const fault of await rowFaults(d1)) this.violations.add(fault)
      for (const fault of await stepFaults(d1, this.memory, this.scheduler.now)) this.violations.add(fault)
      for (const fault of await unlikeWished(this.context(0))) this.violations.add(fault)
      for (const ids of this.births.values()) this.expect(ids.size === 1, 'two objects were made for one token')
    }
    return [...this.violations]
  }
}
