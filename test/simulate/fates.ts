import type { D1Database } from '@cloudflare/workers-types'
import type { NativeId, Store } from '../../adapters/contract.ts'
import { lookBelow } from './in-step.ts'

/** What an answer of the API promised of an object on the cloud. */
type Fate = 'bound' | 'free' | 'removed' | 'orphaned'

/** Promises about objects that are told by their native ids, to be kept when everything is at rest. */
export class Fates {
  readonly #fates = new Map<NativeId, Fate>()
  readonly #acknowledged = new Set<string>()

  /** A client was told that there is a resource of this id now. */
  acknowledged(id: string | undefined): void {
    if (id) this.#acknowledged.add(id)
  }

  /** It has become a resource. */
  bound(id: NativeId): void {
    this.#fates.set(id, 'bound')
  }
  /** It was handed back. */
  free(id: NativeId): void {
    this.#fates.set(id, 'free')
  }
  removed(id: NativeId): void {
    this.#fates.set(id, 'removed')
  }
  /** Nobody accounts for it, and it is reported until somebody does. */
  orphaned(id: NativeId): void {
    this.#fates.set(id, 'orphaned')
  }
  /** It was asked to change, and nobody knows yet how that ends. */
  open(id: NativeId): void {
    this.#fates.delete(id)
  }

  isOrphan(id: NativeId): boolean {
    return this.#fates.get(id) === 'orphaned'
  }

  async faults(d1: D1Database, store: Store, now: number): Promise<string[]> {
    const ids = async (sql: string) =>
      new Set((await d1.prepare(sql).all<{ id: string }>()).results.map(({ id }) => id))
    const written = this.#acknowledged.size ? await ids('select distinct resource_id as id from journal') : new Set()
    const unwritten = [...this.#acknowledged].filter((id) => !written.has(id))
    const broken = unwritten.map((id) => `${id} was acknowledged and never written`)
    if (!this.#fates.size) return broken
    const bound = await ids("select native_id as id from bindings where phase <> 'gone' and native_id is not null")
    const reported = await ids('select native_id as id from orphans')
    const below = (await lookBelow(store)).map(({ entity }) => entity)
    const kept: Record<Fate, (id: NativeId) => boolean> = {
      bound: (id) => bound.has(id),
      free: (id) => !bound.has(id) && !below.some((each) => each.id === id && each.mark !== null && !kept.removed(id)),
      removed: (id) => !below.some((each) => each.id === id && (each.goneAt === null || each.goneAt > now)),
      orphaned: (id) => bound.has(id) || reported.has(id) || kept.removed(id),
    }
    for (const [id, fate] of this.#fates) if (!kept[fate](id)) broken.push(`${id} was to be ${fate} and is not`)
    return broken
  }
}
