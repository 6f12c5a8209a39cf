import type { Json, Store } from '../../../adapters/contract.ts'
import type { Entities } from '../../../adapters/sandbox/records/entities.ts'

type Machine = Entities['server'] & { cloud: string }

/** The memory of the clouds, which also knows by heart which machines are there. */
export class Wire implements Store {
  readonly #store: Store
  readonly #machines = new Map<string, Machine>()

  constructor(store: Store) {
    this.#store = store
  }

  get(key: string) {
    return this.#store.get(key)
  }

  async put(key: string, value: Json, expected: number): Promise<boolean> {
    const done = await this.#store.put(key, value, expected)
    const machine = value as unknown as Entities['server']
    // Where ids follow from what is made there may be several of one id, one after the other.
    if (done && key.includes('/objects/') && machine.kind === 'server')
      this.#machines.set(`${key} ${machine.createdAt}`, { ...machine, cloud: key.slice(0, key.indexOf('/')) })
    return done
  }

  delete(key: string, expected?: number) {
    return this.#store.delete(key, expected)
  }

  list(prefix: string, limit: number, after?: string) {
    return this.#store.list(prefix, limit, after)
  }

  /** Machines of this deployment, those that were removed included. */
  get machines(): Machine[] {
    return [...this.#machines.values()].filter(({ mark }) => mark !== null && mark.deployment !== 'somebody-else')
  }

  /** Those that are there. */
  running(now: number): Machine[] {
    return this.machines.filter(({ goneAt }) => goneAt === null || goneAt > now)
  }
}
