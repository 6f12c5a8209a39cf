import { and, asc, eq, getTableColumns, isNull, lte, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { both } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { bursts, burstUse } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { behind } from '../keyset.ts'

export type BurstRow = typeof bursts.$inferSelect

/** How a burst stands. */
export const BURST_STATES = ['pending', 'filling', 'running', 'draining', 'done', 'failed'] as const
type BurstState = (typeof BURST_STATES)[number]

const there = sql`m.burst_id = bursts.id and m.ended_at is null`

// In a list of columns a column of the one table would have no table's name, which is another's in what is selected within.
/** SQL, of a row of `bursts`: how it stands, by what was wished, its members and their servers. Nothing keeps it. */
const stateOf = sql<BurstState>`case
  when bursts.failure is not null then 'failed'
  when bursts.draining_at is not null then case when exists (select 1 from burst_members m where ${there}) then 'draining' else 'done' end
  when bursts.finished_at is not null then 'done'
  when not exists (select 1 from burst_members m where m.burst_id = bursts.id) then 'pending'
  when (select count(*) from burst_members m join servers s on s.id = m.server_id where ${there} and s.status = 'ACTIVE') >= bursts.least then 'running'
  else 'filling' end`

/** So many members that are there are alike. */
export interface MemberCount {
  /** The name of their cloud. */
  cloud: string | null
  status: string
  reported: 'running' | 'done' | 'failed' | null
  count: number
}

const countsOf = sql<string>`(select json_group_array(json_object('cloud', cloud, 'status', status, 'reported', reported, 'count', n)) from (
  select (select name from clouds where id = s.cloud_id) as cloud, s.status, m.reported, count(*) as n
  from burst_members m join servers s on s.id = m.server_id where ${there} group by 1, 2, 3))`

/** What a burst costs, in micros of the deployment's currency. */
interface BurstMoney {
  /** An hour of what is there. */
  hourly: number
  /** Until now. */
  soFar: number
  /** From now until its members end: by its deadline, or their leases. */
  ahead: number
  /** Of members nobody said when they end. */
  endless: boolean
  currency: string | null
}

const moneyOf = (now: Placeholder) => sql<string>`(select json_object('hourly', coalesce(u.hourly, 0),
    'soFar', coalesce(u.settled, 0) + coalesce(sum(coalesce(t.hourly, 0) * max(0, min(${now}, coalesce(t.ended_at, ${now})) - t.settled_at) / 3600000), 0),
    'ahead', coalesce(sum(case when t.ended_at is null then coalesce(t.hourly, 0)
      * max(0, min(coalesce(s.lease_ends_at, b.deadline, ${now}), coalesce(b.deadline, s.lease_ends_at, ${now})) - ${now}) / 3600000 end), 0),
    'endless', coalesce(max(t.id is not null and t.ended_at is null and s.lease_ends_at is null and b.deadline is null), 0),
    'currency', (select currency from rates where base))
  from bursts b left join burst_use u on u.burst_id = b.id left join burst_members m on m.burst_id = b.id
    left join meters t on t.server_id = m.server_id left join servers s on s.id = m.server_id
  where b.id = bursts.id)`

/** A burst with how it stands; `now` in milliseconds since 1970. */
const shown = (now: Placeholder) => ({
  ...getTableColumns(bursts),
  state: stateOf,
  counts: countsOf,
  money: moneyOf(now),
})

export type ShownBurst = BurstRow & { state: BurstState; counts: MemberCount[]; money: BurstMoney }

const read = ({
  counts,
  money,
  ...row
}: BurstRow & Record<'counts' | 'money', string> & { state: BurstState }): ShownBurst => {
  const { endless, ...amounts } = JSON.parse(money) as BurstMoney
  return { ...row, counts: JSON.parse(counts), money: { ...amounts, endless: Boolean(endless) } }
}

const reading = prepared((db, { scope, id, now }: Slots<{ scope: Scope; id: string; now: number }>) =>
  db
    .select(shown(now))
    .from(bursts)
    .where(and(eq(bursts.id, id), within(bursts.projectId, scope))),
)

/** A burst within the scope; null: there is none. */
export const burstById = async (db: Database, scope: Scope, id: string, now: number): Promise<ShownBurst | null> => {
  const [row] = await reading.run(db, { scope, id, now })
  return row ? read(row) : null
}

interface BurstPage {
  name?: string | undefined
  state?: BurstState | undefined
  marker?: string | undefined
  limit: number
}

const paging = prepared(
  (db, { scope, now, name, state, marker, limit }: Slots<BurstPage & { scope: Scope; now: number }>) => {
    const keys = [bursts.createdAt, bursts.id].map((column) => ({ column, descending: false }))
    const marked = marker && both(eq(bursts.id, marker), within(bursts.projectId, scope))
    return db
      .select(shown(now))
      .from(bursts)
      .where(
        both(
          within(bursts.projectId, scope),
          name && eq(bursts.name, name),
          state && sql`${stateOf} = ${state}`,
          marked && behind(keys, bursts, marked),
        ),
      )
      .orderBy(asc(bursts.createdAt), asc(bursts.id))
      .limit(limit)
  },
)

/** Bursts within the scope, oldest first, behind the marker; null: that is none of them. */
export const burstsOf = async (
  db: Database,
  scope: Scope,
  page: BurstPage,
  now: number,
): Promise<ShownBurst[] | null> => {
  const rows = await paging.run(db, { scope, now, ...page })
  if (rows.length || page.marker === undefined) return rows.map(read)
  return (await reading.run(db, { scope, id: page.marker, now })).length ? [] : null
}

/** Statements: a new burst, which has spent nothing. */
export const insertBurst = (db: Database, row: BurstRow) =>
  [
    db.insert(bursts).values(row),
    db.insert(burstUse).values({ burstId: row.id, hourly: 0, settled: 0, reserved: 0 }),
  ] as const

/** Statement: changes a burst that is not over. */
export const updateBurst = (
  db: Database,
  id: string,
  set: { [Name in keyof BurstRow]?: BurstRow[Name] | (Name extends 'countedAt' ? SQL<number> : never) },
) =>
  db
    .update(bursts)
    .set(set)
    .where(and(eq(bursts.id, id), isNull(bursts.endedAt)))

/** SQL: when it is said anew how many members a burst is to have; not before one that it has, whichever process made that meanwhile. */
export const countedFrom = (id: string, now: number) =>
  sql<number>`max(${now}, coalesce((select max(created_at) from burst_members where burst_id = ${id}), 0))`

const ending = (
  id: string,
): SQL => sql`id = ${id} and ended_at is null and (draining_at is not null or finished_at is not null)
  and not exists (select 1 from burst_members m where m.burst_id = ${id} and m.ended_at is null)`

/** True (as SQL) when a burst has been ended already, or is not to end yet. */
export const burstNotEnding = (id: string): SQL => sql`not exists (select 1 from bursts where ${ending(id)})`

/** Statement: a burst is over, and nothing of it is left but what it cost. It stays as it is while a member is there. */
export const endBurst = (db: Database, id: string, now: number) =>
  db.update(bursts).set({ endedAt: now, updatedAt: now, userData: null, dueAt: null }).where(ending(id))

/** Bursts that were over at a time are forgotten, with their members, so many rows at most: their members first. */
export const sweepBursts = async (db: Database, endedBefore: number, limit: number): Promise<void> => {
  const old = sql`select id from bursts where ended_at is not null and ended_at < ${endedBefore}`
  await db.run(sql`delete from burst_members where server_id in (
    select m.server_id from (${old}) b cross join burst_members m on m.burst_id = b.id limit ${limit})`)
  const empty = sql`${old} and not exists (select 1 from burst_members m where m.burst_id = bursts.id) limit ${limit}`
  await db.batch([
    db.run(sql`delete from burst_use where burst_id in (${empty})`),
    db.run(sql`delete from bursts where id in (${empty})`),
  ])
}

/** True (as SQL) when a burst is over, or on its way: nothing of it is changed any more. */
export const burstOver = (id: string): SQL =>
  sql`not exists (select 1 from bursts where id = ${id} and draining_at is null and finished_at is null and ended_at is null)`

/** Ids of bursts that are to be looked at, so many at most. */
export const dueBursts = async (db: Database, now: number, limit: number): Promise<string[]> =>
  (
    await db
      .select({ id: bursts.id })
      .from(bursts)
      .where(sql`due_at is not null and due_at <= ${now}`)
      .orderBy(asc(bursts.dueAt))
      .limit(limit)
  ).map(({ id }) => id)

/** Takes a burst that is due, so that no other process looks at it before `until`; null: it is not due. */
export const claimBurst = async (db: Database, id: string, now: number, until: number): Promise<BurstRow | null> =>
  (
    await db
      .update(bursts)
      .set({ dueAt: until })
      .where(and(eq(bursts.id, id), lte(bursts.dueAt, now)))
      .returning()
  )[0] ?? null

/** Gives it back, unless something has made it due meanwhile: when it is looked at next, and what keeps it from having more. */
export const giveBurst = (
  db: Database,
  { id, until }: { id: string; until: number },
  set: Pick<BurstRow, 'dueAt' | 'reason'>,
) =>
  db
    .update(bursts)
    .set(set)
    .where(and(eq(bursts.id, id), eq(bursts.dueAt, until)))
