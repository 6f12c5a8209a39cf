import type { Store } from '../../adapters/contract.ts'
import { plantFaults } from '../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../adapters/sandbox/faults.ts'
import { driveBursts } from '../../functions/broker/burst/turn.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import { deliverDue } from '../../functions/broker/notices/deliver.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { Client, type Scene } from './client.ts'
import { recordBirths } from './cloud.ts'
import { Dice } from './dice.ts'
import { Fates } from './fates.ts'
import { BOUND, Judge } from './judge.ts'
import { Ear } from './listening/ear.ts'
import { asksAgain, guests, lookRound, loops, settleAll, takers } from './market/actors.ts'
import { Auditor } from './market/auditor.ts'
import { drawMarket, type Market, openMarket } from './market/market.ts'
import { office, trades } from './market/stories.ts'
import { Wire } from './market/wire.ts'
import { type Life, type Rest, Scheduler } from './scheduler.ts'
import { type Stories, stories } from './stories/index.ts'
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
/** When somebody has work. */
const NEXT = `select min(next) as next from (select max(due_at, lease_until) as next from bindings where due_at is not null
  union all select max(due_at, lease_until) from webhooks where due_at is not null)`
/** So often bursts are looked at when all else is at rest: members that come to nothing are made again. */
const LOOKS = 12
/** And at most so often at what comes home or ends. */
const MOST_LOOKS = 80
/** A cloud that answers nobody. */
const AWAY: FaultRule[] = [{ method: '*', fault: 'ambiguous_before' }]

/** In so many runs there is something to buy; drawn apart, so that the others are what they would be without. */
const MARKETS = 0.008

/** What is chosen of a run beforehand. */
export interface Chosen {
  profile?: Profile | undefined
  /** There is something to buy in every run. */
  market?: boolean | undefined
}

/** One run of everything, which depends on its seed alone. */
export const runSeed = async (
  world: World,
  seed: number,
  rest: Rest,
  { profile, market = false }: Chosen = {},
): Promise<Outcome> => {
  const [dice, apart] = [new Dice(seed), new Dice(seed ^ 0x6d61726b)]
  const bought = apart.chance(market ? 1 : MARKETS) ? drawMarket(apart) : null
  const weather = forecast(dice, profile ?? PROFILES[seed % PROFILES.length]!, bought)
  return new Simulation(world, seed, dice, weather, rest).run()
}

/** Each name as often as its weight says. */
const bagOf = (all: Stories) => Object.entries(all).flatMap(([name, { weight }]) => Array<string>(weight).fill(name))
const [BAG, MARKET_BAG] = [bagOf(stories), bagOf(trades)]

class Simulation {
  readonly #world: World
  readonly #seed: number
  readonly #dice: Dice
  readonly #weather: Weather
  readonly #scheduler: Scheduler
  readonly #memory: Store
  /** Where there is something to buy. */
  readonly #auditor: Auditor | null
  readonly #judge: Judge
  readonly #scene: Scene
  readonly #run: Run
  /** In one of three somebody listens. */
  readonly #ear: Ear | null
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
    const store = new MemoryStore()
    const wire = weather.market && new Wire(store)
    this.#memory = wire ?? store
    this.#judge = new Judge(this.#memory, world.d1)
    this.#auditor = wire && new Auditor(world, this.#scheduler, wire, this.#judge.fault)
    this.#judge.auditor = this.#auditor
    this.#scheduler.listener = this.#auditor
    this.#scene = {
      world,
      scheduler: this.#scheduler,
      strangers: new Strangers(this.#memory, world.cloudId, this.#scheduler),
      fates: new Fates(),
      both: weather.both,
      fault: this.#judge.failed,
    }
    this.#ear = seed % 3 === 0 ? new Ear(dice) : null
    this.#run = {
      ...(this.#ear ? { fetch: this.#ear.fetch } : {}),
      scheduler: this.#scheduler,
      store: recordBirths(this.#memory, this.#judge.births),
      after: this.#judge.behind,
      log: this.#judge.log,
      defer: ({ life }, work) => {
        this.#start(() => this.#asOne(life, work))
      },
      begins: (life) => this.#auditor?.memory.begin(life) ?? (() => {}),
    }
  }

  /** One piece of the work of a process. */
  async #asOne(life: Life, work: () => Promise<unknown>): Promise<void> {
    const ends = this.#auditor?.memory.begin(life)
    await work()
    ends?.()
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
    this.#scheduler.direct = true
    await this.#ear?.listen(this.#world)
    const { market } = this.#weather
    if (market) await openMarket(this.#world, market)
    this.#scheduler.direct = false
    await plantFaults(this.#memory, cloudId, this.#weather.faults)
    await strangers.volume()
    await strangers.volume(true)
    const names = Array.from({ length: this.#weather.stories }, () => this.#dice.pick(market ? MARKET_BAG : BAG))
    for (const slot of this.#world.slots) this.#cron(slot)
    let busy = names.length
    const all = { ...stories, ...trades }
    for (const name of names) this.#start(() => all[name]!.story(new Client(this.#scene))).then(() => busy--)
    if (market) this.#trade(market)
    await this.#chaos(() => busy > 0)
    await plantFaults(this.#memory, cloudId, [])
    await plantFaults(this.#memory, otherId, [])
    this.#scheduler.givenUp = 0
    if (this.#ear) this.#ear.calm = true
    const stillAt = this.#scheduler.now
    await this.#calm()
    const cleanMs = this.#scheduler.now - stillAt
    await this.#sweep()
    for (const fault of (await this.#ear?.faults(this.#world.d1)) ?? []) this.#judge.fault(fault)
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
        await this.#scheduler.sleep(life, this.#dice.between(200, this.#weather.roundMs))
        if (this.#over) return
        await this.#asOne(life, () => this.#round(slot))
      }
    })
  }

  async #round(slot: Slot): Promise<void> {
    const { market } = this.#weather
    await convergeDue(this.#world.context(slot), 25_000)
    if (this.#ear) await deliverDue(this.#world.context(slot), 25_000)
    if (this.#dice.chance(0.15)) await driveBursts(this.#world.context(slot), 25_000)
    if (this.#dice.chance(market ? 0.2 : 0.05)) await reconcile(this.#world.context(slot), 25_000)
    if (market) await loops(this.#world.context(slot), this.#dice)
  }

  /** Whoever else is about where there is something to buy. */
  #trade({ takesBack }: Market): void {
    const over = () => this.#over
    this.#start(() => office(new Client(this.#scene, 'admin')))
    this.#start(() => guests(new Client(this.#scene), over))
    this.#start(() => takers(new Client(this.#scene), this.#auditor!, takesBack, over))
  }

  async #chaos(busy: () => boolean): Promise<void> {
    const { kill, most, outage, market } = this.#weather
    await this.#scheduler.quiet()
    for (let turn = 0; turn < most.steps && (busy() || turn < 40); turn++) {
      if (turn === outage?.from || turn === outage?.until)
        await plantFaults(this.#memory, this.#world.otherId, turn === outage.from ? AWAY : [])
      if (market) await this.#scarce(market, turn)
      if (this.#crashes < most.kills && this.#dice.chance(kill)) await this.#kill(this.#dice.pick(this.#world.slots))
      this.#clock()
      await this.#scheduler.turn()
    }
  }

  /** What there is too little of begins to be so, or ends. */
  async #scarce({ scarcities }: Market, turn: number): Promise<void> {
    const { cloudId, otherId } = this.#world
    const { faults, outage } = this.#weather
    const away = outage && outage.from <= turn && turn < outage.until ? AWAY : []
    for (const [cloud, id, others] of [
      ['sandbox', cloudId, faults],
      ['other', otherId, away],
    ] as const) {
      const its = scarcities.filter((each) => each.cloud === cloud)
      if (!its.some(({ from, until }) => from === turn || until === turn)) continue
      const rules = its.filter(({ from, until }) => from <= turn && turn < until).map(({ rule }) => rule)
      await plantFaults(this.#memory, id, [...others, ...rules])
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
    let since = this.#scheduler.now
    for (let looks = 0; ; ) {
      await this.#start(() => convergeDue(context, 25_000))
      if (this.#ear) await this.#start(() => deliverDue(context, 25_000))
      const next = await this.#world.d1.prepare(NEXT).first<number>('next')
      if (next === null) {
        const more = looks++ < LOOKS && (await this.#bursts())
        const home =
          this.#auditor && looks < MOST_LOOKS && (await lookRound(new Client(this.#scene), context, looks < LOOKS))
        if (!more && !home) return
        since = this.#scheduler.now
        continue
      }
      if (this.#scheduler.now - since > BOUND) {
        this.#judge.fault('work is left long after the last fault')
        return
      }
      this.#scheduler.reach(Math.max(next, this.#scheduler.now + 1))
    }
  }

  /** One look at what bursts are due next; whether there are any. They are looked at for as long as they are not over. */
  async #bursts(): Promise<boolean> {
    const due = await this.#world.d1.prepare('select min(due_at) as due from bursts').first<number>('due')
    if (due === null) return false
    this.#scheduler.reach(Math.max(due, this.#scheduler.now + 1))
    await this.#start(() => driveBursts(this.#world.context(this.#world.slots[0]!), 25_000))
    return true
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
    if (!this.#auditor) return
    await this.#start(() => asksAgain(new Client(this.#scene), this.#auditor!, context))
    await this.#settle()
    await settleAll(context)
  }

  async #count(sql: string): Promise<number> {
    return (await this.#world.d1.prepare(sql).first<number>('n')) ?? 0
  }
}
