import { networkById, networkMoved } from '../../../../db/queries/network/network.ts'
import { giveRangesBack, rangesTaken, takeRange } from '../../../../db/queries/network/pool-space.ts'
import { poolSubnets } from '../../../../db/queries/network/subnet-pools.ts'
import { subnetsOf } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { guard } from '../../line/commit.ts'
import { untilStill } from '../../line/until-still.ts'
import { invalid, missing, NetworkRefused } from '../network-refusal.ts'
import { unitsOf } from './pool-rules.ts'
import { bitsIn } from './ranges.ts'
import { changeSubnetPool, ownSubnetPool } from './subnet-pool.ts'

/**
 * Extension subnet_onboard: the subnets of a network that are of the pool's family become the pool's, and their ranges
 * prefixes of it. Gives their ids and ranges. Throws `NetworkRefused`.
 */
export const onboardSubnets = (context: Context, poolId: string, networkId: string) =>
  untilStill(['network-moved', 'pool-space'], async () => {
    const { db, scope } = context
    const network = await networkById(db, scope, networkId)
    if (!network) throw missing('Network', networkId)
    if (!('every' in scope) && network.projectId !== scope.projectId)
      throw new NetworkRefused({ kind: 'forbidden', type: 'NotAuthorized', reason: 'Not authorized.' })
    const pool = await ownSubnetPool(context, poolId)
    const coming = (await subnetsOf(db, [networkId])).filter(({ ipVersion }) => ipVersion === pool.ipVersion)
    for (const { id, cidr } of coming)
      if (await rangesTaken(db, poolId, [bitsIn(cidr)]))
        throw invalid(
          'IllegalSubnetPoolUpdate',
          `Illegal subnetpool update : Onboarding subnet ${id}: ${cidr} conflicts with allocated prefixes in subnet pool ${poolId}.`,
        )
    const ids = coming.map(({ id }) => id)
    if (coming.length)
      await changeSubnetPool(
        context,
        poolId,
        ({ prefixes }) => ({ prefixes: [...prefixes, ...coming.map(({ cidr }) => cidr)] }),
        ({ ipVersion }) => [
          guard(context, 'network-moved', networkMoved(networkId, network.revision)),
          giveRangesBack(db, ids),
          ...coming.map(({ id, cidr, projectId }) => {
            const bits = bitsIn(cidr)
            return takeRange(db, {
              ...{ poolId, bits, subnetId: id, projectId, units: unitsOf(ipVersion, bits.length) },
            })
          }),
          poolSubnets(db, ids, poolId, context.now()),
        ],
      )
    return coming.map(({ id, cidr }) => ({ id, cidr }))
  })
