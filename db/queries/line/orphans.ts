import { and, asc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Kind } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { clouds, lapses, orphans } from '../../schema/index.ts'
import { joinPrice } from '../money/prices.ts'
import { handedBack } from './journal.ts'

export type Orphan = typeof orphans.$inferSelect
export type NewOrphan = Omit<Orphan, 'firstSeenAt' | 'lastSeenAt' | 'sweeps'>

/** Which of some objects a binding accounts for: by native id, or by a token whose call may still be under way. Any number. */
export const accountedFor = async (
  db: Database,
  cloudId: string,
  kind: Kind,
  objects: { nativeId: string; token: string; resourceId?: string; for?: Kind | undefined }[],
): Promise<Set<string>> => {
  const rows = await db.all<{
    id: string
  }>(sql`select o.value->>'nativeId' as id from json_each(${JSON.stringify(objects)}) o
    where exists (select 1 from bindings b where b.cloud_id = ${cloudId} and b.kind = ${kind} and b.native_id = o.value->>'nativeId'
        and b.phase in ('bound', 'deleting'))
      or o.value->>'token' in (select token from bindings where cloud_id = ${cloudId} and kind = ${kind} and phase in ('intent', 'calling'))
      or exists (select 1 from bindings b where b.kind = o.value->>'for' and b.resource_id = o.value->>'resourceId'
        and b.cloud_id = ${cloudId} and b.scope = '' and b.token = o.value->>'token' and b.phase not in ('gone', 'failed'))
      or exists (select 1 from volumes v where v.rewrite ->> 'token' = o.value->>'token' and v.rewrite is not null
        and v.deleted_at is null)
      or exists (select 1 from server_actions a
        where a.action = 'rebuild' and a.state in ('pending', 'calling') and a.args ->> 'token' = o.value->>'token')`)
  return new Set(rows.map(({ id }) => id))
}

/** Of a kind on a cloud, oldest first; `handedBack`: its resource was released, so it is somebody's. */
export const orphansOn = (db: Database, cloudId: string, kind: Kind): Promise<(Orphan & { handedBack: number })[]> =>
  db
    .select({
      ...getTableColumns(orphans),
      // Selected from one table a column has but its own name, which the journal has, too.
      handedBack: sql<number>`exists (select 1 from journal where resource_id = orphans.resource_id and ${handedBack})`,
    })
    .from(orphans)
    .where(and(eq(orphans.cloudId, cloudId), eq(orphans.kind, kind)))
    .orderBy(asc(orphans.firstSeenAt))

/** Kinds of which orphans are known on a cloud. */
export const kindsWithOrphans = async (db: Database, cloudId: string): Promise<Kind[]> =>
  (await db.selectDistinct({ kind: orphans.kind }).from(orphans).where(eq(orphans.cloudId, cloudId))).map(
    ({ kind }) => kind,
  )

/** What a complete listing showed: new ones are noted, known ones counted, those that are gone forgotten. For one batch. */
export const noteOrphans = (db: Database, cloudId: string, kind: Kind, seen: NewOrphan[], now: number) =>
  [
    db.run(sql`delete from orphans where cloud_id = ${cloudId} and kind = ${kind}
      and id not in (select value->>'id' from json_each(${JSON.stringify(seen.map(({ id }) => ({ id })))}))`),
    db.run(sql`insert into orphans (id, cloud_id, kind, native_id, name, zone, size, project_id, resource_id, token, epoch,
        first_seen_at, last_seen_at)
      select value->>'id', ${cloudId}, ${kind}, value->>'nativeId', value->>'name', value->>'zone', value->>'size', value->>'projectId',
        value->>'resourceId', value->>'token', value->>'epoch', ${now}, ${now} from json_each(${JSON.stringify(seen)}) where true
      on conflict (id) do update set sweeps = sweeps + 1, last_seen_at = ${now}`),
  ] as const

/** Statement: these are orphans no longer. */
export const forgetOrphans = (db: Database, ids: string[]) => db.delete(orphans).where(inArray(orphans.id, ids))

/** A known orphan; null: there is none. */
export const orphanById = async (db: Database, id: string): Promise<Orphan | null> =>
  (await db.select().from(orphans).where(eq(orphans.id, id)))[0] ?? null

/** With the name of the cloud and what an hour of the size costs on demand, in its own currency, where it is known. */
export const allOrphans = (db: Database) =>
  db.all<Orphan & { cloud: string; price: number | null; currency: string | null; inLapse: number }>(sql`select
      o.id, o.cloud_id as cloudId, o.kind, o.native_id as nativeId, o.name, o.zone, o.size, o.project_id as projectId,
      o.resource_id as resourceId, o.token, o.epoch, o.first_seen_at as firstSeenAt, o.last_seen_at as lastSeenAt, o.sweeps,
      c.name as cloud, p.amount / 1000000.0 as price, p.currency,
      exists (select 1 from lapses l where o.epoch between l.since and l.until) as inLapse
    from orphans o join clouds c on c.id = o.cloud_id
      ${joinPrice({ cloudId: sql`o.cloud_id`, size: sql`o.size`, option: sql`'on-demand'`, zone: sql`o.zone` })}
    order by o.first_seen_at, o.id`)

/** Times of which this database knows nothing, in minutes since 1970. */
export const lapsesNow = (db: Database) => db.select().from(lapses)

/** Statement: writes down a time of which this database knows nothing, in minutes since 1970; twice is once. */
export const noteLapse = (db: Database, since: number, until: number) =>
  db.insert(lapses).values({ since, until }).onConflictDoNothing()

/** When a cloud was registered, in milliseconds since 1970; 0: it is not. */
export const cloudCreatedAt = async (db: Database, cloudId: string): Promise<number> =>
  (await db.select({ at: clouds.createdAt }).from(clouds).where(eq(clouds.id, cloudId)))[0]?.at ?? 0
