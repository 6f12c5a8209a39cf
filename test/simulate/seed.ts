import { plantFaults } from '../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../adapters/sandbox/faults.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { Client, type Scene } from './client.ts'
import { recordBirths } from './cloud.ts'
import { Dice } from './dice.ts'
import { Fates } from './fates.ts'
import { BOUND, Judge } from './judge.ts'
import { type Rest, Scheduler } from './scheduler.ts'
import { stories } from './stories/index.ts'
import { Strangers } from './strangers.ts'
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
  /** Servers that went to another cloud when theirs had no room. */
  moved: number
  /** Resources that were made of what others had made, or handed back to them. */
  handovers: number
  /** From the end of the faults until every row was at rest, in simulated time. */
  cleanMs: number
  trace: number
}

const MOST_TURNS = 30_000
/** A cloud that answers nobody. */
const AWAY: FaultRule[] = [{ method: '*', fault: 'ambiguous_before' }]

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
  readonly #memory = new MemoryStore()
  readonly #judge: Judge
  readonly #scene: Scene
  readonly #run: Run
  #crashes = 0
  #over = false

  constructor(world: World, seed: number, dice: Dice, weather: Weather, rest: Rest) {
    this.#world = world
    this.#seed = seed
    this.#dice = dice
    this.#weather = weather
    this.#scheduler = new Scheduler(dice, START, rest)
    this.#scheduler.longestFlight = weather.longestCall
    this.#scheduler.givenUp = weather.givenUp
    this.#judge = new Judge(this.#memory, world.d1)
    this.#scene = {
      world,
      scheduler: this.#scheduler,
      strangers: new Strangers(this.#memory, world.cloudId, this.#scheduler),
      fates: new Fates(),
      both: weather.both,
      fault: this.#judge.failed,
    }
    this.#run = {
      scheduler: this.#scheduler,
      store: recordBirths(this.#memory, this.#judge.births),
      after: this.#judge.behind,
      log: this.#judge.log,
      defer: (_, work) => {
        this.#start(work)
      },
    }
  }

  /** Runs beside everything else; what it throws is a defect. */
  #start(work: () => Promise<unknown>): Promise<void> {
    return work().then(
      () => undefined,
      (error: unknown) => {
        this.#judge.fault(`threw: ${error instanceof Error ? error.stack?.slice(0, 600) : error}`)
      },
    )
  }

  async run(): Promise<Outcome> {
    const { cloudId, otherId } = this.#world
    const { strangers } = this.#scene
    await this.#world.reset(this.#run, this.#weather.options, this.#weather.both)
    await plantFaults(this.#memory, cloudId, this.#weather.faults)
    await strangers.volume()
    await strangers.volume(true)
    const names = Array.from({ length: this.#weather.stories }, () => this.#dice.pick(BAG))
    for (const slot of this.#world.slots) this.#cron(slot)
    let busy = names.length
    for (const name of names) this.#start(() => stories[name]!.story(new Client(this.#scene))).then(() => busy--)
    await this.#chaos(() => busy > 0)
    await plantFaults(this.#memory, cloudId, [])
    await plantFaults(this.#memory, otherId, [])
    this.#scheduler.givenUp = 0
    const stillAt = this.#scheduler.now
    await this.#calm()
    const cleanMs = this.#scheduler.now - stillAt
    await this.#sweep()
    await this.#judge.conclude(this.#scene, cleanMs, this.#weather.longestCall !== Number.POSITIVE_INFINITY)
    return {
      seed: this.#seed,
      profile: this.#weather.profile,
      stories: names,
      violations: [...this.#judge.violations],
      crashes: this.#crashes,
      steps: this.#scheduler.taken,
      objects: this.#judge.births.size,
      orphanKills: await this.#count("select count(*) as n from journal where action = 'orphan.remove'"),
      moved: await this.#count(`select count(*) as n from servers s
        join bindings b on b.kind = 'server' and b.resource_id = s.id and b.cloud_id <> s.cloud_id`),
      handovers: await this.#count("select count(*) as n from journal where action in ('adopt', 'release')"),
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
    const { kill, most, outage } = this.#weather
    await this.#scheduler.quiet()
    for (let turn = 0; turn < most.steps && (busy() || turn < 40); turn++) {
      if (turn === outage?.from || turn === outage?.until)
        await plantFaults(this.#memory, this.#world.otherId, turn === outage.from ? AWAY : [])
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
        this.#judge.fault('work is left long after the last fault')
        return
      }
      this.#scheduler.reach(Math.max(next, this.#scheduler.now + 1))
    }
  }

  /** One sweep heals what no row knows; where calls came late, four of them collect what those left behind. */
  async #sweep(): Promise<void> {
    const context = this.#world.context(this.#world.slots[0]!)
    const late = this.#weather.longestCall === Number.POSITIVE_INFINITY
    // A listing may be behind what was made last, even in a run that is over within seconds.
    this.#scheduler.pass(10_000)
    for (let sweeps = late ? 5 : 1; sweeps > 0; sweeps--) {
      await this.#start(() => reconcile(context, 25_000, { all: true }))
      await this.#settle()
      if (sweeps > 1) this.#scheduler.pass(4 * 60_000)
    }
    // What was removed last is still on its way out.
    this.#scheduler.pass(10_000)
  }

  async #count(sql: string): Promise<number> {
    return (await this.#world.d1.prepare(sql).first<number>('n')) ?? 0
  }
}
