import type { Adapter, Cloud, Json, Store } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'
import type { Flight, Life, Scheduler } from './scheduler.ts'

/** Whose call it is can be told from the store that the adapter was handed. */
interface Travelled extends Store {
  life?: Life
  scheduler?: Scheduler
}

/** Calls that change something on the cloud: while one is under way no clock runs past its deadline. */
const EFFECTS = new Set([
  'create',
  'update',
  'remove',
  'start',
  'stop',
  'reboot',
  'resize',
  'rebuild',
  'pause',
  'unpause',
  'suspend',
  'resume',
  'describe',
  'mark',
])

const wrapped = Symbol('every call is watched')

/** Makes the embedded cloud tell the scheduler of every call that changes something. Once for all. */
export const watchFlights = (): void => {
  const adapter = sandbox as Adapter & { [wrapped]?: true }
  if (adapter[wrapped]) return
  adapter[wrapped] = true
  const { connect } = adapter
  adapter.connect = (connection, surroundings) => {
    const { life, scheduler } = surroundings.store as Travelled
    if (!life || !scheduler) return connect(connection, surroundings)
    const sleep = (ms: number) => scheduler.sleep(life, ms, true)
    const cloud = connect(connection, { ...surroundings, sleep })
    for (const realm of Object.values(cloud)) watch(realm, scheduler, life)
    cloud.server.create = heard(cloud.server.create, connection.cloudId, scheduler, life)
    return cloud
  }
}

type Method = (...args: unknown[]) => Promise<unknown>

const watch = (realm: Cloud[keyof Cloud], scheduler: Scheduler, life: Life): void => {
  if (typeof realm !== 'object') return
  const methods = realm as unknown as Record<string, unknown>
  for (const [name, method] of Object.entries(methods)) {
    if (typeof method !== 'function') continue
    const call: Method = (...args) => method.apply(realm, args)
    methods[name] = answered(life, EFFECTS.has(name) ? flown(scheduler, life, call) : call)
  }
}

/** Whoever listens hears what is asked for, and whether there is any. */
const heard =
  (create: Cloud['server']['create'], cloudId: string, scheduler: Scheduler, life: Life): Cloud['server']['create'] =>
  async (spec, mark) => {
    scheduler.listener?.asks(life, cloudId, spec, mark, scheduler.now)
    try {
      return await create(spec, mark)
    } catch (error) {
      if (error instanceof CloudError) scheduler.listener?.refused(error)
      throw error
    }
  }

/** The dead hear no answer. */
const answered =
  (life: Life, call: Method): Method =>
  async (...args) => {
    try {
      return await call(...args)
    } finally {
      if (!life.alive) await new Promise(() => {})
    }
  }

/** While it is under way no clock runs past its end; and whoever called may give it up before. */
const flown =
  (scheduler: Scheduler, life: Life, call: Method): Method =>
  (...args) => {
    const flight: Flight = { life, since: scheduler.now, object: String(args[0]) }
    scheduler.flights.add(flight)
    const outcome = call(...args).finally(() => scheduler.land(flight))
    if (!scheduler.dice.chance(scheduler.givenUp)) return outcome
    return Promise.race([outcome, giveUp(scheduler, life)])
  }

const giveUp = async (scheduler: Scheduler, life: Life): Promise<never> => {
  await scheduler.sleep(life, scheduler.dice.below(20_000))
  throw new CloudError('ambiguous', 'The cloud did not answer in time.')
}

/** Writes down every object that the cloud makes, with the token that asked for it. */
export const recordBirths = (store: Store, births: Map<string, Set<string>>): Store => ({
  get: (key) => store.get(key),
  delete: (key, expected) => store.delete(key, expected),
  list: (prefix, limit, after) => store.list(prefix, limit, after),
  async put(key, value, expected) {
    const done = await store.put(key, value, expected)
    if (done && expected === 0 && key.includes('/objects/')) {
      const { kind, id, mark } = value as { kind: string; id: string; mark: { token: string } | null } & Record<
        string,
        Json
      >
      if (mark) {
        const asked = `${kind} ${mark.token}`
        births.set(asked, (births.get(asked) ?? new Set()).add(`${id} at ${births.size}`))
      }
    }
    return done
  },
})
