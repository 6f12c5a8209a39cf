import { eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { outer } from '../../nested.ts'
import { NO_POLICY } from '../../policy.ts'
import { type Policy, projects } from '../../schema/index.ts'
import { policyIn, type Said, saidIn, saidOfAll } from '../clouds/policies.ts'
import { straysOf, unlistedOf } from './listed.ts'

/** What a project spends, in micros of the deployment's currency. */
export interface Spending {
  /** An hour of all that it has. */
  hourly: number
  /** This month, settled and kept for what runs. */
  month: number
  /** When something of it should have been settled next, in milliseconds since 1970; null: nothing is to be. */
  dueAt: number | null
  /** What one unit of a currency is worth in that of the deployment. */
  rates: Record<string, number>
  /** The last minute since 1970 in which this database was known to be kept; null: it is new. */
  keptAt: number | null
  /** Names of clouds that were not listed since a time of which it knows nothing, and servers of that time without rows. */
  unlisted: string[]
  strays: number
}

export const NOTHING_SPENT: Spending = {
  hourly: 0,
  month: 0,
  dueAt: null,
  rates: {},
  keptAt: null,
  unlisted: [],
  strays: 0,
}

/** `2026-11` of a time in milliseconds since 1970, in UTC. */
const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)

const hourlyOf = (projectId: unknown): SQL =>
  sql`coalesce((select hourly from spend where project_id = ${projectId}), 0)`
const monthlyOf = (projectId: unknown, now: number): SQL =>
  sql`coalesce((select settled from spend_months where project_id = ${projectId} and month = ${monthOf(now)}), 0)
    + coalesce((select reserved from spend where project_id = ${projectId}), 0)`

const ITS_ID = outer(projects.id)

/** SQL, of a row of `projects`: what it spends, as JSON text. */
export const spendingOf = (now: number): SQL<string> =>
  sql<string>`json_object('hourly', ${hourlyOf(ITS_ID)}, 'month', ${monthlyOf(ITS_ID, now)},
    'dueAt', (select min(due_at) from meters where project_id = ${ITS_ID}), 'rates', (select json_group_object(currency, rate) from rates),
    'keptAt', (select cast(value as integer) from settings where key = 'heartbeat'),
    'unlisted', json(${unlistedOf(ITS_ID)}), 'strays', ${straysOf(ITS_ID)})`

/** What a project may spend, by what was said of it, and what it does spend. */
export const spendingFor = async (
  db: Database,
  projectId: string,
  now: number,
): Promise<{ policy: Policy; said: Said; spending: Spending }> => {
  const [row] = await db
    .select({ policy: projects.policy, ofAll: saidOfAll, spending: spendingOf(now) })
    .from(projects)
    .where(eq(projects.id, projectId))
  const spending = row ? JSON.parse(row.spending) : NOTHING_SPENT
  return { policy: row ? policyIn(row) : NO_POLICY, said: saidIn(row), spending }
}

/** SQL: all that a project has costs more an hour than that, in micros. */
export const overHourly = (projectId: string, cap: number): SQL => sql`${hourlyOf(projectId)} > ${cap}`

/** SQL: more of this month is spent or kept than that, in micros. */
export const overBudget = (projectId: string, budget: number, now: number): SQL =>
  sql`${monthlyOf(projectId, now)} > ${budget}`

/** What a project is told of its budget, once a month each. */
export const BUDGET_STEPS = ['warned', 'exhausted'] as const
export type BudgetStep = (typeof BUDGET_STEPS)[number]
const TOLD: Record<BudgetStep, SQL> = { warned: sql`warned_at`, exhausted: sql`exhausted_at` }

/** SQL: it was told so this month. */
export const wasTold = (projectId: string, step: BudgetStep, now: number): SQL =>
  sql`exists (select 1 from spend_months where project_id = ${projectId} and month = ${monthOf(now)} and ${TOLD[step]} is not null)`

/** Statement: it is told so now. */
export const tellBudget = (db: Database, projectId: string, step: BudgetStep, now: number) =>
  db.run(sql`insert into spend_months (project_id, month, settled, ${TOLD[step]}) values (${projectId}, ${monthOf(now)}, 0, ${now})
    on conflict do update set ${TOLD[step]} = ${now}`)
