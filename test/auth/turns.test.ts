import { describe, expect, test } from 'vitest'
import { Crowded, type Lane, Turns } from '../../functions/auth/turns.ts'

/** Work that ends when the test says so, in the order in which it began. */
const bench = (options: Partial<ConstructorParameters<typeof Turns>[0]> = {}) => {
  const turns = new Turns({ atOnce: 1, waiting: 100, longestMs: 60_000, ...options })
  const begun: string[] = []
  const refused: string[] = []
  const ends: (() => void)[] = []
  let most = 0
  let now = 0
  const take = (name: string, lane: Lane) =>
    turns
      .take(lane, async () => {
        begun.push(name)
        most = Math.max(most, ++now)
        await new Promise<void>((resolve) => ends.push(resolve))
        now--
      })
      .catch((error) => {
        expect(error).toBeInstanceOf(Crowded)
        expect(error.seconds).toBeGreaterThan(0)
        refused.push(name)
      })
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5))
  const drain = async () => {
    for (await settled(); ends.length; await settled()) ends.shift()!()
  }
  return { take, begun, refused, drain, settled, most: () => most }
}
const many = (count: number, each: (i: number) => void) => Array.from({ length: count }, (_, i) => each(i))

describe('turns', () => {
  test('are few at a time, and everybody who waits gets one', async () => {
    const { take, begun, drain, most } = bench({ atOnce: 2 })
    many(9, (i) => take(`${i}`, { source: 'a', user: 'u' }))
    await drain()
    expect([begun.length, most()]).toEqual([9, 2])
  })

  test('come to another user, and to another source, before the rest of a crowd', async () => {
    const { take, begun, drain, settled } = bench()
    many(20, () => take('crowd', { source: 'a', user: 'admin' }))
    take('same source, other user', { source: 'a', user: 'eve' })
    take('other source, same user', { source: 'b', user: 'admin' })
    take('other source, other user', { source: 'c', user: 'ann' })
    await settled()
    await drain()
    expect(begun[1]).toBe('other source, other user')
    expect(begun.slice(0, 5)).toEqual(expect.arrayContaining(['same source, other user', 'other source, same user']))
  })

  test('come to a source of its own before many names from one source', async () => {
    const { take, begun, drain } = bench()
    many(20, (i) => take(`crowd ${i}`, { source: 'a', user: `u${i}` }))
    take('ann', { source: 'b', user: 'ann' })
    await drain()
    expect(begun.indexOf('ann')).toBeLessThan(3)
  })

  test('are refused to the crowd, not to the one who comes last, when too many wait', async () => {
    const { take, begun, refused, drain } = bench({ waiting: 10 })
    many(30, (i) => take(`crowd ${i}`, { source: 'a', user: `u${i % 3}` }))
    take('ann', { source: 'b', user: 'ann' })
    await drain()
    expect(refused).toHaveLength(20)
    expect(refused).not.toContain('ann')
    expect(begun).toHaveLength(11)
  })

  test('are lost to whoever vanished with one', async () => {
    const { take, begun, settled } = bench({ longestMs: 1 })
    take('vanished', { source: 'a', user: 'u' })
    await settled()
    take('next', { source: 'a', user: 'u' })
    await settled()
    expect(begun).toEqual(['vanished', 'next'])
  })
})
