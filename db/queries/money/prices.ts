import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Price, PurchaseOption } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prices } from '../../schema/index.ts'

/** Statements for one batch: what is sold on a cloud costs this, and for nothing else is a price known. */
export const replacePrices = (db: Database, cloudId: string, seen: Price[]) =>
  [
    db.delete(prices).where(and(eq(prices.cloudId, cloudId), eq(prices.booked, false))),
    db.run(sql`insert into prices (cloud_id, size, option, zone, amount, idle, currency, as_of, source)
      select ${cloudId}, value->>'size', value->>'option', coalesce(value->>'zone', ''), cast(round((value->>'amount') * 1000000) as integer),
        cast(round((value->>'idle') * 1000000) as integer), value->>'currency', value->>'asOf', value->>'source'
      from json_each(${JSON.stringify(seen)}) where true
      on conflict do nothing`),
  ] as const

/** Statement: what is not sold on a cloud any more has no price there. */
export const forgetUnsold = (db: Database, cloudId: string) =>
  db.run(
    sql`delete from prices where cloud_id = ${cloudId} and size not in (select name from offers where cloud_id = ${cloudId})`,
  )

/** Statements: the price book of a cloud says this of what is sold there. */
export const applyBook = (db: Database, cloudId: string) =>
  [
    db.delete(prices).where(and(eq(prices.cloudId, cloudId), eq(prices.booked, true))),
    db.run(sql`insert into prices (cloud_id, size, option, zone, booked, amount, idle, currency, as_of, source)
    select cloud_id, name, 'on-demand', '', 1, amount, cast(round((amount - disk) * idle + disk) as integer), currency, as_of, 'operator' from (
      select o.cloud_id, o.name, b.book ->> 'currency' as currency, b.as_of, b.book ->> 'idle' as idle,
        case when s.value is null then coalesce(o.disk_gib * (b.book ->> '$.parts.disk_gib'), 0) else 0 end as disk,
        -- Parts say nothing of a GPU, which is most of what it costs: it is priced by its name, or unpriced.
        coalesce(s.value, case when o.gpus = 0 then cast(round(o.vcpus * (b.book ->> '$.parts.vcpu')
          + o.ram_mib * (b.book ->> '$.parts.ram_gib') / 1024.0 + o.disk_gib * (b.book ->> '$.parts.disk_gib')) as integer) end) as amount
      from price_books b join offers o on o.cloud_id = b.cloud_id left join json_each(b.book, '$.sizes') s on s.key = o.name
      where b.cloud_id = ${cloudId})
    where amount is not null`),
  ] as const

/** What is bought, as SQL. */
interface Bought {
  cloudId: SQL
  size: SQL
  option: SQL
  zone: SQL
}

/** Joins as `p` the price that holds in a zone (none: it is unpriced), and as `r` what its currency is worth (none: that is not known). */
export const joinPrice = ({ cloudId, size, option, zone }: Bought): SQL => sql`
  left join prices p on p.rowid = (select q.rowid from prices q where q.cloud_id = ${cloudId} and q.size = ${size} and q.option = ${option}
    and q.zone in (${zone}, '') order by q.booked desc, q.zone desc limit 1)
  left join rates r on r.currency = p.currency`

/** Of what `joinPrice` joined: micros of the deployment's currency per hour; null: unpriced. */
export const hourlyJoined: SQL = sql`cast(round(p.amount * r.rate) as integer)`

/**
 * What an hour of so many GiB of a volume costs on a cloud, as SQL, in micros of the deployment's currency; null: unpriced. The
 * triggers on `volumes` say the same.
 */
export const diskPrice = (
  cloudId: unknown,
  gib: unknown,
): SQL => sql`(select cast(round(${gib} * (b.book ->> '$.parts.disk_gib') * r.rate) as integer)
  from price_books b join rates r on r.currency = b.book ->> 'currency' where b.cloud_id = ${cloudId} and b.book ->> '$.parts.disk_gib' > 0)`

/** The same of a server that is stopped; null: what it costs anyway. */
export const idleJoined: SQL = sql`cast(round(p.idle * r.rate) as integer)`

/** What an hour of a size costs in a zone, in micros of the deployment's currency, and while it is stopped; null: unpriced, and the same. */
export const hourlyOf = async (
  db: Database,
  { cloudId, zone, native, option }: { cloudId: string; zone: string; native: string; option: PurchaseOption },
): Promise<{ hourly: number | null; idle: number | null }> =>
  (
    await db.all<{
      hourly: number | null
      idle: number | null
    }>(sql`select ${hourlyJoined} as hourly, ${idleJoined} as idle from (select 1)
      ${joinPrice({ cloudId: sql`${cloudId}`, size: sql`${native}`, option: sql`${option}`, zone: sql`${zone}` })}`)
  )[0]!
