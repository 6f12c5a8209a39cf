import type { Json, NativeId, Store } from '../../contract.ts'
import { noSuch, refusal } from '../errors.ts'
import type { Entities, Entity, Lookup, Stored } from './entities.ts'

const SCAN = 1000
/** So long, in milliseconds, it shows servers that it took back, whatever it forgets sooner. */
const TAKEN_BACK_MS = 3_600_000
/** Nobody loses this many races in a row by chance. */
const ROUNDS = 100

export interface Kept<T> {
  value: T
  version: number
}

/**
 * The cloud's memory: one key per object, `<cloud>/objects/<account>/<kind>/<id>`, so that a kind is one range of keys.
 * Every write compares versions. A removed object is dropped by the next call that reads it after its time.
 */
export class State {
  readonly store: Store
  readonly cloud: string
  readonly #account: string
  readonly #now: () => number
  readonly #tombstoneMs: number

  constructor(store: Store, at: { cloud: string; account: string; now: () => number; tombstoneMs: number }) {
    this.store = store
    this.cloud = at.cloud
    this.#account = at.account
    this.#now = at.now
    this.#tombstoneMs = at.tombstoneMs
  }

  key(kind: Stored, id: NativeId): string {
    return `${this.#range(kind)}${id}`
  }

  #range(kind: Stored): string {
    return `${this.cloud}/objects/${this.#account}/${kind}/`
  }

  async #alive<T extends Entity>(key: string, value: T, version: number): Promise<Kept<T> | null> {
    const until = value.goneAt === null ? null : value.goneAt + this.#shownAfter(value)
    if (until === null || until > this.#now()) return { value, version }
    await this.store.delete(key, version)
    return null
  }

  #shownAfter(value: Entity): number {
    if (value.kind !== 'server') return 0
    return value.reclaimed === undefined ? this.#tombstoneMs : Math.max(TAKEN_BACK_MS, this.#tombstoneMs)
  }

  async get<K extends Stored>(kind: K, id: NativeId): Promise<Kept<Entities[K]> | null> {
    return this.at<Entities[K]>(this.key(kind, id))
  }

  /** The object under a full key, of whichever account. */
  async at<T extends Entity>(key: string): Promise<Kept<T> | null> {
    const found = await this.store.get(key)
    return found && (await this.#alive(key, found.value as unknown as T, found.version))
  }

  put(entity: Entity, expected: number): Promise<boolean> {
    return this.store.put(this.key(entity.kind, entity.id), entity as unknown as Json, expected)
  }

  /** Replaces an object by what `step` makes of it, over again if somebody was faster; the same object: no write. */
  async change<K extends Stored>(
    kind: K,
    id: NativeId,
    step: (entity: Entities[K]) => Entities[K] | Promise<Entities[K]>,
  ): Promise<Entities[K]> {
    for (let round = 0; round < ROUNDS; round++) {
      const found = await this.get(kind, id)
      if (!found) throw noSuch(kind, id)
      const next = await step(found.value)
      if (next === found.value || (await this.put(next, found.version))) return next
    }
    throw tooManyWriters()
  }

  /** One page of a kind in the order of ids, at most `limit`; `after` is the last id of the page before. */
  async page<K extends Stored>(kind: K, limit: number, after?: NativeId, prefix = ''): Promise<KindPage<Entities[K]>> {
    const range = this.#range(kind)
    const rows = await this.store.list(range + prefix, limit, after === undefined ? undefined : range + after)
    const items: Entities[K][] = []
    for (const { key, value, version } of rows) {
      const alive = await this.#alive(key, value as unknown as Entities[K], version)
      if (alive) items.push(alive.value)
    }
    const last = rows.length === limit ? rows.at(-1)?.key.slice(range.length) : undefined
    return { items, last }
  }

  async all<K extends Stored>(kind: K): Promise<Entities[K][]> {
    const items: Entities[K][] = []
    let after: string | undefined
    do {
      const page = await this.page(kind, SCAN, after)
      items.push(...page.items)
      after = page.last
    } while (after !== undefined)
    return items
  }

  /** Looks objects up one by one. */
  readonly lookup: Lookup = async (kind, id) => (await this.get(kind, id))?.value ?? null

  /** Looks objects up in whole kinds, each read once: for listings, whose cost must not grow with every row. */
  whole(): Lookup {
    const kinds = new Map<Stored, Promise<Map<NativeId, Entity>>>()
    return async <K extends Stored>(kind: K, id: NativeId) => {
      let known = kinds.get(kind)
      if (!known) {
        known = this.all(kind).then((items) => new Map(items.map((item) => [item.id, item])))
        kinds.set(kind, known)
      }
      return ((await known).get(id) as Entities[K] | undefined) ?? null
    }
  }

  /** Reads, amends and writes one of the cloud's own records, over again if somebody was faster. */
  async amend<T, R>(key: string, empty: T, step: (record: T) => R | Promise<R>): Promise<R> {
    for (let round = 0; round < ROUNDS; round++) {
      const found = await this.store.get(`${this.cloud}/${key}`)
      const record = (found?.value as T | undefined) ?? structuredClone(empty)
      const result = await step(record)
      if (await this.store.put(`${this.cloud}/${key}`, record as Json, found?.version ?? 0)) return result
    }
    throw tooManyWriters()
  }
}

export interface KindPage<T> {
  items: T[]
  /** Id after which the next page begins; absent on the last one. */
  last: NativeId | undefined
}

const tooManyWriters = () =>
  refusal('TooManyWriters', 'Too many changes at once; the cloud asks to try again.', { retryAfterMs: 1000 })
