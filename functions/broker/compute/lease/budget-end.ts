import { markedToStop } from '../../../../db/queries/compute/server-leases.ts'
import {
  BUDGET_STEPS,
  type BudgetStep,
  spendingFor,
  tellBudget,
  wasTold,
} from '../../../../db/queries/money/spending.ts'
import type { Context } from '../../../context.ts'
import { amountOf } from '../../line/amounts.ts'
import { commit, guard } from '../../line/commit.ts'
import { tell } from '../../line/notices.ts'
import { Refused } from '../../line/refused.ts'
import { allowanceOf } from '../../money/allowance.ts'
import { settleDue } from '../../money/settle.ts'
import { ask, note } from '../server-action.ts'

/** So many of a project are stopped in one turn. */
const MOST = 50

/** Share of a budget from which its project is told so. */
const SHARES: Record<BudgetStep, number> = { warned: 0.8, exhausted: 1 }

/**
 * Pays for what ran, and tells projects of which most of the budget, or all, is spent or kept for what runs: once a month, in
 * the journal. Where the policy says so, servers that are marked for it are stopped then.
 */
export const spendDue = async (context: Context, budgetMs: number): Promise<void> => {
  for (const projectId of await settleDue(context, budgetMs)) await judge(context, projectId)
}

const judge = async (context: Context, projectId: string): Promise<void> => {
  const { policy, spending } = await spendingFor(context.db, projectId, context.now())
  const month = allowanceOf({ ...policy, max_hourly_cost: null }, spending)?.month
  if (!month) return
  for (const step of BUDGET_STEPS)
    if (month.used >= SHARES[step] * month.most) await announce(context, projectId, step, month)
  if (month.used < month.most || policy.budget?.at_100 !== 'stop-marked') return
  for (const server of await markedToStop(context.db, projectId, MOST)) {
    try {
      await ask(context, server, {
        action: 'stop',
        set: { wantPower: 'stopped' },
        also: [note(context, server, 'budget_end')],
      })
    } catch (error) {
      context.log('warn', 'a budget is spent, and a server could not be stopped', {
        id: server.id,
        reason: String(error),
      })
    }
  }
}

/** Any number of processes may find so: one of them tells it. */
const announce = async (
  context: Context,
  projectId: string,
  step: BudgetStep,
  { used, most }: { used: number; most: number },
): Promise<void> => {
  const now = context.now()
  const detail = { spent: amountOf(used), budget: amountOf(most) }
  const told = { type: `budget.${step}`, projectId, kind: 'project', resourceId: projectId, data: detail }
  const telling = tell(context, told)
  try {
    await commit(context, { action: `budget_${step}`, kind: 'project', resourceId: projectId, detail }, [
      guard(context, 'told', wasTold(projectId, step, now)),
      tellBudget(context.db, projectId, step, now),
      telling,
    ])
    context.log('warn', `budget ${step}`, { projectId, ...detail })
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'told')) throw error
  }
}
