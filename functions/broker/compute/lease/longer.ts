import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { keepAhead } from '../../../../db/queries/money/meters.ts'
import type { Context } from '../../../context.ts'
import { stillSaid } from '../../clouds/policy.ts'
import type { Write } from '../../line/commit.ts'
import { allowanceOf, holdOf, moneyGuards, stillFunded, whyTooDear } from '../../money/allowance.ts'
import { paidSpending } from '../../money/settle.ts'
import { placesOf } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import { leftOf } from './lease.ts'

/**
 * For the batch of a change by which a server may run longer: what is kept of the budget of its project for that, and that the
 * budget is still that. Throws
 * `ServerRefused` (`cost`) where not so much is left: a short lease would else be a way past it.
 */
export const keepLonger = async (
  context: Context,
  server: ServerRow,
  change: Partial<Pick<ServerRow, 'leaseEndsAt' | 'locked'>>,
): Promise<Write[]> => {
  const now = context.now()
  const { at } = placesOf(server)
  const [before, after] = [server, { ...server, ...change }].map((each) => holdOf(leftOf(each, now))) as [
    number,
    number,
  ]
  if (!at || after <= before) return []
  const { policy, said, spending, burst: whole } = await paidSpending(context, server)
  // What an hour of it costs does not change.
  const burst = whole && { ...whole, maxHourlyCost: null }
  const allowance = allowanceOf({ budget: policy.budget, max_hourly_cost: null }, spending, { burst })
  const holds = [stillSaid(context, server.projectId, said), ...stillFunded(context, whole)]
  if (!allowance) return holds
  const dear = whyTooDear({ ...allowance, holdMs: after - before }, at, 1)
  if (dear) refuse({ kind: 'cost', reason: dear.reason })
  return [
    ...holds,
    keepAhead(context.db, server.id, { now, holdMs: after, hourly: at.hourly }),
    ...moneyGuards(context, server.projectId, allowance),
  ]
}
