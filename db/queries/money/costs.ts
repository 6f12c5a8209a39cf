import { type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { always, among } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import type { Metered } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'

/** By what costs are told apart; by `tag` a server counts for each of its tags. */
export const GROUPINGS = ['project', 'cloud', 'server', 'burst', 'tag', 'day'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** Days in UTC, `to` not included, and times in milliseconds since 1970. */
export interface CostPeriod {
  from: number
  to: number
  now: number
}

export interface CostSum {
  project: string | null
  cloud: string | null
  server: string | null
  /** The burst that the server is, or was, a member of. */
  burst: string | null
  tag: string | null
  /** In UTC. */
  day: string | null
  /** Milliseconds that servers were there, and of these the ones of which nobody knew the price. */
  ms: number
  unpricedMs: number
  /** Of the deployment's currency. */
  micros: number
}

const COLUMNS: Record<Grouping, SQL> = {
  project: sql`project_id`,
  cloud: sql`coalesce((select name from clouds where id = cloud_id), cloud_id)`,
  server: sql`case kind when 'server' then server_id end`,
  burst: sql`(select m.burst_id from burst_members m where m.server_id = p.server_id)`,
  tag: sql`tag`,
  day: sql`day`,
}

/** Micros for so long, as SQL: in two parts, as the triggers on `costs` reckon, so that no amount is too large for the product. */
const costFor = (hourly: SQL, ms: SQL): SQL =>
  sql`(${hourly} / 3600000 * ${ms} + ${hourly} % 3600000 * ${ms} / 3600000)`

/**
 * Forgets what was paid on days before a time, in milliseconds since 1970, and months that were over before it: so many rows of
 * each at most.
 */
export const sweepCosts = (db: Database, before: number, most: number) =>
  db.batch([
    db.run(sql`delete from costs where rowid in (select rowid from costs where day < ${dayOf(before)} limit ${most})`),
    db.run(
      sql`delete from spend_months where rowid in (select rowid from spend_months where month < ${dayOf(before).slice(0, 7)} limit ${most})`,
    ),
  ])

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

interface Asked extends CostPeriod {
  scope: Scope
  firstDay: string
  /** Not included. */
  lastDay: string
  /** What is not settled yet is told apart by these, as JSON; a day: what is older than all of them. */
  days?: string | undefined
  limit: number
  offset: number
  form: { by: readonly Grouping[] }
}

const whose = ({ scope }: Pick<Slots<Asked>, 'scope'>, table = ''): SQL =>
  'every' in scope ? always : sql`${sql.raw(table)}project_id = ${scope.projectId}`

/** What is paid for and, of what is not settled yet, the part that is over by now. */
const parts = (asked: Slots<Asked>): SQL => {
  const { from, to, now, firstDay, lastDay, days } = asked
  const [day, begin, end] = days
    ? [sql`, day`, sql`, d.value ->> 'begin'`, sql`, d.value ->> 'end'`]
    : [sql``, sql``, sql``]
  return sql`
  select kind, project_id, server_id, cloud_id, tags, ms, unpriced, ${costFor(sql`hourly`, sql`ms`)} as micros${day} from costs
    where ${whose(asked)} and day >= ${firstDay} and day < ${lastDay}
  union all
  select kind, project_id, server_id, cloud_id, (select tags from servers where id = server_id), ms, hourly is null, coalesce(${costFor(sql`hourly`, sql`ms`)}, 0)${day}
    from (select kind, project_id, server_id, cloud_id, hourly${days ? sql`, d.value ->> 'day' as day` : sql``},
        max(0, min(${to}, ${now}, coalesce(ended_at, ${now})${end}) - max(${from}, settled_at${begin})) as ms
      from meters${days ? sql` join json_each(${days}) d` : sql``} where ${whose(asked)} and settled_at is not null)
    where ms > 0`
}

const DAY = 86_400_000
/** So many days apart what is not settled is told, which is an hour old at most unless nothing was settled for days. */
const UNSETTLED = 3
const lastDays = (now: number) =>
  Array.from({ length: UNSETTLED }, (_, i) => {
    const begin = Math.floor(now / DAY - i) * DAY
    return { day: dayOf(begin), begin: i < UNSETTLED - 1 ? begin : 0, end: begin + DAY }
  })

/** Hours are those of servers: volumes cost, and have none. */
const OF_SERVERS: SQL = sql`coalesce(sum(case kind when 'server' then ms end), 0) as ms,
  coalesce(sum(case when unpriced and kind = 'server' then ms end), 0) as unpricedMs`

/** As SQL, a JSON list: what it is told apart by, sorted by that; so many after the first `offset`. */
const sums = (asked: Slots<Asked>): SQL => {
  const { by } = asked.form
  const column = (name: Grouping) => (by.includes(name) ? COLUMNS[name] : sql`null`)
  const tags = by.includes('tag')
    ? sql`(select p.*, t.value as tag from (${parts(asked)}) p left join json_each(p.tags) t) p`
    : sql`(${parts(asked)}) p`
  return sql`(select json_group_array(json_object('project', project, 'cloud', cloud, 'server', server, 'burst', burst, 'tag', tag, 'day', day,
      'ms', ms, 'unpricedMs', unpricedMs, 'micros', micros) order by day, project, cloud, server, burst, tag)
    from (select ${column('project')} as project, ${column('cloud')} as cloud, ${column('server')} as server, ${column('burst')} as burst,
      ${column('tag')} as tag, ${column('day')} as day, ${OF_SERVERS}, sum(micros) as micros
      from ${tags} group by 1, 2, 3, 4, 5, 6 order by 6, 1, 2, 3, 4, 5 limit ${asked.limit} offset ${asked.offset}))`
}

interface Costs {
  sums: CostSum[]
  /** All in one, and what is to be expected. */
  ms: number
  unpricedMs: number
  micros: number
  /** What an hour of all that is there costs. */
  hourly: number
  /** What it will cost until the end of the period, if all stays as it is and leases end. */
  ahead: number
  currency: string | null
  /** What of these has no price; of all projects only what that is. */
  uncounted: { what: string; now?: number }[]
}

const asking = prepared((db, asked: Slots<Asked>) => {
  const { to, now } = asked
  return db
    .select({
      sums: sql<string>`${sums(asked)}`.as('sums'),
      ms: sql<number>`ms`,
      unpricedMs: sql<number>`unpricedMs`,
      micros: sql<number>`micros`,
      hourly: sql<number>`coalesce((select sum(hourly) from meters where ${whose(asked)} and ended_at is null), 0)`,
      ahead: sql<number>`coalesce((select sum(${costFor(sql`m.hourly`, sql`max(0, min(${to}, coalesce(s.lease_ends_at, ${to})) - ${now})`)})
        from meters m left join servers s on s.id = m.server_id where ${whose(asked, 'm.')} and m.ended_at is null), 0)`,
      currency: sql<string | null>`(select currency from rates where base)`,
      uncounted: sql<string>`${uncounted(asked)}`,
    })
    .from(sql`(select ${OF_SERVERS}, coalesce(sum(micros), 0) as micros from (${parts(asked)}))`)
})

/** What servers, volumes and addresses cost in a period, told apart by these, sorted by them, so many rows after the first `offset`; and in one. */
export const costsOf = async (
  db: Database,
  scope: Scope,
  period: CostPeriod,
  { by, limit, offset }: { by: readonly Grouping[]; limit: number; offset: number },
): Promise<Costs> => {
  const days = {
    firstDay: dayOf(period.from),
    lastDay: dayOf(period.to),
    ...(by.includes('day') ? { days: JSON.stringify(lastDays(period.now)) } : {}),
  }
  const [row] = await asking.run(db, { scope, ...period, ...days, limit, offset, form: { by } })
  return { ...row!, sums: JSON.parse(row!.sums), uncounted: JSON.parse(row!.uncounted) }
}

/** What has no price anywhere, by the names that quotas have for it: no call of a cloud tells what a snapshot keeps. */
const UNPRICED = ['snapshots']
/** Where nobody says what one costs, addresses; in GiB, volumes; and of servers whose size has no disk: what they boot from. */
const MAYBE = ['floatingip', 'gigabytes', 'volumes', 'root disks']

const unpriced = (projectId: Placeholder, kind: Metered): SQL =>
  sql`from meters m where m.project_id = ${projectId} and m.kind = ${kind} and m.ended_at is null and m.hourly is null`

/** SQL, JSON text: how much a project has of what has no price here, by the names that quotas have for it; of all projects only what that is. */
const uncounted = ({ scope }: Slots<Asked>): SQL => {
  if ('every' in scope) return sql`${JSON.stringify([...UNPRICED, ...MAYBE].toSorted().map((what) => ({ what })))}`
  const { projectId } = scope
  return sql`(select json_group_array(json_object('what', what, 'now', now)) from (
    select resource as what, used as now from quotas where project_id = ${projectId} and resource in ${among(UNPRICED)} and used > 0
    union all select 'floatingip', count(*) ${unpriced(projectId, 'address')} having count(*) > 0
    union all select 'gigabytes', (select sum(v.size_gib) from volumes v where v.id in (select m.server_id ${unpriced(projectId, 'volume')}))
      where exists (select 1 ${unpriced(projectId, 'volume')})
    union all select 'volumes', count(*) ${unpriced(projectId, 'volume')} having count(*) > 0
    union all select 'root disks', count(*) from servers where project_id = ${projectId} and deleted_at is null and places ->> '$.at.diskGib' = 0 having count(*) > 0
    order by 1))`
}
