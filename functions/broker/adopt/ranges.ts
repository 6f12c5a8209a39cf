import { networkPlanOf } from '../../../db/queries/network/network-plans.ts'
import { spaceHolding, takeRange } from '../../../db/queries/network/pool-space.ts'
import { type SubnetPoolRow, subnetPoolMoved, subnetPoolsById } from '../../../db/queries/network/subnet-pools.ts'
import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { guard, type Write } from '../line/commit.ts'
import { readCidr } from '../network/address.ts'
import { unitsOf } from '../network/pools/pool-rules.ts'
import { bitsIn } from '../network/pools/ranges.ts'
import type { Plan } from './plan.ts'

interface Range {
  pool: SubnetPoolRow
  bits: string
}

/**
 * The range of a subnet whose row this database lost, in the pool from which its project has the subnets of networks that
 * grow: that it is free there is how it was lost. Null: it is of no pool, as far as anybody knows.
 */
export const rangeOfPool = async (plan: Plan, projectId: string, cidr: string): Promise<Range | null> => {
  const { db } = plan.context
  const poolId = plan.options.byMark ? (await networkPlanOf(db, projectId))?.poolId : null
  if (!poolId) return null
  const [pool] = await subnetPoolsById(db, [poolId])
  const bits = bitsIn(cidr)
  const isFree = pool?.ipVersion === readCidr(cidr)?.version && (await spaceHolding(db, poolId, bits)) !== null
  return pool && isFree ? { pool, bits } : null
}

/** Writes by which a subnet has its range again, whatever quota the pool has by now. */
export const holding = (context: Context, { pool, bits }: Range, { id, projectId, ipVersion }: SubnetRow): Write[] => [
  guard(context, 'pool-moved', subnetPoolMoved(everyProject, pool.id, pool.revision)),
  takeRange(context.db, {
    ...{ poolId: pool.id, bits, subnetId: id, projectId, units: unitsOf(ipVersion, bits.length) },
  }),
]
