import { beforeAll, describe, expect, it } from 'vitest'
import { long, onD1Itself, turn } from '../support/rounds.ts'
import { freshDatabase, runtime } from '../support/runtime.ts'
import type { Rest } from './scheduler.ts'
import { type Outcome, runSeed } from './seed.ts'
import { PROFILES } from './weather.ts'
import { openWorld, type World } from './world.ts'

/** So many with each profile, by turns; at a time a part of them, as on Node other seeds are told by the hundred. */
const ALL = 60
const SEEDS = long || onD1Itself ? ALL : 10
const FROM = turn(ALL / SEEDS) * SEEDS

/** There no tick comes after the last promise: a number of promises in a row is taken for rest. */
const turns: Rest = async (long) => {
  for (let i = 0; i < 40; i++) await undefined
  for (let i = 0; long && i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}

describe('a few seeds on this runtime', () => {
  let world: World
  let rest: Rest = turns

  beforeAll(async () => {
    if (runtime === 'node') {
      const node = await import('./node.ts')
      node.digestAtOnce()
      rest = node.nodeRest
    }
    world = await openWorld(await freshDatabase(), runtime === 'node' ? 'node' : 'workers')
  })

  it.each(PROFILES)('no violation on a cloud that avoids duplicates by %s', { timeout: 300_000 }, async (profile) => {
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const { violations, stories } = await runSeed(world, seed, rest, { profile })
      expect(violations, `seed ${seed} (${stories})`).toEqual([])
    }
  })

  it.runIf(runtime === 'node')('a seed is the same run every time, whatever ran before it', async () => {
    const outcomes = async (seeds: number[]): Promise<Outcome[]> => {
      const found: Outcome[] = []
      for (const seed of seeds) found.push(await runSeed(world, seed, rest))
      return found.sort((a, b) => a.seed - b.seed)
    }
    const seeds = Array.from({ length: long ? 30 : 10 }, (_, i) => i + 500)
    expect(await outcomes([...seeds].reverse())).toEqual(await outcomes(seeds))
  })
})
