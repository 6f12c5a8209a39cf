import type { HeldRange } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { ours } from '../marks.ts'
import { exists } from '../records/entities.ts'

/** Subnets of others, whoever's network they are of: a network here has no range of its own. */
export const heldRanges = (engine: Engine): Promise<HeldRange[]> =>
  engine.call('cloud.heldRanges', {}, async () =>
    (await engine.state.all('subnet'))
      .filter((subnet) => exists(subnet, engine.now()) && !ours(subnet.mark, engine.connection))
      .map(({ spec: { cidr, network } }) => ({ cidr, network, whole: false })),
  )
