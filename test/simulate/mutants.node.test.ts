import { beforeAll, describe, expect, it } from 'vitest'
import { mutants } from './mutants.ts'
import { migrated, openNodeWorld } from './node.ts'
import { programOf } from './program.ts'
import { runScenario, scenarios } from './scenarios/index.ts'
import type { World } from './world.ts'

const NODE = 'test/simulate/node.ts'
const SCENARIOS = 'test/simulate/scenarios/index.ts'

/** What every world begins with. */
let empty: ArrayBuffer
beforeAll(async () => {
  empty = await (await migrated()).dump()
})

describe('with every rule in its place', () => {
  let world: World
  beforeAll(async () => {
    world = await openNodeWorld(empty)
  })

  it.each(Object.keys(scenarios))('%s: nothing is wrong', async (name) => {
    expect(await runScenario(world, name)).toEqual([])
  })
})

describe('a safety rule taken out of the program is missed', () => {
  it.each(mutants)('$rule', async (mutant) => {
    const imported = await programOf([NODE, SCENARIOS], mutant)
    const world = await imported<typeof import('./node.ts')>(NODE).openNodeWorld(empty)
    const found = await imported<typeof import('./scenarios/index.ts')>(SCENARIOS).runScenario(world, mutant.scenario)
    expect(found).not.toEqual([])
  })
})
