import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import type { Money } from '../../schema/index.ts'

/** What a burst may spend, and does; in micros of the deployment's currency where no other is named. */
export interface BurstSpending {
  id: string
  maxHourlyCost: Money | null
  budget: Money | null
  /** An hour of its members. */
  hourly: number
  /** Paid so far, and kept for what runs. */
  spent: number
}

const read = async (db: Database, which: SQL): Promise<BurstSpending | null> => {
  const [row] = await db.all<Record<'id' | 'maxHourlyCost' | 'budget', string> & { hourly: number; spent: number }>(sql`
    select b.id, coalesce(b.max_hourly_cost, 'null') as maxHourlyCost, coalesce(b.budget, 'null') as budget,
      coalesce(u.hourly, 0) as hourly, coalesce(u.settled + u.reserved, 0) as spent
    from bursts b left join burst_use u on u.burst_id = b.id where b.id = ${which}`)
  return row ? { ...row, maxHourlyCost: JSON.parse(row.maxHourlyCost), budget: JSON.parse(row.budget) } : null
}

/** Of a burst; null: there is none of that id. */
export const burstSpending = (db: Database, id: string): Promise<BurstSpending | null> => read(db, sql`${id}`)

/** Of the burst that a server is a member of; null: it is in none. */
export const burstSpendingOf = (db: Database, serverId: string): Promise<BurstSpending | null> =>
  read(db, sql`(select burst_id from burst_members where server_id = ${serverId})`)

/** True (as SQL) when a burst may spend something else by now. */
export const burstMoneyMoved = ({ id, maxHourlyCost, budget }: BurstSpending): SQL =>
  sql`exists (select 1 from bursts where id = ${id} and (json(max_hourly_cost) is not json(${maxHourlyCost && JSON.stringify(maxHourlyCost)})
    or json(budget) is not json(${budget && JSON.stringify(budget)})))`

/** SQL: an hour of all members of a burst costs more than that, in micros. */
export const overBurstHourly = (id: string, cap: number): SQL =>
  sql`coalesce((select hourly from burst_use where burst_id = ${id}), 0) > ${cap}`

/** SQL: more is spent by a burst, or kept for its members, than that, in micros. */
export const overBurst = (id: string, budget: number): SQL =>
  sql`coalesce((select settled + reserved from burst_use where burst_id = ${id}), 0) > ${budget}`

/** What members of a burst cost until now, exactly, and an hour of those that run; in micros. */
export const unsettledOf = async (
  db: Database,
  id: string,
  now: number,
): Promise<{ soFar: number; hourly: number }> => {
  const [row] = await db.all<{ soFar: number; hourly: number }>(sql`
    select coalesce((select settled from burst_use where burst_id = ${id}), 0)
        + coalesce(sum(coalesce(t.hourly, 0) * max(0, min(${now}, coalesce(t.ended_at, ${now})) - coalesce(t.settled_at, ${now})) / 3600000), 0) as soFar,
      coalesce(sum(case when t.ended_at is null and t.started_at is not null then coalesce(t.hourly, 0) end), 0) as hourly
    from burst_members m join meters t on t.server_id = m.server_id where m.burst_id = ${id}`)
  return row!
}
