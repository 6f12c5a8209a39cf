import { and, eq, isNotNull, lte, sql } from 'drizzle-orm'
import type { Offer, VolumeType, Zone } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { clouds, networks, offers, volumeTypes, zoneSizes, zones } from '../../schema/index.ts'

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
    db.run(sql`insert into offers (cloud_id, name, vcpus, ram_mib, disk_gib, arch, gpus, zones)
      select ${cloudId}, value->>'name', value->>'vcpus', value->>'ramMiB', value->>'diskGiB', value->>'arch', value->>'gpus',
        value->'zones'
      from json_each(${JSON.stringify(seen)})`),
    db.delete(zoneSizes).where(eq(zoneSizes.cloudId, cloudId)),
    db.run(sql`insert into zone_sizes (cloud_id, zone, vcpus, ram_mib, disk_gib, archs)
      select o.cloud_id, z.value, max(o.vcpus), max(o.ram_mib), iif(min(o.disk_gib) = 0, null, max(o.disk_gib)),
        json_group_array(distinct o.arch)
      from offers o join json_each(o.zones) z where o.cloud_id = ${cloudId} group by z.value`),
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
      .where(and(eq(networks.cloudId, cloudId), sql`${networks.external} = 1`, eq(networks.projectId, '')))
  )[0] ?? null

/** The external network of a name that is on some cloud; null: there is none. */
export const externalNetworkNamed = async (db: Database, name: string) =>
  (
    await db
      .select()
      .from(networks)
      .where(and(eq(networks.name, name), sql`${networks.external} = 1`, isNotNull(networks.cloudId)))
  )[0] ?? null
