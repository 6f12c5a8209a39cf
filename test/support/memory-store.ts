import type { Json, Store } from '../../adapters/contract.ts'

/**
 * A `Store` in memory, fast enough for simulations of hundreds of thousands of operations: keys stay sorted, so a
 * prefix is a range, and values are kept as text, so nobody can change what is stored by holding on to it.
 */
export class MemoryStore implements Store {
  readonly #rows = new Map<string, { text: string; version: number }>()
  #keys: string[] = []

  /** Another with the same in it. */
  copy(): MemoryStore {
    const other = new MemoryStore()
    for (const [key, row] of this.#rows) other.#rows.set(key, row)
    other.#keys = [...this.#keys]
    return other
  }

  /** Index of the first key that is not below `key`. */
  #seek(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] as string) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  async get(key: string): Promise<{ value: Json; version: number } | null> {
    const row = this.#rows.get(key)
    return row ? { value: JSON.parse(row.text), version: row.version } : null
  }

  async put(key: string, value: Json, expected: number): Promise<boolean> {
    const row = this.#rows.get(key)
    if ((row?.version ?? 0) !== expected) return false
    if (!row) this.#keys.splice(this.#seek(key), 0, key)
    this.#rows.set(key, { text: JSON.stringify(value), version: expected + 1 })
    return true
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    const row = this.#rows.get(key)
    if (!row || (expected !== undefined && row.version !== expected)) return false
    this.#rows.delete(key)
    this.#keys.splice(this.#seek(key), 1)
    return true
  }

  async list(prefix: string, limit: number, after?: string): Promise<{ key: string; value: Json; version: number }[]> {
    const found: { key: string; value: Json; version: number }[] = []
    let index = this.#seek(after === undefined || after < prefix ? prefix : after)
    if (this.#keys[index] === after) index++
    for (; index < this.#keys.length && found.length < limit; index++) {
      const key = this.#keys[index] as string
      if (!key.startsWith(prefix)) break
      const { text, version } = this.#rows.get(key) as { text: string; version: number }
      found.push({ key, value: JSON.parse(text), version })
    }
    return found
  }

  get size(): number {
    return this.#keys.length
  }
}
