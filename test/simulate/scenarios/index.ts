import { Stage } from '../stage.ts'
import type { World } from '../world.ts'
import { calls } from './calls.ts'
import { changes } from './changes.ts'
import { others } from './others.ts'
import type { Scenario } from './props.ts'
import { requests } from './requests.ts'
import { sweeps } from './sweeps.ts'

export const scenarios: Record<string, Scenario> = { ...calls, ...requests, ...changes, ...sweeps, ...others }

export const runScenario = async (world: World, name: string): Promise<string[]> => {
  const scenario = scenarios[name]
  if (!scenario) throw new Error(`there is no scenario ${name}`)
  return scenario(new Stage(world))
}
