import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { asTheyAre, prepared, type Slots } from '../../prepared.ts'
import { takesServers } from '../clouds/clouds.ts'

/** A zone of a cloud with what it has, sells and holds: to Placement it is a resource provider. */
export interface ProviderRow {
  cloudId: string
  cloud: string
  type: string
  enabled: number
  zone: string
  /** Null: the cloud does not say. */
  freeVcpus: number | null
  freeRamMib: number | null
  /** What servers of all projects take there. */
  vcpus: number
  ramMib: number
  diskGib: number
  /** Of the largest size on offer; a disk of any size: null. All null: nothing is. */
  mostVcpus: number | null
  mostRamMib: number | null
  mostDiskGib: number | null
  /** JSON list of architectures on offer. */
  archs: string | null
  /** JSON list of the UUIDs of aggregates. */
  aggregates: string
  /** A size on offer has as much as was asked for, or any is on offer. */
  fits: number
}

/** So much that one server is to have. */
export interface Wanted {
  vcpus: number
  ramMib: number
  diskGib: number
}

const COLUMNS: (keyof ProviderRow)[] = [
  ...([
    'cloudId',
    'cloud',
    'type',
    'enabled',
    'zone',
    'freeVcpus',
    'freeRamMib',
    'vcpus',
    'ramMib',
    'diskGib',
  ] as const),
  ...(['mostVcpus', 'mostRamMib', 'mostDiskGib', 'archs', 'fits', 'aggregates'] as const),
]
const ALLOCATED: (keyof AllocationRow)[] = [
  ...(['serverId', 'projectId', 'userId', 'cloudId', 'zone', 'vcpus', 'ramMib', 'diskGib'] as const),
]
/** A cloud sells a size with so much in a zone. */
const sold = ({ vcpus, ramMib, diskGib }: Slots<Wanted>): SQL =>
  sql`exists (select 1 from offers o where o.cloud_id = z.cloud_id and o.ram_mib >= ${ramMib} and o.vcpus >= ${vcpus}
    and (o.disk_gib = 0 or o.disk_gib >= ${diskGib}) and exists (select 1 from json_each(o.zones) e where e.value = z.name))`

/** Zones as they are named `z`, each with what there is of it. */
const zonesOf = (from: SQL, fits: SQL, more = sql``): SQL => sql`(
    select z.cloud_id as cloudId, c.name as cloud, c.type, ${takesServers} as enabled, z.name as zone, z.free_vcpus as freeVcpus,
      z.free_ram_mib as freeRamMib, coalesce(u.vcpus, 0) as vcpus, coalesce(u.ram_mib, 0) as ramMib, coalesce(u.disk_gib, 0) as diskGib,
      s.vcpus as mostVcpus, s.ram_mib as mostRamMib, s.disk_gib as mostDiskGib, s.archs, ${fits} as fits,
      (select json_group_array(distinct g.uuid) from aggregate_hosts h join aggregates g on g.id = h.aggregate_id
        where h.cloud_id = z.cloud_id and h.zone in ('', z.name)) as aggregates ${more}
    from ${from} join clouds c on c.id = z.cloud_id
    left join zone_use u on u.cloud_id = z.cloud_id and u.zone = z.name
    left join zone_sizes s on s.cloud_id = z.cloud_id and s.zone = z.name
    order by c.position, c.name, z.position, z.name)`
const sellsAny = sql`s.zone is not null`

const providers = prepared((db, wanted: Slots<Partial<Wanted>>) =>
  db
    .select(asTheyAre<ProviderRow>(COLUMNS))
    .from(zonesOf(sql`zones z`, wanted.vcpus === undefined ? sellsAny : sold(wanted as Slots<Wanted>))),
)

/** Every zone of every cloud, in the operator's order. One query; only what is wanted looks through offers. */
export const resourceProviders = (db: Database, wanted?: Wanted): Promise<ProviderRow[]> =>
  providers.run(db, wanted ?? {})

/** What a server takes, and where. */
export interface AllocationRow {
  serverId: string
  projectId: string
  userId: string
  cloudId: string
  zone: string
  vcpus: number
  ramMib: number
  diskGib: number
}

const allocations = (
  from: SQL,
) => sql`select s.id as serverId, s.project_id as projectId, s.user_id as userId, s.cloud_id as cloudId, s.zone,
    s.flavor ->> 'vcpus' as vcpus, s.flavor ->> 'ramMib' as ramMib, s.flavor ->> 'diskGib' as diskGib ${from}
    and s.deleted_at is null and s.cloud_id is not null and s.zone is not null`

const ofServer = prepared((db, { serverId }: Slots<{ serverId: string }>) =>
  db
    .select(asTheyAre<AllocationRow>(ALLOCATED))
    .from(sql`(${allocations(sql`from servers s where s.id = ${serverId}`)})`),
)

/** Of one server that is somewhere; null: there is none. */
export const allocationOf = async (db: Database, serverId: string): Promise<AllocationRow | null> =>
  (await ofServer.run(db, { serverId }))[0] ?? null

const holder = prepared((db, { serverId }: Slots<{ serverId: string }>) =>
  db.select({ ...asTheyAre<ProviderRow>(COLUMNS), held: sql<string>`held` }).from(
    zonesOf(
      sql`servers v join zones z on z.cloud_id = v.cloud_id and z.name = v.zone and v.id = ${serverId} and v.deleted_at is null`,
      sellsAny,
      sql`, json_object('serverId', v.id, 'projectId', v.project_id, 'userId', v.user_id, 'cloudId', v.cloud_id, 'zone', v.zone,
          'vcpus', v.flavor ->> 'vcpus', 'ramMib', v.flavor ->> 'ramMib', 'diskGib', v.flavor ->> 'diskGib') as held`,
    ),
  ),
)

/** The same with its zone; null: there is none, or its cloud tells of no such zone any more. One query. */
export const allocationWithProvider = async (
  db: Database,
  serverId: string,
): Promise<{ row: AllocationRow; provider: ProviderRow } | null> => {
  const [found] = await holder.run(db, { serverId })
  return found ? { row: JSON.parse(found.held), provider: found } : null
}

const inZone = prepared((db, { cloudId, zone }: Slots<{ cloudId: string; zone: string }>) =>
  db
    .select(asTheyAre<AllocationRow>(ALLOCATED))
    .from(
      sql`(${allocations(sql`from servers s indexed by servers_on_cloud where s.cloud_id = ${cloudId} and s.zone = ${zone}`)})`,
    ),
)

/** Of all servers in a zone, as Placement shows them: without pages. */
export const allocationsIn = (db: Database, cloudId: string, zone: string): Promise<AllocationRow[]> =>
  inZone.run(db, { cloudId, zone })

const used = prepared((db, { projectId, userId }: Slots<{ projectId: string; userId?: string | undefined }>) => {
  const sum = (column: string) => sql<number>`coalesce(sum(${sql.raw(column)}), 0)`
  return db
    .select({ servers: sum('servers'), vcpus: sum('vcpus'), ramMib: sum('ram_mib'), diskGib: sum('disk_gib') })
    .from(sql`user_use`)
    .where(sql`project_id = ${projectId} ${userId === undefined ? sql`` : sql`and user_id = ${userId}`}`)
})

/** What servers of a project, or of one user in it, take; servers 0: there is none. */
export const usageOf = async (
  db: Database,
  projectId: string,
  userId: string | undefined,
): Promise<Wanted & { servers: number }> => (await used.run(db, { projectId, userId }))[0]!
