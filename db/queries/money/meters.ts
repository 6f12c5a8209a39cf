import { asc, eq, lte, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { both } from '../../conditions.ts'
import { type costs, floatingIps, meters, servers, volumes } from '../../schema/index.ts'
import { hourlyJoined, idleJoined, joinPrice, partPrice } from './prices.ts'

/** What is bought costs that now, in micros of the deployment's currency, JSON: an hour, and one of a stopped server. */
const pricedNow = sql<string>`case ${meters.kind} when 'volume' then json_array(${partPrice('disk', meters.cloudId, meters.size, volumes.sizeGib)}, null)
  when 'address' then json_array(${partPrice('address', meters.cloudId, sql`''`, 1)}, null) else (select json_array(${hourlyJoined}, ${idleJoined}) from (select 1)
  ${joinPrice({ cloudId: sql`${meters.cloudId}`, size: sql`${meters.size}`, option: sql`${meters.option}`, zone: sql`${meters.zone}` })}) end`

/**
 * Meters that are due, so many at most, with what their servers say now and what is asked for the same now; of one project, or
 * of all. `now` in milliseconds since 1970.
 */
export const dueMeters = (db: Database, now: number, limit: number, projectId?: string) =>
  db
    .select({
      meter: meters,
      there: sql<string | null>`coalesce(${servers.id}, ${volumes.id}, ${floatingIps.id})`,
      /** It is there still: another meter of it may begin. */
      alive: sql<number>`(${servers.id} is not null and ${servers.deletedAt} is null) or (${volumes.id} is not null and ${volumes.deletedAt} is null)`,
      tags: servers.tags,
      // What is locked runs on.
      leaseEndsAt: sql<number | null>`iif(${servers.locked}, null, ${servers.leaseEndsAt})`,
      // What a resize that is under way will cost.
      soon: sql<number | null>`${servers.places} ->> '$.to.hourly'`,
      /** Of an hour while it runs, which may be when it likes. */
      whole: sql<
        number | null
      >`case ${meters.kind} when 'server' then ${servers.places} ->> '$.at.hourly' else ${meters.hourly} end`,
      priced: pricedNow,
    })
    .from(meters)
    .leftJoin(servers, eq(servers.id, meters.serverId))
    .leftJoin(volumes, eq(volumes.id, meters.serverId))
    .leftJoin(floatingIps, eq(floatingIps.id, meters.serverId))
    .where(both(lte(meters.dueAt, now), projectId === undefined ? undefined : eq(meters.projectId, projectId)))
    .orderBy(asc(meters.dueAt))
    .limit(limit)

export type DueMeter = Awaited<ReturnType<typeof dueMeters>>[number]
export type CostRow = typeof costs.$inferSelect

/** How a meter stands after it was settled; `done`: all of it is in `costs`. */
export interface Settled {
  id: number
  settledAt: number | null
  endedAt: number | null
  reserved: number
  dueAt: number
  done: boolean
  /** What an hour costs from then on, of the server and of the same while it is stopped; null: as before. */
  rate: { hourly: number; idle: number | null } | null
}

/** True (as SQL) when one of them is not as it was read. */
export const metersMoved = (seen: Pick<DueMeter['meter'], 'id' | 'settledAt' | 'endedAt'>[]) =>
  sql`exists (select 1 from json_each(${JSON.stringify(seen)}) e left join meters m on m.id = e.value ->> 'id'
    and m.settled_at is e.value ->> 'settledAt' and m.ended_at is e.value ->> 'endedAt' where m.id is null)`

const ratesIn = (
  settled: Settled[],
): SQL => sql`(select value ->> 'id' as id, value ->> '$.rate.hourly' as hourly, value ->> '$.rate.idle' as idle
  from json_each(${JSON.stringify(settled.filter(({ rate }) => rate !== null))})) e`

/**
 * Statement: what is kept of a budget for a server that costs no more than `hourly` from `now` on, so long ahead, besides what it
 * ran since it was settled. Times in milliseconds.
 */
export const keepAhead = (
  db: Database,
  serverId: string,
  { now, holdMs, hourly }: { now: number; holdMs: number; hourly: number | null },
) =>
  db.run(sql`update meters set reserved = cast((max(coalesce(hourly, 0), ${hourly ?? 0})
      * (max(0, ${now} - coalesce(settled_at, ${now})) + ${holdMs}) + 3599999) / 3600000 as integer)
    where server_id = ${serverId} and ended_at is null`)

/** Statement: what was bought for that is given up now, in milliseconds since 1970; what is not settled yet stays kept for it. */
export const endMeters = (db: Database, id: string, now: number) =>
  db.run(sql`update meters set ended_at = max(coalesce(settled_at, 0), ${now}), due_at = 0,
      reserved = cast((coalesce(hourly, 0) * max(0, ${now} - coalesce(settled_at, ${now})) + 3599999) / 3600000 as integer)
    where server_id = ${id} and ended_at is null`)

/** Statement: what was bought for that began to cost before its cloud said that it cannot have it costs nothing until it is there after all. */
export const neverThere = (db: Database, id: string) =>
  db.run(sql`update meters set started_at = null, settled_at = null, reserved = coalesce(hourly, 0)
    where server_id = ${id} and ended_at is null and started_at is not null`)

/** Statements: what was paid for, and how its meters stand. */
export const settleMeters = (db: Database, paid: CostRow[], settled: Settled[]) =>
  [
    db.run(sql`insert into costs (project_id, day, kind, server_id, cloud_id, zone, size, option, state, unpriced, hourly, tags, ms)
      select value ->> 'projectId', value ->> 'day', value ->> 'kind', value ->> 'serverId', value ->> 'cloudId', value ->> 'zone', value ->> 'size',
        value ->> 'option', value ->> 'state', value ->> 'unpriced', value ->> 'hourly', value -> 'tags', value ->> 'ms'
      from json_each(${JSON.stringify(paid)}) where true
      on conflict do update set ms = ms + excluded.ms, tags = excluded.tags`),
    db.run(sql`update meters set settled_at = e.settled_at, ended_at = e.ended_at, reserved = e.reserved, due_at = e.due_at
      from (select value ->> 'id' as id, value ->> 'settledAt' as settled_at, value ->> 'endedAt' as ended_at, value ->> 'reserved' as reserved,
        value ->> 'dueAt' as due_at from json_each(${JSON.stringify(settled)})) e where meters.id = e.id`),
    // The meter first: a server whose place says what its meter says begins no other.
    db.run(sql`update meters set hourly = case state when 'stopped' then coalesce(e.idle, e.hourly) else e.hourly end
      from ${ratesIn(settled)} where meters.id = e.id`),
    db.run(sql`update servers set places = json_set(places, '$.at.hourly', e.hourly, '$.at.idle', e.idle)
      from ${ratesIn(settled)} join meters m on m.id = e.id
      where servers.id = m.server_id and servers.deleted_at is null and servers.cloud_id = m.cloud_id and coalesce(servers.zone, '') = m.zone
        and servers.places ->> '$.at.native' = m.size and coalesce(servers.places ->> '$.at.option', 'on-demand') = m.option`),
    db.run(
      sql`delete from meters where id in (select value ->> 'id' from json_each(${JSON.stringify(settled)}) where value ->> 'done')`,
    ),
  ] as const
