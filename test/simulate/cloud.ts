import type { Adapter, Cloud, Json, Store } from '../../adapters/contract.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'
import type { Flight, Life, Scheduler } from './scheduler.ts'

/** Whose call it is can be told from the store that the adapter was handed. */
export interface Travelled extends Store {
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
])

const wrapped = Symbol('every effect is a flight')

/** Makes the embedded cloud tell the scheduler when a call that changes something begins and ends. Once for all. */
export const watchFlights = (): void => {
  const adapter = sandbox as Adapter & { [wrapped]?: true }
  if (adapter[wrapped]) return
  adapter[wrapped] = true
  const { connect } = adapter
  adapter.connect = (connection, surroundings) => {
    const cloud = connect(connection, surroundings)
    const { life, scheduler } = surroundings.store as Travelled
    if (life && scheduler) for (const realm of Object.values(cloud)) watch(realm, scheduler, life)
    return cloud
  }
}

const watch = (realm: Cloud[keyof Cloud], scheduler: Scheduler, life: Life): void => {
  if (typeof realm !== 'object') return
  const methods = realm as unknown as Record<string, unknown>
  for (const [name, method] of Object.entries(methods)) {
    if (typeof method !== 'function' || !EFFECTS.has(name)) continue
    methods[name] = async (...args: unknown[]) => {
      const flight: Flight = { life, since: scheduler.now }
      scheduler.flights.add(flight)
      try {
        return await method.apply(realm, args)
      } finally {
        scheduler.flights.delete(flight)
      }
    }
  }
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
