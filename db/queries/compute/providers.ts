import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

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
  /** A size on offer has as much as was asked for. */
  fits: number
}

/** So much that one server is to have. */
export interface Wanted {
  vcpus: number
  ramMib: number
  diskGib: number
}

/** Every zone of every cloud, in the operator's order. One query; offers are as many as clouds sell. */
export const resourceProviders = (db: Database, { vcpus, ramMib, diskGib }: Wanted): Promise<ProviderRow[]> =>
  db.all<ProviderRow>(sql`
    with sold as (
      select o.cloud_id, e.value as zone, max(o.vcpus) as vcpus, max(o.ram_mib) as ram_mib,
        iif(min(o.disk_gib) = 0, null, max(o.disk_gib)) as disk_gib, json_group_array(distinct o.arch) as archs,
        max(o.vcpus >= ${vcpus} and o.ram_mib >= ${ramMib} and (o.disk_gib = 0 or o.disk_gib >= ${diskGib})) as fits
      from offers o join json_each(o.zones) e group by o.cloud_id, e.value)
    select z.cloud_id as cloudId, c.name as cloud, c.type, c.enabled, z.name as zone, z.free_vcpus as freeVcpus,
      z.free_ram_mib as freeRamMib, coalesce(u.vcpus, 0) as vcpus, coalesce(u.ram_mib, 0) as ramMib, coalesce(u.disk_gib, 0) as diskGib,
      s.vcpus as mostVcpus, s.ram_mib as mostRamMib, s.disk_gib as mostDiskGib, s.archs, coalesce(s.fits, 0) as fits,
      (select json_group_array(distinct g.uuid) from aggregate_hosts h join aggregates g on g.id = h.aggregate_id
        where h.cloud_id = z.cloud_id and h.zone in ('', z.name)) as aggregates
    from zones z join clouds c on c.id = z.cloud_id
    left join zone_use u on u.cloud_id = z.cloud_id and u.zone = z.name
    left join sold s on s.cloud_id = z.cloud_id and s.zone = z.name
    order by c.position, c.name, z.position, z.name`)

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

/** Of one server that is somewhere; null: there is none. */
export const allocationOf = async (db: Database, serverId: string): Promise<AllocationRow | null> =>
  (await db.all<AllocationRow>(allocations(sql`from servers s where s.id = ${serverId}`)))[0] ?? null

/** Of all servers in a zone, as Placement shows them: without pages. */
export const allocationsIn = (db: Database, cloudId: string, zone: string): Promise<AllocationRow[]> =>
  db.all<AllocationRow>(
    allocations(sql`from servers s indexed by servers_on_cloud where s.cloud_id = ${cloudId} and s.zone = ${zone}`),
  )

/** What servers of a project, or of one user in it, take; servers 0: there is none. */
export const usageOf = async (
  db: Database,
  projectId: string,
  userId: string | undefined,
): Promise<Wanted & { servers: number }> =>
  (
    await db.all<
      Wanted & { servers: number }
    >(sql`select coalesce(sum(servers), 0) as servers, coalesce(sum(vcpus), 0) as vcpus,
      coalesce(sum(ram_mib), 0) as ramMib, coalesce(sum(disk_gib), 0) as diskGib from user_use
      where project_id = ${projectId} ${userId === undefined ? sql`` : sql`and user_id = ${userId}`}`)
  )[0]!
