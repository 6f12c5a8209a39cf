import { plantFaults } from '../../adapters/sandbox/backdoor.ts'
import { convergeDue } from '../../functions/broker/converge.ts'
import { reconcile } from '../../functions/broker/reconcile.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { Client } from './client.ts'
import { recordBirths } from './cloud.ts'
import { Dice } from './dice.ts'
import { lookBelow, quotaDrift, rowFaults, stepFaults } from './invariants.ts'
import { type Rest, Scheduler } from './scheduler.ts'
import { stories } from './stories.ts'
import { forecast, PROFILES, type Profile, type Weather } from './weather.ts'
import { type Run, type Slot, START, type World } from './world.ts'

export interface Outcome {
  seed: number
  profile: Profile
  stories: string[]
  violations: string[]
  crashes: number
  steps: number
  objects: number
  orphanKills: number
  /** From the end of the faults until every row was at rest, in simulated time. */
  cleanMs: number
  trace: number
}

/** From the end of the faults every row has to be at rest by then, in simulated time. */
const BOUND = 20 * 60_000
const MOST_TURNS = 30_000
const TABLES = /\b(quotas|servers|volumes|snapshots|networks|subnets|ports|routers|floating_ips|security_groups)\b/
const WRITES = /^\s*(insert|update|delete)/i
/** Errors that are the broker's verdict on the cloud, and not its own defect. */
const VERDICTS = ['too much vanished', 'too many orphans']
/** Of a request that failed with a 5xx; a defect only if that was 500, which the client tells. */
const FAILED = 'request failed'

/** One run of everything, which depends on its seed alone. */
export const runSeed = async (world: World, seed: number, rest: Rest, profile?: Profile): Promise<Outcome> => {
  const dice = new Dice(seed)
  const weather = forecast(dice, profile ?? PROFILES[seed % PROFILES.length]!)
  return new Simulation(world, seed, dice, weather, rest).run()
}

/** Each name as often as its weight says. */
const BAG = Object.entries(stories).flatMap(([name, { weight }]) => Array<string>(weight).fill(name))

class Simulation {
  readonly #world: World
  readonly #seed: number
  readonly #dice: Dice
  readonly #weather: Weather
  readonly #scheduler: Scheduler
  readonly #violations = new Set<string>()
  readonly #births = new Map<string, Set<string>>()
  readonly #memory = new MemoryStore()
  readonly #run: Run
  #crashes = 0
  #failure = ''
  #over = false

  constructor(world: World, seed: number, dice: Dice, weather: Weather, rest: Rest) {
    this.#world = world
    this.#seed = seed
    this.#dice = dice
    this.#weather = weather
    this.#scheduler = new Scheduler(dice, START, rest)
    this.#scheduler.longestFlight = weather.longestCall
    this.#run = {
      scheduler: this.#scheduler,
      store: recordBirths(this.#memory, this.#births),
      after: (sql) => (WRITES.test(sql) && TABLES.test(sql) ? this.#check : null),
      log: (level, message, fields) => {
        const detail = String(fields?.stack ?? fields?.error ?? '').slice(0, 600)
        if (message === FAILED) this.#failure = detail
        else if (level === 'error' && !VERDICTS.some((verdict) => message.startsWith(verdict)))
          this.#violations.add(`${message}: ${detail}`)
      },
      defer: (_, work) => {
        this.#start(work)
      },
    }
  }

  readonly #check = async (): Promise<void> => {
    for (const fault of await quotaDrift(this.#world.d1)) this.#violations.add(fault)
  }

  /** Runs beside everything else; what it throws is a defect. */
  #start(work: () => Promise<unknown>): Promise<void> {
    return work().then(
      () => undefined,
      (error: unknown) => {
        this.#violations.add(`threw: ${error instanceof Error ? error.stack?.slice(0, 600) : error}`)
      },
    )
  }

  async run(): Promise<Outcome> {
    const { cloudId } = this.#world
    await this.#world.reset(this.#run, this.#weather.options)
    await plantFaults(this.#memory, cloudId, this.#weather.faults)
    const foreign = await this.#plantForeign()
    const token = await this.#world.token()
    const names = Array.from({ length: this.#weather.stories }, () => this.#dice.pick(BAG))
    for (const slot of this.#world.slots) this.#cron(slot)
    const client = () =>
      new Client(this.#world, this.#scheduler, token, (what) => this.#violations.add(`${what}: ${this.#failure}`))
    let busy = names.length
    for (const name of names) this.#start(() => stories[name]!.story(client())).then(() => busy--)
    await this.#chaos(() => busy > 0)
    await plantFaults(this.#memory, cloudId, [])
    const stillAt = this.#scheduler.now
    await this.#calm()
    const cleanMs = this.#scheduler.now - stillAt
    await this.#sweep()
    await this.#judge(cleanMs, foreign)
    return {
      seed: this.#seed,
      profile: this.#weather.profile,
      stories: names,
      violations: [...this.#violations],
      crashes: this.#crashes,
      steps: this.#scheduler.taken,
      objects: this.#births.size,
      orphanKills: await this.#count("select count(*) as n from journal where action = 'orphan.remove'"),
      cleanMs,
      trace: this.#scheduler.trace,
    }
  }

  /** The loops of one process, until it is killed or the run is over. */
  #cron(slot: Slot): void {
    const { life } = slot
    this.#start(async () => {
      while (!this.#over) {
        await this.#scheduler.sleep(life, this.#dice.between(200, 5_000))
        if (this.#over) return
        await convergeDue(this.#world.context(slot), 25_000)
        if (this.#dice.chance(0.05)) await reconcile(this.#world.context(slot), 25_000)
      }
    })
  }

  async #chaos(busy: () => boolean): Promise<void> {
    const { kill, most } = this.#weather
    await this.#scheduler.quiet()
    for (let turn = 0; turn < most.steps && (busy() || turn < 40); turn++) {
      if (this.#crashes < most.kills && this.#dice.chance(kill)) await this.#kill(this.#dice.pick(this.#world.slots))
      this.#clock()
      await this.#scheduler.turn()
    }
  }

  #clock(): void {
    const roll = this.#dice.below(1000)
    if (roll < 250) this.#scheduler.pass(this.#dice.below(200))
    else if (roll < 270) this.#scheduler.pass(this.#dice.between(1_000, 30_000))
    else if (roll < 270 + 1000 * this.#weather.jump) this.#scheduler.pass(this.#dice.between(40_000, 200_000))
  }

  async #kill(slot: Slot): Promise<void> {
    this.#crashes++
    const { life } = slot
    this.#world.restart(slot)
    await this.#scheduler.kill(life)
    if (this.#over) return
    this.#cron(slot)
    await this.#scheduler.quiet()
  }

  /** Whoever is under way comes to an end; then the cron alone works off what is left. */
  async #calm(): Promise<void> {
    this.#over = true
    // A power cut, now and then.
    if (this.#dice.chance(0.3)) {
      for (const slot of this.#world.slots) await this.#kill(slot)
    }
    for (let turn = 0; await this.#scheduler.turn(); turn++) {
      if (turn > MOST_TURNS) throw new Error(`seed ${this.#seed} does not come to rest`)
    }
    this.#scheduler.direct = true
    await this.#settle()
  }

  async #settle(): Promise<void> {
    const context = this.#world.context(this.#world.slots[0]!)
    const since = this.#scheduler.now
    for (;;) {
      await this.#start(() => convergeDue(context, 25_000))
      const next = await this.#world.d1
        .prepare('select min(max(due_at, lease_until)) as next from bindings where due_at is not null')
        .first<number>('next')
      if (next === null) return
      if (this.#scheduler.now - since > BOUND) {
        this.#violations.add('work is left long after the last fault')
        return
      }
      this.#scheduler.reach(Math.max(next, this.#scheduler.now + 1))
    }
  }

  /** One sweep heals what no row knows; where calls came late, four of them collect what those left behind. */
  async #sweep(): Promise<void> {
    const context = this.#world.context(this.#world.slots[0]!)
    const late = this.#weather.longestCall === Number.POSITIVE_INFINITY
    for (let sweeps = late ? 5 : 1; sweeps > 0; sweeps--) {
      await this.#start(() => reconcile(context, 25_000, { all: true }))
      await this.#settle()
      if (sweeps > 1) this.#scheduler.pass(4 * 60_000)
    }
    // What was removed last is still on its way out.
    this.#scheduler.pass(10_000)
  }

  /** Objects of others, one without a mark and one with another deployment's. */
  async #plantForeign(): Promise<string[]> {
    const { cloudId, projectId } = this.#world
    const base = {
      kind: 'volume',
      name: 'foreign',
      asked: '',
      zone: 'a',
      createdAt: 0,
      readyAt: 0,
      fault: null,
      goneAt: null,
      type: 'standard',
      hold: null,
    }
    const spec = { name: 'foreign', sizeGiB: 1, zone: 'a', type: null, source: null }
    const mark = {
      deployment: 'somebody-else',
      project: projectId,
      kind: 'volume',
      resource: 'r',
      token: 't',
      epoch: 0,
    }
    const keys: string[] = []
    for (const [id, owner] of [
      ['foreign-1', null],
      ['foreign-2', mark],
    ] as const) {
      const key = `${cloudId}/objects/main/volume/${id}`
      await this.#memory.put(key, { ...base, id, mark: owner, spec } as never, 0)
      keys.push(key)
    }
    return keys
  }

  async #judge(cleanMs: number, foreign: string[]): Promise<void> {
    const { d1, cloudId } = this.#world
    const strict = this.#weather.longestCall !== Number.POSITIVE_INFINITY
    if (cleanMs > BOUND) this.#violations.add('not at rest in time')
    await this.#check()
    for (const fault of await rowFaults(d1)) this.#violations.add(fault)
    for (const fault of await stepFaults(d1, this.#memory, cloudId, this.#scheduler.now, strict))
      this.#violations.add(fault)
    if (strict) {
      for (const [asked, ids] of this.#births)
        if (ids.size > 1)
          this.#violations.add(`${ids.size} objects were made for one token of a ${asked.split(' ')[0]}`)
    }
    const { text } = await lookBelow(this.#memory, cloudId)
    for (const key of foreign)
      if (!text.get(key)?.includes('"name":"foreign"') || !text.get(key)?.includes('"goneAt":null'))
        this.#violations.add(`touched: ${key}`)
  }

  async #count(sql: string): Promise<number> {
    return (await this.#world.d1.prepare(sql).first<number>('n')) ?? 0
  }
}
