import { Stage } from '../stage.ts'
import type { World } from '../world.ts'
import { bursts } from './bursts.ts'
import { calls } from './calls.ts'
import { changes } from './changes.ts'
import { homecoming } from './homecoming.ts'
import { listening } from './listening.ts'
import { marks } from './marks.ts'
import { money } from './money.ts'
import { others } from './others.ts'
import { places } from './places.ts'
import type { Scenario } from './props.ts'
import { reclaims } from './reclaims.ts'
import { requests } from './requests.ts'
import { sweeps } from './sweeps.ts'

export const scenarios: Record<string, Scenario> = {
  ...calls,
  ...requests,
  ...changes,
  ...sweeps,
  ...others,
  ...marks,
  ...homecoming,
  ...places,
  ...money,
  ...listening,
  ...reclaims,
  ...bursts,
}

export const runScenario = async (world: World, name: string): Promise<string[]> => {
  const scenario = scenarios[name]
  if (!scenario) throw new Error(`there is no scenario ${name}`)
  return scenario(new Stage(world))
}
