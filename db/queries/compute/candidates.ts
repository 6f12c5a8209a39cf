import { type SQL, sql } from 'drizzle-orm'
import type { Price, PurchaseOption } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { NO_POLICY } from '../../policy.ts'
import { isPlace } from '../clouds/aggregates.ts'
import { takesServers } from '../clouds/clouds.ts'
import { policySaid } from '../clouds/policies.ts'
import { type Refused, refusedColumn, refusedIn } from '../clouds/refused-offers.ts'
import { hourlyJoined, idleJoined, joinPrice } from '../money/prices.ts'
import type { FlavorRow } from './flavors.ts'

/** One thing that can be bought by a project: a cloud's size in one zone, for good or until it is taken back. `functions/broker/compute/place/` judges it. */
export interface CandidateRow {
  cloudId: string
  cloudName: string
  zone: string
  /** Order in which the operator prefers clouds. */
  position: number
  available: boolean
  /** Share of the scarcest resource taken, 0 to 1; null: the cloud does not say. */
  load: number | null
  freeVcpus: number | null
  freeRamMib: number | null
  native: string
  vcpus: number
  ramMib: number
  diskGib: number
  arch: string
  gpus: number
  option: PurchaseOption
  /** Micros of the deployment's currency per hour; null: unpriced. */
  hourly: number | null
  /** The same while it is stopped; null: the same. */
  idle: number | null
  priceSource: Price['source'] | null
  /** When it cost that, in milliseconds since 1970. */
  priceAsOf: number | null
  /** What its cloud said when it would not sell it lately; null: nothing is remembered. */
  refused: Refused | null
}

/** Of a cloud's sizes that fit, the cheapest so many are weighed, unpriced ones last: enough that every zone has one of them. */
const WEIGHED = 24

type Admitted = Pick<FlavorRow, 'id' | 'name' | 'vcpus' | 'ramMib' | 'diskGib' | 'native'>

const asAdmitted = ({ admitted: f }: CandidateQuestion): SQL =>
  f
    ? sql`(select ${f.id} as id, ${f.name} as name, ${f.vcpus} as vcpus, ${f.ramMib} as ram_mib, ${f.diskGib} as disk_gib, ${f.native} as native)`
    : sql`flavors`

export interface CandidateQuestion {
  /** Milliseconds since 1970: what was refused is remembered until its time. */
  now: number
  projectId: string
  flavorId: string
  /** The flavor as it was when a server was admitted with it; absent: as it is now. */
  admitted?: Admitted | undefined
  arch?: string | undefined
  /** `<cloud>`, `<cloud>.<zone>` or the zone of an aggregate, or the zone that leaves the choice. */
  place?: string | null | undefined
  cloudId?: string | undefined
  zone?: string | null | undefined
  /** As it is bought; absent: on demand, and as the policy of the project allows besides. */
  option?: PurchaseOption | undefined
}

const where = (condition: unknown, text: SQL): SQL => (condition === undefined || condition === null ? sql`` : text)

/** The place is the zone that leaves the choice to the broker. */
const isFree = ({ projectId, place }: CandidateQuestion): SQL =>
  sql`exists (select 1 from ${policySaid(projectId)}
    where said ->> 'zones' = 'policy' and coalesce(said ->> 'zone_name', ${NO_POLICY.zone_name}) = ${place})`

/** The ways in which is bought. What is sold as spot has a price as that. */
const options = ({ projectId, option }: CandidateQuestion): SQL =>
  option
    ? sql`(select ${option} as option)`
    : sql`(select 'on-demand' as option union all
        select 'spot' from ${policySaid(projectId)} where said ->> 'spot' in ('allowed', 'preferred'))`

/**
 * Where a flavor can be bought by a project: its mapped clouds, their zones, their offers. Unfit offers never leave the
 * database: some clouds have thousands.
 */
export const candidatesFor = (db: Database, ask: CandidateQuestion) =>
  db.all<Omit<CandidateRow, 'refused'> & { refused: string }>(sql`
    with fit as (
      select o.*, c.name as cloud_name, c.position as cloud_position,
        row_number() over (partition by o.cloud_id, o.arch order by ${hourlyJoined} is null, ${hourlyJoined}, o.vcpus, o.ram_mib, o.disk_gib, o.name) as rank
      from ${asAdmitted(ask)} f
      join mappings m on m.project_id = ${ask.projectId}
      join clouds c on c.id = m.cloud_id and ${takesServers}
      join offers o on o.cloud_id = c.id
      ${joinPrice({ cloudId: sql`o.cloud_id`, size: sql`o.name`, option: sql`'on-demand'`, zone: sql`''` })}
      where f.id = ${ask.flavorId}
        and case when f.native then o.name = f.name
          else o.vcpus >= f.vcpus and o.ram_mib >= f.ram_mib and (o.disk_gib = 0 or o.disk_gib >= f.disk_gib) and o.gpus = 0 end
        -- Where nothing is changed nothing is placed, unless somebody names the place: then he is told.
        ${ask.cloudId ? sql`` : sql`and (c.options ->> 'read_only' is not true ${where(ask.place, sql`or not ${isFree(ask)}`)})`}
        ${where(ask.arch, sql`and o.arch = ${ask.arch}`)}
        ${where(ask.cloudId, sql`and c.id = ${ask.cloudId}`)}
        ${where(ask.zone, sql`and exists (select 1 from json_each(o.zones) where value = ${ask.zone})`)}
        ${where(ask.place, sql`and (${isFree(ask)} or c.name = ${ask.place} or exists (select 1 from json_each(o.zones) e where ${isPlace({ cloudId: sql`c.id`, cloud: sql`c.name`, zone: sql`e.value` }, ask.place!)}))`)}
    )
    select fit.cloud_id as cloudId, fit.cloud_name as cloudName, z.name as zone, fit.cloud_position as position, z.available,
      z.load, z.free_vcpus as freeVcpus, z.free_ram_mib as freeRamMib, fit.name as native, fit.vcpus, fit.ram_mib as ramMib,
      fit.disk_gib as diskGib, fit.arch, fit.gpus, b.option, ${hourlyJoined} as hourly, ${idleJoined} as idle, p.source as priceSource, p.as_of as priceAsOf,
      ${refusedColumn({ cloudId: sql`fit.cloud_id`, zone: sql`z.name`, size: sql`fit.name`, option: sql`b.option` }, ask.projectId, ask.now)} as refused
    from fit join json_each(fit.zones) e join zones z on z.cloud_id = fit.cloud_id and z.name = e.value and z.available
    join ${options(ask)} b
    ${joinPrice({ cloudId: sql`fit.cloud_id`, size: sql`fit.name`, option: sql`b.option`, zone: sql`z.name` })}
    where fit.rank <= ${WEIGHED} and (b.option = 'on-demand' or p.amount is not null)
      ${where(ask.zone, sql`and z.name = ${ask.zone}`)}
      ${where(ask.place, sql`and (${isFree(ask)} or fit.cloud_name = ${ask.place} or ${isPlace({ cloudId: sql`fit.cloud_id`, cloud: sql`fit.cloud_name`, zone: sql`z.name` }, ask.place!)})`)}`)

/** Candidates as they were read. */
export const candidatesIn = (rows: Awaited<ReturnType<typeof candidatesFor>>): CandidateRow[] =>
  rows.map((row) => ({ ...row, available: Boolean(row.available), refused: refusedIn(row.refused) }))
