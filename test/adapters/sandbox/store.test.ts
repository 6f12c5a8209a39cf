import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../adapters/contract.ts'
import { DatabaseStore } from '../../../db/store.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { freshDatabase } from '../../support/runtime.ts'
import { CASES } from '../cases.ts'
import { Workshop } from '../world.ts'
import { sandboxWorld } from './world.ts'

const stores: [string, () => Promise<Store>][] = [
  ['in memory', async () => new MemoryStore()],
  ['in a database', async () => new DatabaseStore(await freshDatabase('CLOUD_STATE'))],
]

describe.each(stores)('a store %s', (_, open) => {
  let store: Store
  beforeEach(async () => {
    store = await open()
  })

  it('writes only over the version that was read', async () => {
    expect(await store.get('a')).toBeNull()
    expect(await store.put('a', { x: [1, null] }, 1)).toBe(false)
    expect(await store.put('a', { x: [1, null] }, 0)).toBe(true)
    expect(await store.put('a', 'again', 0)).toBe(false)
    expect(await store.get('a')).toEqual({ value: { x: [1, null] }, version: 1 })
    expect(await store.put('a', 'next', 1)).toBe(true)
    expect(await store.put('a', 'late', 1)).toBe(false)
    expect(await store.get('a')).toEqual({ value: 'next', version: 2 })
  })

  it('deletes whatever is there, or only the version that was read', async () => {
    await store.put('a', 1, 0)
    await store.put('a', 2, 1)
    expect(await store.delete('a', 1)).toBe(false)
    expect(await store.delete('a', 2)).toBe(true)
    expect(await store.delete('a')).toBe(false)
    await store.put('a', 3, 0)
    expect(await store.delete('a')).toBe(true)
    expect(await store.get('a')).toBeNull()
  })

  it('lists a prefix in the order of keys, from where the page before ended', async () => {
    for (const key of ['p/b', 'p/a', 'q/a', 'p/c', 'p', 'p/%', 'p/a/1']) await store.put(key, key, 0)
    const keys = async (prefix: string, limit: number, after?: string) =>
      (await store.list(prefix, limit, after)).map(({ key }) => key)
    expect(await keys('p/', 10)).toEqual(['p/%', 'p/a', 'p/a/1', 'p/b', 'p/c'])
    expect(await keys('p/', 2)).toEqual(['p/%', 'p/a'])
    expect(await keys('p/', 2, 'p/a')).toEqual(['p/a/1', 'p/b'])
    expect(await keys('p/', 2, 'p/c')).toEqual([])
    expect(await keys('p/', 10, 'a')).toHaveLength(5)
    expect(await keys('x', 10)).toEqual([])
    expect((await store.list('q/', 1))[0]).toEqual({ key: 'q/a', value: 'q/a', version: 1 })
  })

  it.each(['server.parts', 'attachment.shown', 'floating_ip.association'])(
    'carries the embedded cloud: %s',
    async (id) => {
      const shop = new Workshop(sandboxWorld({}, store))
      await CASES.find((each) => each.id === id)?.run(shop)
      await shop.close()
    },
  )
})
