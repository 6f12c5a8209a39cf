import {
  deleteNetworkPlan,
  type NetworkPlanView,
  networkPlanMoved,
  networkPlanOf,
  setNetworkPlan,
} from '../../../../db/queries/network/network-plans.ts'
import { addSpace } from '../../../../db/queries/network/pool-space.ts'
import { insertSubnetPool, subnetPoolById } from '../../../../db/queries/network/subnet-pools.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { charge, commit, guard, type Write } from '../../line/commit.ts'
import { untilStill } from '../../line/until-still.ts'
import { readCidr, writeCidr } from '../address.ts'
import { invalidInput, NetworkRefused } from '../network-refusal.ts'
import { readLengths } from './pool-rules.ts'
import { bitsIn } from './ranges.ts'
import { removeSubnetPool } from './subnet-pool.ts'
import { refuseNoWayOut } from './ways-out-on.ts'

/** How the networks of a project become routed by themselves. */
export interface NetworkPlan {
  routed: boolean
  /** A CIDR; null: each network has the pool of its other subnets. */
  pool: string | null
  prefixLength: number | null
  /** A segment that is made by it gets its cloud's own way out. */
  egress: boolean
}

/** What the pool of a plan is called among the subnet pools of its project. */
const POOL = 'plimsoll:network-plan'
/** Subnets that a cloud takes: a narrower one has no room for a server beside what clouds keep. */
const NARROWEST = { 4: 28, 6: 64 } as const

const checked = ({ pool, prefixLength }: NetworkPlan): void => {
  if (pool === null) return
  const block = readCidr(pool)
  if (!block) throw invalidInput(`pool '${pool}' is not a valid IP subnet`)
  if (prefixLength === null) throw invalidInput('prefix_length is how long the prefixes of subnets of the pool are')
  const narrowest = NARROWEST[block.version]
  if (prefixLength < block.prefix || prefixLength > narrowest)
    throw invalidInput(`prefix_length ${prefixLength} is not between that of pool ${pool} and ${narrowest}`)
}

/** Sets, or with null takes away, the plan of a project. What was made by an earlier plan stays. Throws `NetworkRefused`. */
export const planNetworks = async (context: Context, projectId: string, plan: NetworkPlan | null): Promise<void> => {
  if (plan) checked(plan)
  if (plan?.egress) await refuseNoWayOut(context, projectId)
  const left = await untilStill('network-plan-moved', async () => {
    const before = await networkPlanOf(context.db, projectId)
    const pool = plan?.pool ? await poolFor(context, projectId, plan, before) : null
    await commit(
      context,
      { action: 'plan_networks', kind: 'project', resourceId: projectId, detail: { plan: shown(plan) } },
      [
        guard(context, 'network-plan-moved', networkPlanMoved(projectId, before?.updatedAt ?? null)),
        ...(pool?.writes ?? []),
        plan
          ? setNetworkPlan(context.db, {
              projectId,
              routed: plan.routed,
              poolId: pool?.id ?? null,
              prefixLength: plan.prefixLength,
              egress: plan.egress,
              // Told apart from one that was set in the same millisecond.
              updatedAt: Math.max(context.now(), (before?.updatedAt ?? 0) + 1),
            })
          : deleteNetworkPlan(context.db, projectId),
      ],
    )
    return before?.poolId && before.poolId !== pool?.id ? before.poolId : null
  })
  if (left) await dropUnused(context, left)
}

const shown = (plan: NetworkPlan | null) => plan && { ...plan }

/** The pool of a plan is one of the project's subnet pools; the same addresses stay the same pool. */
const poolFor = async (
  context: Context,
  projectId: string,
  { pool, prefixLength }: NetworkPlan,
  before: NetworkPlanView | null,
): Promise<{ id: string; writes: Write[] }> => {
  const block = readCidr(pool!)!
  const cidr = writeCidr(block)
  const known = before?.poolId ? await subnetPoolById(context.db, everyProject, before.poolId) : null
  if (known && known.prefixes.length === 1 && known.prefixes[0] === cidr) return { id: known.id, writes: [] }
  const id = context.newId()
  const lengths = { minPrefixlen: block.prefix, defaultPrefixlen: prefixLength! }
  const row = {
    ...{ id, projectId, name: POOL, description: "The pool of the project's network plan.", tags: [], revision: 0 },
    ...{ ipVersion: block.version, prefixes: [cidr], ...readLengths(block.version, lengths) },
    ...{ defaultQuota: null, isDefault: false, shared: false, addressScopeId: null },
    ...{ createdAt: context.now(), updatedAt: context.now() },
  }
  return {
    id,
    writes: [
      charge(projectId, 'subnetpool', 1),
      insertSubnetPool(context.db, row),
      ...addSpace(context.db, id, [bitsIn(cidr)]),
    ],
  }
}

/** The pool of an earlier plan goes if no subnet is of it. */
const dropUnused = async (context: Context, id: string): Promise<void> => {
  try {
    await removeSubnetPool(context, id)
  } catch (error) {
    const used =
      error instanceof NetworkRefused && ['SubnetPoolDeleteError', 'SubnetPoolNotFound'].includes(error.refusal.type)
    if (!used) throw error
  }
}
