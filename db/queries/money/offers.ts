import { type SQL, sql } from 'drizzle-orm'
import type { Price, PurchaseOption } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import type { Scope } from '../../scope.ts'
import { takesServers } from '../clouds/clouds.ts'
import { policySaid } from '../clouds/policies.ts'
import { hourlyJoined, joinPrice } from './prices.ts'

/** A size of a cloud in one of its zones, as it can be bought. */
export interface OfferRow {
  cloud: string
  zone: string
  size: string
  option: PurchaseOption
  vcpus: number
  ramMib: number
  diskGib: number
  arch: string
  gpus: number
  available: number
  /** Null: the cloud does not say. */
  freeVcpus: number | null
  freeRamMib: number | null
  /** Millionths of `currency`; null: nobody said. */
  amount: number | null
  currency: string | null
  source: Price['source'] | null
  asOf: number | null
  /** What a unit of it is worth in the deployment's currency, and since when; null: nobody said. */
  rate: number | null
  rateAsOf: number | null
  /** Micros of `base`; null: unpriced. */
  hourly: number | null
  /** The currency of the deployment; null: none was said. */
  base: string | null
}

/** What a flavor asks of a size. */
interface Asked {
  name: string
  native: boolean
  vcpus: number
  ramMib: number
  diskGib: number
}

export interface OfferPage {
  scope: Scope
  /** Names; `zone` as `<cloud>.<zone>`. */
  cloud?: string | undefined
  zone?: string | undefined
  size?: string | undefined
  option?: PurchaseOption | undefined
  /** Sizes that meet it. */
  flavor?: Asked | undefined
  /** What was last on the page before. */
  after?: Pick<OfferRow, 'cloud' | 'zone' | 'size' | 'option'> | undefined
  limit: number
}

const and = (value: unknown, condition: SQL): SQL => (value === undefined ? sql`` : sql`and ${condition}`)

const meets = ({ name, native, vcpus, ramMib, diskGib }: Asked): SQL =>
  native
    ? sql`o.name = ${name}`
    : sql`o.vcpus >= ${vcpus} and o.ram_mib >= ${ramMib} and (o.disk_gib = 0 or o.disk_gib >= ${diskGib}) and o.gpus = 0`

/** What is sold as spot has a price as that, and is shown to projects that may buy it; administrators see what is sold to anybody. */
const options = (scope: Scope): SQL =>
  sql`(select 'on-demand' as option union all select 'spot' ${'every' in scope ? sql`` : sql`from ${policySaid(scope.projectId)} where said ->> 'spot' in ('allowed', 'preferred')`})`

/**
 * A page of what can be bought on the clouds that the scope's project is mapped to, in the operator's order of clouds and then
 * by size. Null: what it goes on after is not sold any more.
 */
export const pageOfOffers = async (db: Database, page: OfferPage): Promise<OfferRow[] | null> => {
  const { scope, cloud, zone, size, option, flavor, after, limit } = page
  const mapped =
    'every' in scope
      ? sql``
      : sql`and exists (select 1 from mappings m where m.project_id = ${scope.projectId} and m.cloud_id = c.id)`
  /** Ways to buy a size in a zone, behind `clouds c` and `offers o`. */
  const ways = sql`json_each(o.zones) e join zones z on z.cloud_id = c.id and z.name = e.value join ${options(scope)} b
    where (b.option = 'on-demand' or exists (select 1 from prices q
        where q.cloud_id = c.id and q.size = o.name and q.option = b.option and q.zone in (z.name, '')))
      ${and(zone, sql`c.name || '.' || z.name = ${zone}`)} ${and(option, sql`b.option = ${option}`)}`
  const sizeOrder = sql`c.position, c.name, o.ram_mib, o.vcpus, o.name`
  const order = sql`s.position, s.cloud, s.ramMib, s.vcpus, s.size, s.zonePosition, s.zone, s.option`
  const rows = await db.all<OfferRow & { mark: number | null }>(sql`
    with marked as materialized (
      ${
        after
          ? sql`select 1 as mark, c.position, c.name as cloud, o.ram_mib as ramMib, o.vcpus, o.name as size, z.position as zonePosition, z.name as zone, b.option
              from clouds c join offers o on o.cloud_id = c.id join zones z on z.cloud_id = c.id
              join (select ${after.option} as option) b
              where ${takesServers} ${mapped} and c.name = ${after.cloud} and o.name = ${after.size} and z.name = ${after.zone}
                and exists (select 1 from json_each(o.zones) where value = z.name)`
          : sql`select 1 as mark`
      }
    ), sizes as materialized (
      -- Each of them is sold in one way at least, and of the first it may be that all are on the page before.
      select c.id, c.name, c.position, o.name as size from marked m cross join clouds c cross join offers o on o.cloud_id = c.id
      where ${takesServers}
        ${mapped} ${and(cloud, sql`c.name = ${cloud}`)} ${and(size, sql`o.name = ${size}`)} ${and(flavor, flavor ? meets(flavor) : sql``)}
        ${and(after, sql`(${sizeOrder}) >= (m.position, m.cloud, m.ramMib, m.vcpus, m.size)`)}
        and exists (select 1 from ${ways})
      order by ${sizeOrder} limit ${limit + 1}
    ), sold as (
      select c.id as cloudId, c.name as cloud, c.position, z.name as zone, z.position as zonePosition, o.name as size, b.option, o.vcpus,
        o.ram_mib as ramMib, o.disk_gib as diskGib, o.arch, o.gpus, z.available, z.free_vcpus as freeVcpus, z.free_ram_mib as freeRamMib
      from sizes c cross join offers o on o.cloud_id = c.id and o.name = c.size cross join ${ways}
    ), page as (
      select s.* from marked m cross join sold s ${after ? sql`where (${order}) > (m.position, m.cloud, m.ramMib, m.vcpus, m.size, m.zonePosition, m.zone, m.option)` : sql``}
      order by ${order} limit ${limit}
    )
    select m.mark, page.*, p.amount, p.currency, p.source, p.as_of as asOf, r.rate, r.as_of as rateAsOf, ${hourlyJoined} as hourly,
      (select currency from rates where base) as base
    from (select 1) left join marked m left join page
    ${joinPrice({ cloudId: sql`page.cloudId`, size: sql`page.size`, option: sql`page.option`, zone: sql`page.zone` })}
    order by page.position, page.cloud, page.ramMib, page.vcpus, page.size, page.zonePosition, page.zone, page.option`)
  const [first] = rows
  if (!first || first.mark === null) return null
  return rows.filter(({ size }) => size !== null)
}
