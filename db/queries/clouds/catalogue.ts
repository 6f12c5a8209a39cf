import { type SQL, sql } from 'drizzle-orm'
import type { ImageSeen } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'

export interface CatalogueImage extends ImageSeen {
  /** The id above the line. */
  uuid: string
  /** It goes by the name of an image that several clouds have, as this one or an older one of it. */
  claimed?: boolean
}

/** What the catalogue says of an image of a cloud, apart from what an operator has named for it. */
const said = sql`kind = 'image' and project_id = '' and not named`

/** True (as SQL) while some cloud has an image. */
const somewhere = (image: SQL, but: SQL = sql`true`): SQL => sql`exists (select 1 from bindings b
  where b.kind = 'image' and b.resource_id = ${image} and b.phase = 'bound' and ${but})`

const osOf = (properties: SQL): SQL => sql`coalesce(${properties} ->> 'os_type', 'linux')`

/**
 * Images of a cloud's catalogue: rows and bindings that are born bound, and tombstones for those that no cloud has any more.
 * @param seen what the cloud shows, each by itself
 * @param shared entries that are one image with those of other clouds, by a name; they are among `seen` too
 */
export const replaceCatalogue = (
  db: Database,
  cloudId: string,
  { seen, shared, complete }: { seen: CatalogueImage[]; shared: CatalogueImage[]; complete: boolean },
  now: number,
) => {
  const list = JSON.stringify(seen)
  const one = JSON.stringify(shared)
  const both = JSON.stringify([...seen, ...shared].map(({ uuid }) => uuid))
  return [
    db.run(insertRows(list, now, sql`true`)),
    db.run(insertBindings(cloudId, list, now)),
    db.run(insertRows(one, now, sql`not ${somewhere(sql`images.id`, sql`b.cloud_id <> ${cloudId}`)}`)),
    db.run(insertShared(cloudId, one, { now, complete })),
    ...(complete
      ? [
          db.run(sql`update bindings set phase = 'gone', due_at = null where cloud_id = ${cloudId} and ${said}
            and resource_id not in (select value from json_each(${both}))`),
          db.run(tombstones(cloudId, now)),
        ]
      : []),
    db.run(hideCopies(cloudId, list)),
    // Wherever it goes, its disk fits.
    db.run(sql`update images set min_disk_gib = coalesce((select max(e.min_disk_gib) from bindings b
        cross join bindings o on o.cloud_id = b.cloud_id and o.kind = 'image' and o.native_id = b.native_id and +o.resource_id <> b.resource_id
        cross join images e on e.id = o.resource_id
        where b.kind = 'image' and b.resource_id = images.id and b.phase = 'bound'), min_disk_gib)
      where id in (select value ->> 'uuid' from json_each(${one}))`),
  ]
}

/** @param follows true (as SQL) where a row that is there becomes what this cloud says of it */
const insertRows = (list: string, now: number, follows: SQL): SQL => sql`insert into images (id, project_id, name,
    visibility, status, container_format, disk_format, arch, min_disk_gib, size_bytes, properties, created_at, updated_at)
  select value->>'uuid', null, value->>'name', 'public', case value->>'health' when 'ready' then 'active' else 'queued' end, 'bare', 'raw',
    value->>'arch', value->>'minDiskGiB', value->>'sizeBytes',
    json_patch('{}', json_object('architecture', value->>'arch', 'os_type', value->>'os', 'description', value->>'description')),
    coalesce(unixepoch(value->>'createdAt') * 1000, ${now}), ${now}
  from json_each(${list}) where true
  on conflict (id) do update set name = excluded.name, status = excluded.status, deleted_at = null,
    min_disk_gib = excluded.min_disk_gib, arch = excluded.arch, properties = excluded.properties where ${follows}`

const insertBindings = (cloudId: string, list: string, now: number): SQL => sql`insert into bindings (kind, resource_id,
    cloud_id, scope, project_id, phase, native_id, token, bound_at, seen_at, created_at, updated_at)
  select 'image', value->>'uuid', ${cloudId}, '', '', 'bound', value->>'id', value->>'uuid', ${now}, ${now}, ${now}, ${now}
  from json_each(${list}) where true
  on conflict do update set phase = 'bound', want = 'present', native_id = excluded.native_id, seen_at = excluded.seen_at
    where not named`

/** One that another cloud's is not like is no copy of it, and says so: no server is placed where it would find another machine. */
const insertShared = (
  cloudId: string,
  list: string,
  { now, complete }: { now: number; complete: boolean },
): SQL => sql`insert into bindings (kind, resource_id, cloud_id, scope, project_id, phase, native_id, token, bound_at, seen_at, error, created_at, updated_at)
  select 'image', uuid, ${cloudId}, '', '', iif(wrong is null, 'bound', 'failed'), native, uuid, iif(wrong is null, ${now}, null), ${now},
    iif(wrong is null, null, json_object('code', 'definitive', 'message', wrong, 'at', ${now})), ${now}, ${now}
  from (select value->>'id' as native, i.id as uuid, case
      when i.arch <> value->>'arch' then 'The image ' || (value->>'id') || ' is for ' || (value->>'arch') || ', and on other clouds for ' || i.arch || '.'
      when ${osOf(sql`i.properties`)} <> coalesce(value->>'os', 'linux')
        then 'The image ' || (value->>'id') || ' is of ' || coalesce(value->>'os', 'linux') || ', and on other clouds of ' || ${osOf(sql`i.properties`)} || '.'
      end as wrong
    from json_each(${list}) join images i on i.id = value->>'uuid') where true
  on conflict do update set phase = excluded.phase, want = 'present', native_id = excluded.native_id, bound_at = excluded.bound_at,
    seen_at = excluded.seen_at, error = excluded.error, updated_at = iif(native_id is excluded.native_id, updated_at, excluded.updated_at)
    where not named and ${complete ? sql`true` : sql`phase <> 'bound'`}`

/** What was on this cloud, and is on none any more. */
const tombstones = (cloudId: string, now: number): SQL => sql`update images set deleted_at = ${now}, status = 'deleted'
  where project_id is null and deleted_at is null
    and id in (select resource_id from bindings where cloud_id = ${cloudId} and kind = 'image' and project_id = '')
    and not ${somewhere(sql`images.id`)}`

/** Statements: what a forgotten cloud alone had of images is gone with it. Before its bindings go. */
export const forgetCatalogue = (db: Database, cloudId: string) =>
  [
    db.run(sql`update images set deleted_at = created_at, status = 'deleted' where project_id is null and deleted_at is null
      and id in (select resource_id from bindings where cloud_id = ${cloudId} and kind = 'image' and project_id = '')
      and not ${somewhere(sql`images.id`, sql`b.cloud_id <> ${cloudId}`)}`),
    db.run(sql`update images set status = 'queued' where project_id is not null and status = 'active' and blob is null
      and id in (select resource_id from bindings where cloud_id = ${cloudId} and kind = 'image' and named)
      and not ${somewhere(sql`images.id`, sql`b.cloud_id <> ${cloudId}`)}`),
  ] as const

/** Entries of a catalogue that are a copy of another image there are not listed beside it; their ids go on to name them. */
const hideCopies = (cloudId: string, list: string): SQL => sql`update images set hidden = entry.claimed or exists (
    select 1 from bindings b where b.cloud_id = ${cloudId} and b.kind = 'image' and b.native_id = entry.native
      and b.resource_id <> images.id and b.project_id = '' and b.phase = 'bound')
  from (select value->>'uuid' as uuid, value->>'id' as native, coalesce(value->>'claimed', 0) as claimed from json_each(${list})) entry
  where images.id = entry.uuid and +images.project_id is null`

/** Statement: hides or shows the entry that stands for an object, after somebody said of which image it is a copy. */
export const hideIfCopy = (db: Database, cloudId: string, entry: { uuid: string; id: string }) =>
  db.run(hideCopies(cloudId, JSON.stringify([entry])))
