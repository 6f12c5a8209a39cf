import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { PartPrice, Price, PurchaseOption } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { partPrices, prices } from '../../schema/index.ts'

/** More than a million an hour no sum can hold: a server at such a price is unpriced, and of volumes and addresses so much counts. In micros. */
const MOST = 1e12
/** Of a volume for which no type was asked. */
const DEFAULT_TYPE = 'default'

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

/** Statements for one batch: disks and addresses of a cloud cost this; what is not here it says nothing of. */
export const replacePartPrices = (db: Database, cloudId: string, seen: PartPrice[]) =>
  [
    db.delete(partPrices).where(and(eq(partPrices.cloudId, cloudId), eq(partPrices.booked, false))),
    db.run(sql`insert into part_prices (cloud_id, what, type, amount, currency, as_of, source)
      select ${cloudId}, value->>'what', case value->>'what' when 'disk' then coalesce(value->>'type', ${DEFAULT_TYPE}) else '' end,
        (value->>'amount') * 1000000, value->>'currency', value->>'asOf', value->>'source'
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
    db.delete(partPrices).where(and(eq(partPrices.cloudId, cloudId), eq(partPrices.booked, true))),
    db.run(sql`insert into part_prices (cloud_id, what, booked, amount, currency, as_of, source)
      select b.cloud_id, e.value ->> 0, 1, e.value ->> 1, b.book ->> 'currency', b.as_of, 'operator'
      from price_books b, json_each(json_array(json_array('disk', b.book ->> '$.parts.disk_gib'), json_array('address', b.book ->> 'address'))) e
      where b.cloud_id = ${cloudId} and e.value ->> 1 > 0`),
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

/** Of what `joinPrice` joined: micros of the deployment's currency per hour; null: unpriced, as is what nobody can mean. */
export const hourlyJoined: SQL = sql`case when p.amount * r.rate <= ${sql.raw(String(MOST))} then cast(round(p.amount * r.rate) as integer) end`

/**
 * What an hour of so many GiB of a type of volume, or of so many public addresses, costs on a cloud, as SQL, in micros of the
 * deployment's currency; null: nobody says. The triggers that begin meters say the same.
 */
export const partPrice = (
  what: PartPrice['what'],
  cloudId: unknown,
  type: unknown,
  count: unknown,
): SQL<number | null> =>
  sql`(select cast(min(round(${count} * p.amount * r.rate), ${MOST}) as integer) from part_prices p join rates r on r.currency = p.currency
    where p.cloud_id = ${cloudId} and p.what = ${what} and p.type in (${type}, '') order by p.booked desc, p.type desc limit 1)`

/** What an hour of so many costs, and of as many as there were before, in micros of the deployment's currency; null: nobody says. */
export const hourlyOfParts = async (
  db: Database,
  {
    what,
    cloudId,
    type,
    count,
    before,
    typeBefore = type,
  }: Pick<PartPrice, 'what'> &
    Record<'cloudId' | 'type', string> &
    Record<'count' | 'before', number> & { typeBefore?: string },
): Promise<Record<'hourly' | 'before', number | null>> =>
  (
    await db.all<Record<'hourly' | 'before', number | null>>(
      sql`select ${partPrice(what, cloudId, type, count)} as hourly, ${partPrice(what, cloudId, typeBefore, before)} as before`,
    )
  )[0]!

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
