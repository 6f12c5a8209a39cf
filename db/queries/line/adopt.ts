import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Json, Kind } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { AMONG, anyOf } from '../../conditions.ts'
import { factsOf, KINDS_BY_RANK, type Tombstoned } from '../../kinds.ts'
import { ready } from '../../prepared.ts'
import { attachments, bindings, clouds, type Ownership, securityGroupRules, serverPorts } from '../../schema/index.ts'
import type { RuleRow } from '../network/security/security-groups.ts'
import { type Binding, type Ref, refOf } from './bindings.ts'
import { handedBack } from './journal.ts'

/** Undoes its batch, with the reason as the guard's name, if one of the resources is not ours to change. */
export const refuseChange = (ids: string[]) =>
  ready(
    `insert into guards (broken)
      select iif(b.ownership = 'ours', 'read-only', b.ownership) from bindings b join clouds c on c.id = b.cloud_id
      where b.resource_id in ${AMONG} and (b.ownership <> 'ours' or c.options ->> 'read_only') limit 1`,
    [JSON.stringify(ids)],
  )

/** Clouds that are connected read-only: id to name. */
export const lockedClouds = async (db: Database): Promise<Map<string, string>> =>
  new Map(
    (
      await db.select({ id: clouds.id, name: clouds.name }).from(clouds).where(sql`${clouds.options} ->> 'read_only'`)
    ).map(({ id, name }) => [id, name]),
  )

/** Which resources objects of a cloud stand for, whatever their kind. */
export const boundTo = (db: Database, cloudId: string, nativeIds: string[]): Promise<Binding[]> =>
  db
    .select()
    .from(bindings)
    .where(
      and(
        eq(bindings.cloudId, cloudId),
        // Every one: the index is by kind.
        anyOf(bindings.kind, KINDS_BY_RANK),
        inArray(bindings.phase, ['bound', 'deleting']),
        anyOf(bindings.nativeId, nativeIds),
      ),
    )

/** What accounts for a volume's place in a server. */
export const attachmentBetween = async (
  db: Database,
  cloudId: string,
  serverId: string,
  volumeId: string,
): Promise<Binding | null> =>
  (
    await db
      .select()
      .from(bindings)
      .where(
        and(
          eq(bindings.kind, 'attachment'),
          eq(bindings.cloudId, cloudId),
          inArray(bindings.phase, ['bound', 'deleting']),
          sql`${bindings.resourceId} in (select id from attachments where server_id = ${serverId} and volume_id = ${volumeId})`,
        ),
      )
  )[0] ?? null

export interface BoundBinding extends Ref {
  projectId: string
  zone: string | null
  nativeId: string
  ownership: Ownership
  token: string
  epoch: number
  frozen: Json
  observed: string
  /** Whether converge has something to do: to put the mark on. */
  due: boolean
  now: number
}

/** A binding that is born bound. One that failed, or is gone, comes to life again; a live one is a conflict. */
export const insertBound = (db: Database, { due, now, ...b }: BoundBinding) => {
  const life = {
    projectId: b.projectId,
    zone: b.zone,
    want: 'present' as const,
    phase: 'bound' as const,
    nativeId: b.nativeId,
    ownership: b.ownership,
    token: b.token,
    epoch: b.epoch,
    frozen: b.frozen,
    task: null,
    revision: 0,
    applied: 0,
    boundAt: now,
    seenAt: now,
    observed: b.observed,
    missing: 0,
    attempts: 0,
    error: null,
    dueAt: due ? now : null,
    updatedAt: now,
  }
  return db
    .insert(bindings)
    .values({ ...refOf(b), ...life, createdAt: now })
    .onConflictDoUpdate({
      target: [bindings.kind, bindings.resourceId, bindings.cloudId, bindings.scope],
      // Two who adopt the same object at once: the second has the first one's ids, and nothing to write.
      set: { ...life, fence: sql`${bindings.fence} + 1` },
      setWhere: sql`${bindings.phase} in ('failed', 'gone')`,
    })
}

/** What was adopted to be looked at is to be marked, or is only looked at from now on. */
export const setOwnership = (db: Database, refs: Ref[], ownership: Ownership, dueAt: number | null) =>
  db.run(sql`update bindings set ownership = ${ownership}, due_at = ${dueAt}, attempts = 0, error = null
    where (kind, resource_id, cloud_id, scope) in (select value->>'kind', value->>'resourceId', value->>'cloudId', value->>'scope'
      from json_each(${JSON.stringify(refs.map(refOf))}))`)

/** Whether a resource of a project has a row, and whose; `deleted`: only a tombstone is left. */
export const rowOf = async (
  db: Database,
  kind: Kind,
  id: string,
): Promise<{ projectId: string | null; deleted: boolean } | null> => {
  const { table, tombstoned } = factsOf(kind)
  const deleted = sql.raw(tombstoned ? 'deleted_at is not null' : 'false')
  const row = await db.get<{ projectId: string | null; deleted: number } | undefined>(
    sql`select project_id as projectId, ${deleted} as deleted from ${table} where id = ${id}`,
  )
  return row ? { projectId: row.projectId, deleted: Boolean(row.deleted) } : null
}

/** Somebody removed it, or handed it back: what is left of it on a cloud is no loss. */
export const wasRemoved = async (db: Database, id: string): Promise<boolean> =>
  (
    await db.get<{ n: number }>(
      sql`select exists (select 1 from journal where resource_id = ${id} and (action = 'delete' or ${handedBack})) as n`,
    )
  ).n > 0

/** A tombstone makes way for the row of what is there again. */
export const clearTombstone = (db: Database, kind: Tombstoned, id: string) =>
  db.run(sql`delete from ${factsOf(kind).table} where id = ${id} and deleted_at is not null`)

/** Rules of an adopted group, in one statement however many. */
export const insertRules = (db: Database, rules: RuleRow[]) =>
  db.run(sql`insert into ${securityGroupRules} (id, project_id, security_group_id, direction, ethertype, protocol, port_range_min,
      port_range_max, remote_ip_prefix, remote_group_id, description, signature, revision, created_at, updated_at)
    select value->>'id', value->>'projectId', value->>'securityGroupId', value->>'direction', value->>'ethertype', value->>'protocol',
      value->>'portRangeMin', value->>'portRangeMax', value->>'remoteIpPrefix', value->>'remoteGroupId', value->>'description',
      value->>'signature', 0, value->>'createdAt', value->>'updatedAt' from json_each(${JSON.stringify(rules)})`)

/** A port in a server; the row may have outlived its binding. */
export const plugPort = (db: Database, row: typeof serverPorts.$inferSelect) =>
  db.insert(serverPorts).values(row).onConflictDoNothing()

/** A volume that is in a server already. */
export const insertAttached = (
  db: Database,
  { now, ...row }: Omit<typeof attachments.$inferInsert, 'status' | 'createdAt' | 'attachedAt'> & { now: number },
) =>
  db
    .insert(attachments)
    .values({ ...row, status: 'attached', createdAt: now, attachedAt: now })
    .onConflictDoNothing()

/** The size by the cloud's own name, as its offers have it, with the flavor of that name. */
export const offerNamed = async (db: Database, cloudId: string, name: string) =>
  (await db.get<
    { vcpus: number; ramMib: number; diskGib: number; flavorId: string | null; extraSpecs: string | null } | undefined
  >(sql`select o.vcpus, o.ram_mib as ramMib, o.disk_gib as diskGib, f.id as flavorId, f.extra_specs as extraSpecs
    from offers o left join flavors f on f.name = o.name and f.native where o.cloud_id = ${cloudId} and o.name = ${name}`)) ??
  null
