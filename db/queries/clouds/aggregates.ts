import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { aggregateHosts, aggregates } from '../../schema/index.ts'

/** An aggregate with its hosts as JSON text: `<cloud>` or `<cloud>.<zone>`, in the order in which they came. */
const shown = {
  id: aggregates.id,
  uuid: aggregates.uuid,
  name: aggregates.name,
  availabilityZone: aggregates.availabilityZone,
  metadata: aggregates.metadata,
  createdAt: aggregates.createdAt,
  updatedAt: aggregates.updatedAt,
  hosts: sql<string>`(select json_group_array(host) from (
    select c.name || iif(h.zone = '', '', '.' || h.zone) as host from aggregate_hosts h join clouds c on c.id = h.cloud_id
    where h.aggregate_id = aggregates.id order by h.created_at, host))`.as('hosts'),
}

type Read = Awaited<ReturnType<typeof listing.run>>[number]
export interface Aggregate extends Omit<Read, 'hosts'> {
  hosts: string[]
}
const aggregateIn = ({ hosts, ...row }: Read): Aggregate => ({ ...row, hosts: JSON.parse(hosts) })

const listing = prepared((db, _: Slots<object>) => db.select(shown).from(aggregates).orderBy(aggregates.id))

/** All of them, in the order in which they were made: an operator has few. */
export const listAggregates = async (db: Database): Promise<Aggregate[]> => (await listing.run(db, {})).map(aggregateIn)

const one = prepared((db, { id, uuid }: Slots<{ id: number | undefined; uuid: string | undefined }>) =>
  db
    .select(shown)
    .from(aggregates)
    .where(uuid ? sql`${aggregates.uuid} = ${uuid}` : sql`${aggregates.id} = ${id}`),
)

/** By the number that it has; null: there is none. */
export const aggregateById = async (db: Database, id: number): Promise<Aggregate | null> =>
  (await one.run(db, { id, uuid: undefined })).map(aggregateIn)[0] ?? null

/** The one that was just made. */
export const aggregateByUuid = async (db: Database, uuid: string): Promise<Aggregate> =>
  (await one.run(db, { id: undefined, uuid })).map(aggregateIn)[0]!

/** Statement: a new one. A name that is taken breaks its unique index. */
export const insertAggregate = (db: Database, row: typeof aggregates.$inferInsert) => db.insert(aggregates).values(row)

/** Statement: changes one. */
export const updateAggregate = (
  db: Database,
  id: number,
  set: Partial<Pick<Aggregate, 'name' | 'availabilityZone' | 'metadata' | 'updatedAt'>>,
) => db.update(aggregates).set(set).where(sql`${aggregates.id} = ${id}`)

/** Statement: it is gone. */
export const deleteAggregate = (db: Database, id: number) => db.delete(aggregates).where(sql`${aggregates.id} = ${id}`)

/** What is in an aggregate; zone '': the whole cloud. */
export type AggregateHost = Pick<typeof aggregateHosts.$inferSelect, 'cloudId' | 'zone'>

/** Statement: a host is in one. Twice breaks its key. */
export const insertAggregateHost = (db: Database, row: typeof aggregateHosts.$inferInsert) =>
  db.insert(aggregateHosts).values(row)

/** Statement: a host is no more in one. */
export const deleteAggregateHost = (db: Database, aggregateId: number, { cloudId, zone }: AggregateHost) =>
  db
    .delete(aggregateHosts)
    .where(
      sql`${aggregateHosts.cloudId} = ${cloudId} and ${aggregateHosts.zone} = ${zone} and ${aggregateHosts.aggregateId} = ${aggregateId}`,
    )

/** What a name means: a cloud, or a zone of one; null: no host has it. A cloud has no dot in its name. */
export const hostNamed = async (db: Database, name: string): Promise<AggregateHost | null> =>
  (
    await db.all<AggregateHost>(sql`
      select c.id as cloudId, '' as zone from clouds c where c.name = ${name}
      union all select z.cloud_id, z.name from clouds c join zones z on z.cloud_id = c.id
        where c.name = substr(${name}, 1, instr(${name}, '.') - 1) and z.name = substr(${name}, instr(${name}, '.') + 1)`)
  )[0] ?? null

/** Hosts in an aggregate, with a cloud's `''` for all of its zones. */
const hostsOf = (aggregateId: number): SQL =>
  sql`(select h.cloud_id, h.zone from aggregate_hosts h where h.aggregate_id = ${aggregateId})`
const theHost = ({ cloudId, zone }: AggregateHost): SQL => sql`(select ${cloudId} as cloud_id, ${zone} as zone)`
/** Of an aggregate, or one host that is to be in it. */
const among = (aggregateId: number, host: AggregateHost | undefined) => (host ? theHost(host) : hostsOf(aggregateId))

/** Names of the zones in which other aggregates have these hosts already, besides `zone`. */
const otherZones = (aggregateId: number, zone: string, host?: AggregateHost): SQL =>
  sql`select distinct g.availability_zone as name from ${among(aggregateId, host)} x
    join aggregate_hosts o on o.cloud_id = x.cloud_id and (o.zone = x.zone or o.zone = '' or x.zone = '')
    join aggregates g on g.id = o.aggregate_id
    where g.id <> ${aggregateId} and g.availability_zone is not null and g.availability_zone <> ${zone}`

/** In which zones besides one are these hosts, that an aggregate has or is to have? */
export const zonesOtherwise = async (
  db: Database,
  aggregateId: number,
  zone: string,
  host?: AggregateHost,
): Promise<string[]> => (await db.all<{ name: string }>(otherZones(aggregateId, zone, host))).map(({ name }) => name)

/** True (as SQL) while that is so. */
export const inOtherZone = (aggregateId: number, zone: string, host?: AggregateHost): SQL =>
  sql`exists (${otherZones(aggregateId, zone, host)})`

/**
 * True (as SQL) while a server, which was asked for in the zone that an aggregate makes, is on one of its hosts, or on that
 * one: without it that would be in the zone no more. Others show the zone that they are in, and are found by their cloud's.
 */
export const heldInZone = (aggregateId: number, host?: AggregateHost): SQL =>
  sql`exists (select 1 from aggregates g join ${among(aggregateId, host)} x
    join servers s indexed by servers_asked_for_zone on s.pinned_zone = g.availability_zone and s.pinned_zone is not null
      and s.cloud_id = x.cloud_id and s.deleted_at is null
    where g.id = ${aggregateId} and (x.zone = '' or s.zone = x.zone)
    ${
      host
        ? sql`and not exists (select 1 from aggregates o join aggregate_hosts h on h.aggregate_id = o.id
      where o.availability_zone = g.availability_zone and o.id <> g.id and h.cloud_id = s.cloud_id and h.zone in ('', s.zone))`
        : sql``
    })`

/** True (as SQL) while an aggregate has a host. */
export const hasHosts = (id: number): SQL => sql`exists (select 1 from aggregate_hosts h where h.aggregate_id = ${id})`

/** True (as SQL) when an aggregate is there no more. */
export const aggregateGone = (id: number): SQL => sql`not exists (select 1 from aggregates where id = ${id})`

/** True (as SQL) when its zone or its metadata is not what was read. */
export const aggregateMoved = ({ id, availabilityZone: zone, metadata }: Aggregate): SQL =>
  sql`not exists (select 1 from aggregates where id = ${id} and availability_zone is ${zone} and metadata = ${JSON.stringify(metadata)})`

/** True (as SQL) when some name is that of a cloud, whose zones it would mean. */
export const isCloudName = (name: string): SQL => sql`exists (select 1 from clouds where name = ${name})`

/** True (as SQL) when some name is that of a zone that an aggregate makes. */
export const isZoneName = (name: string): SQL =>
  sql`exists (select 1 from aggregates where availability_zone = ${name})`

/** The zone of an aggregate that a zone of a cloud is in, as text of SQL; null: it is in none. */
export const zoneMade = (cloudId: string, zone: string): string =>
  `(select g.availability_zone from aggregate_hosts h join aggregates g on g.id = h.aggregate_id
   where h.cloud_id = ${cloudId} and h.zone in ('', ${zone}) and g.availability_zone is not null limit 1)`

/** Whether a place that somebody named is this zone of a cloud: by its own name, or by that which an aggregate gives it. */
export const isPlace = (of: { cloudId: SQL; cloud: SQL; zone: SQL }, place: string | null): SQL =>
  sql`(${of.cloud} || '.' || ${of.zone} = ${place} or ${place} = (select g.availability_zone
    from aggregate_hosts h join aggregates g on g.id = h.aggregate_id
    where h.cloud_id = ${of.cloudId} and h.zone in ('', ${of.zone}) and g.availability_zone is not null limit 1))`

/** Whether some zone of a server is made by an aggregate. */
export const isZoneMade = async (db: Database, name: string): Promise<boolean> =>
  (await db.all(sql`select 1 from aggregates where availability_zone = ${name} limit 1`)).length > 0
