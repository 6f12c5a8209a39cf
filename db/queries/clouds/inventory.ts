import { and, eq, isNotNull, lte, sql } from 'drizzle-orm'
import type { ImageSeen, Offer, VolumeType, Zone } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { clouds, networks, offers, volumeTypes, zones } from '../../schema/index.ts'

/** What a cloud offers, replaced as a whole: statements for one batch, a handful whatever the number of sizes. */
export const replaceZones = (db: Database, cloudId: string, seen: Zone[]) => {
  const rows = seen.map((zone, position) => ({ ...zone, position, load: loadOf(zone), free: freeOf(zone) }))
  return [
    db.delete(zones).where(eq(zones.cloudId, cloudId)),
    db.run(sql`insert into zones (cloud_id, name, available, load, free_vcpus, free_ram_mib, position)
      select ${cloudId}, value->>'name', value->>'available', value->>'load', value->>'$.free[0]', value->>'$.free[1]', value->>'position'
      from json_each(${JSON.stringify(rows)})`),
  ] as const
}

/** Share of the scarcest resource that is taken. */
const loadOf = ({ room }: Zone): number | null =>
  room ? Math.max(...Object.values(room).map(([used, total]) => (total > 0 ? used / total : 1))) : null

const freeOf = ({ room }: Zone): [number | null, number | null] =>
  room ? [room.vcpus[1] - room.vcpus[0], room.ramMiB[1] - room.ramMiB[0]] : [null, null]

/** Statements: what a cloud sells is this and nothing else. */
export const replaceOffers = (db: Database, cloudId: string, seen: Offer[]) =>
  [
    db.delete(offers).where(eq(offers.cloudId, cloudId)),
    db.run(sql`insert into offers (cloud_id, name, vcpus, ram_mib, disk_gib, arch, gpus, zones, price, currency)
      select ${cloudId}, value->>'name', value->>'vcpus', value->>'ramMiB', value->>'diskGiB', value->>'arch', value->>'gpus',
        value->'zones', value->>'$.price.amount', value->>'$.price.currency'
      from json_each(${JSON.stringify(seen)})`),
  ] as const

/** Statements: the volume types of a cloud are these and no others. */
export const replaceVolumeTypes = (db: Database, cloudId: string, seen: VolumeType[]) =>
  [
    db.delete(volumeTypes).where(eq(volumeTypes.cloudId, cloudId)),
    db.run(sql`insert into volume_types (cloud_id, name, zones)
      select ${cloudId}, value->>'name', value->'zones' from json_each(${JSON.stringify(seen)})`),
  ] as const

/**
 * Native flavors follow the offers of all clouds: one row a name, retired when the last offer goes. A common flavor of
 * the same name wins: the name is the operator's.
 */
export const followOffers = (db: Database, ids: { id: string; name: string }[], now: number) =>
  [
    db.run(sql`insert into flavors (id, name, vcpus, ram_mib, disk_gib, native, extra_specs, created_at)
      select ids.value->>'id', o.name, max(o.vcpus), max(o.ram_mib), max(o.disk_gib), 1, json_object('plimsoll:arch', o.arch), ${now}
      from json_each(${JSON.stringify(ids)}) as ids join offers o on o.name = ids.value->>'name' group by o.name
      on conflict (name) do update set vcpus = excluded.vcpus, ram_mib = excluded.ram_mib, disk_gib = excluded.disk_gib,
        extra_specs = excluded.extra_specs, retired = 0 where native = 1`),
    db.run(sql`update flavors set retired = (name not in (select name from offers)) where native = 1
      and retired <> (name not in (select name from offers))`),
    db.run(sql`update flavors set extra_specs = json_set(extra_specs, '$."plimsoll:zones"', offered.zones)
      from (select o.name, group_concat(c.name || '.' || z.value, ',') as zones
        from offers o join clouds c on c.id = o.cloud_id, json_each(o.zones) z group by o.name) as offered
      where flavors.name = offered.name and flavors.native = 1`),
  ] as const

export interface CatalogueImage extends ImageSeen {
  /** The id above the line. */
  uuid: string
}

/** Images of a cloud's catalogue: rows and bindings that are born bound, and tombstones for those that are gone. */
export const replaceCatalogue = (
  db: Database,
  cloudId: string,
  seen: CatalogueImage[],
  complete: boolean,
  now: number,
) => {
  const list = JSON.stringify(seen)
  return [
    db.run(sql`insert into images (id, project_id, name, visibility, status, container_format, disk_format, arch, min_disk_gib, size_bytes,
        properties, created_at, updated_at)
      select value->>'uuid', null, value->>'name', 'public', case value->>'health' when 'ready' then 'active' else 'queued' end, 'bare', 'raw',
        value->>'arch', value->>'minDiskGiB', value->>'sizeBytes',
        json_patch('{}', json_object('architecture', value->>'arch', 'os_type', value->>'os', 'description', value->>'description')),
        coalesce(unixepoch(value->>'createdAt') * 1000, ${now}), ${now}
      from json_each(${list}) where true
      on conflict (id) do update set name = excluded.name, status = excluded.status, deleted_at = null, min_disk_gib = excluded.min_disk_gib`),
    db.run(sql`insert into bindings (kind, resource_id, cloud_id, scope, project_id, phase, native_id, token, bound_at, seen_at, created_at, updated_at)
      select 'image', value->>'uuid', ${cloudId}, '', '', 'bound', value->>'id', value->>'uuid', ${now}, ${now}, ${now}, ${now}
      from json_each(${list}) where true
      on conflict do update set phase = 'bound', want = 'present', native_id = excluded.native_id, seen_at = excluded.seen_at`),
    ...(complete
      ? ([
          db.run(sql`update images set deleted_at = ${now}, status = 'deleted' where project_id is null and deleted_at is null
            and id in (select resource_id from bindings where cloud_id = ${cloudId} and kind = 'image' and project_id = '')
            and id not in (select value->>'uuid' from json_each(${list}))`),
          db.run(sql`update bindings set phase = 'gone', due_at = null where cloud_id = ${cloudId} and kind = 'image' and project_id = ''
            and resource_id not in (select value->>'uuid' from json_each(${list}))`),
        ] as const)
      : []),
  ]
}

/** Images made of servers are in a cloud's listing too; they have rows already. */
export const ownedImages = async (db: Database, cloudId: string): Promise<Set<string>> =>
  new Set(
    (
      await db.all<{ id: string }>(
        sql`select native_id as id from bindings where cloud_id = ${cloudId} and kind = 'image' and project_id <> '' and native_id is not null`,
      )
    ).map(({ id }) => id),
  )

/** Clouds whose inventory is due, longest due first. */
export const inventoryDue = (db: Database, now: number) =>
  db
    .select()
    .from(clouds)
    .where(and(eq(clouds.enabled, true), lte(clouds.inventoryDueAt, now), lte(clouds.breakerOpenUntil, now)))
    .orderBy(clouds.inventoryDueAt)

/** The network that stands for the world outside of a cloud; null: it has none yet. */
export const externalNetworkOf = async (db: Database, cloudId: string) =>
  (
    await db
      .select()
      .from(networks)
      .where(and(eq(networks.cloudId, cloudId), sql`${networks.external} = 1`))
  )[0] ?? null

/** The external network of a name that is on some cloud; null: there is none. */
export const externalNetworkNamed = async (db: Database, name: string) =>
  (
    await db
      .select()
      .from(networks)
      .where(and(eq(networks.name, name), sql`${networks.external} = 1`, isNotNull(networks.cloudId)))
  )[0] ?? null
