import type { Ground } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { runCompute } from './compute.ts'
import { federate } from './federation.ts'
import { defineMetadata } from './metadata.ts'
import { runNetwork } from './network.ts'
import { makePeople } from './people.ts'
import { makeTypes } from './volumes.ts'

/** What an administrator makes at Horizon. */
export const operates = async (teller: Teller, ground: Ground): Promise<void> => {
  const project = await makePeople(teller, ground)
  await federate(teller)
  await runCompute(teller, ground)
  await makeTypes(teller, ground)
  await runNetwork(teller, ground, project)
  await defineMetadata(teller)
}
