import { and, asc, eq, isNotNull, isNull, lte, ne, not, type SQL, sql } from 'drizzle-orm'
import type { Kind } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { anyOf, both, either } from '../../conditions.ts'
import { factsOf } from '../../kinds.ts'
import { prepared, ready, type Slots } from '../../prepared.ts'
import { bindings } from '../../schema/index.ts'

export type Binding = typeof bindings.$inferSelect

/** The four columns that tell one binding from all others. */
export interface Ref {
  kind: Kind
  resourceId: string
  cloudId: string
  scope: string
}

/** What names a binding, and nothing else of it. */
export const refOf = ({ kind, resourceId, cloudId, scope }: Ref): Ref => ({ kind, resourceId, cloudId, scope })

/** Their conditions, with placeholders, for queries that are worded once. */
const there = () => {
  const { placeholder } = sql
  return and(
    eq(bindings.kind, placeholder('kind') as never),
    eq(bindings.resourceId, placeholder('resourceId')),
    eq(bindings.cloudId, placeholder('cloudId')),
    eq(bindings.scope, placeholder('scope')),
  )
}

const claiming = prepared((db) =>
  db
    .update(bindings)
    .set({ fence: sql`${bindings.fence} + 1`, leaseUntil: sql`${sql.placeholder('until')}` })
    .where(and(there(), lte(bindings.leaseUntil, sql.placeholder('now'))))
    .returning(),
)

/** Takes the binding for `leaseMs`: raises its fence, so that the one that held it before can write no more. Null: it is being worked on. */
export const claim = async (db: Database, ref: Ref, now: number, leaseMs: number): Promise<Binding | null> =>
  (await claiming.run(db, { ...refOf(ref), now, until: now + leaseMs }))[0] ?? null

const reading = prepared((db) => db.select().from(bindings).where(there()))

/** The binding of a resource on a cloud; null: it never had one there. */
export const getBinding = async (db: Database, ref: Ref): Promise<Binding | null> =>
  (await reading.run(db, { ...refOf(ref) }))[0] ?? null

/** All bindings of a resource, on every cloud and in every phase, `gone` included. */
export const bindingsOf = (db: Database, resourceId: string): Promise<Binding[]> => ofResource.run(db, { resourceId })

const ofResource = prepared((db, { resourceId }: Slots<{ resourceId: string }>) =>
  db.select().from(bindings).where(eq(bindings.resourceId, resourceId)),
)

const onCloud = prepared((db) =>
  db
    .select()
    .from(bindings)
    .where(
      and(
        sql`+${bindings.cloudId} = ${sql.placeholder('cloudId')}`,
        anyOf(bindings.resourceId, sql.placeholder('ids')),
      ),
    ),
)

/** Several resources' bindings on one cloud, in one query. */
export const bindingsOn = (db: Database, cloudId: string, resourceIds: string[]): Promise<Binding[]> =>
  onCloud.run(db, { cloudId, ids: JSON.stringify(resourceIds) })

/** Worded once for each set of columns. */
const settings = new Map<string, ReturnType<typeof setting>>()
const setting = (columns: string[]) =>
  prepared((db) =>
    db
      .update(bindings)
      .set(Object.fromEntries(columns.map((column) => [column, sql.placeholder(`set.${column}`)])))
      .where(and(there(), eq(bindings.fence, sql.placeholder('fence'))))
      .returning(),
  )

/** A change of a binding that only the holder of its fence may make; gives the row as it is afterwards. For a batch. */
export const setBinding = (db: Database, binding: Binding, set: Partial<Binding>) => {
  const values = Object.entries(set).filter(([, value]) => value !== undefined)
  const columns = values.map(([column]) => column)
  const query = settings.get(columns.join()) ?? setting(columns)
  settings.set(columns.join(), query)
  const named = Object.fromEntries(values.map(([column, value]) => [`set.${column}`, value]))
  return query.statement(db, { ...refOf(binding), fence: binding.fence, ...named })
}

const releasing = prepared((db) => {
  const { placeholder } = sql
  return db
    .update(bindings)
    .set({
      leaseUntil: sql`${placeholder('leaseUntil')}`,
      dueAt: sql`case when ${bindings.revision} = ${placeholder('revision')} and ${bindings.ownership} = ${placeholder('ownership')}
        then ${placeholder('dueAt')} else ${placeholder('now')} end`,
      // What comes later is not by whoever asked for this.
      trace: sql`case when ${bindings.revision} = ${placeholder('revision')} and ${bindings.ownership} = ${placeholder('ownership')}
        and ${placeholder('dueAt')} is null then null else ${bindings.trace} end`,
    })
    .where(and(there(), eq(bindings.fence, placeholder('fence'))))
})

/**
 * Ends a claim, or lets it run out at `leaseUntil`. Work stays due if the intent changed while it was held, or whose it
 * is, whatever the holder thinks.
 */
export const releaseBinding = (db: Database, binding: Binding, dueAt: number | null, now: number, leaseUntil = 0) => {
  const { fence, revision, ownership } = binding
  return releasing.run(db, { ...refOf(binding), fence, revision, ownership, dueAt, now, leaseUntil })
}

/** Undoes its batch when the binding has moved on to another holder. */
export const fenceGuard = ({ kind, resourceId, cloudId, scope, fence }: Binding) =>
  ready(
    `insert into guards (broken) select 'fence' where not exists (select 1 from bindings
      where kind = ? and resource_id = ? and cloud_id = ? and scope = ? and fence = ?)`,
    [kind, resourceId, cloudId, scope, fence],
  )

/** True (as SQL) when the binding has moved on to another holder. */
export const fenceLost = (binding: Binding) => sql`not exists (select 1 from bindings where kind = ${binding.kind}
  and resource_id = ${binding.resourceId} and cloud_id = ${binding.cloudId} and scope = ${binding.scope} and fence = ${binding.fence})`

export interface NewBinding extends Ref {
  projectId: string
  zone?: string | null
  token: string
  epoch: number
  now: number
}

const inserting = prepared((db) => {
  const { placeholder } = sql
  return db
    .insert(bindings)
    .values({
      kind: placeholder('kind') as never,
      resourceId: placeholder('resourceId'),
      cloudId: placeholder('cloudId'),
      scope: placeholder('scope'),
      projectId: placeholder('projectId'),
      zone: placeholder('zone'),
      token: placeholder('token'),
      epoch: placeholder('epoch'),
      dueAt: placeholder('now'),
      createdAt: placeholder('now'),
      updatedAt: placeholder('now'),
    })
    .onConflictDoNothing()
})

/** A binding that wants to exist; nothing happens if it is there already. For a batch, or alone. */
export const insertBinding = (db: Database, { zone = null, ...b }: NewBinding) =>
  inserting.statement(db, { ...b, zone })

const forgetting = prepared((db) => db.delete(bindings).where(and(there(), eq(bindings.phase, 'gone'))))

/** What a cloud has let go of and gets again: what was there is history. */
export const forgetGone = (db: Database, ref: Ref) => forgetting.statement(db, { ...refOf(ref) })

/** One that failed, or was lost, is made anew with a token of its own: the old one stands for what was refused. */
export const reviveBinding = (db: Database, ref: Ref, { token, now }: { token: string; now: number }) =>
  db
    .update(bindings)
    .set({
      phase: 'intent',
      nativeId: null,
      token,
      frozen: null,
      task: null,
      error: null,
      attempts: 0,
      missing: 0,
      // Work on the old one has nothing more to write.
      fence: sql`${bindings.fence} + 1`,
      leaseUntil: 0,
      dueAt: now,
      createdAt: now,
    })
    .where(
      and(
        eq(bindings.kind, ref.kind),
        eq(bindings.resourceId, ref.resourceId),
        eq(bindings.cloudId, ref.cloudId),
        eq(bindings.scope, ref.scope),
        either(eq(bindings.phase, 'failed'), both(eq(bindings.phase, 'bound'), isNull(bindings.observed))),
        eq(bindings.want, 'present'),
      ),
    )

/** The intent of a resource has changed: every cloud that realises it has work to do. */
export const touchBindings = (db: Database, kind: Kind, resourceId: string, now: number) =>
  db
    .update(bindings)
    .set({
      revision: sql`${bindings.revision} + 1`,
      dueAt: now,
      updatedAt: now,
      ...(factsOf(kind).revived
        ? { phase: sql`case ${bindings.phase} when 'failed' then 'intent' else ${bindings.phase} end` }
        : {}),
    })
    .where(and(eq(bindings.kind, kind), eq(bindings.resourceId, resourceId), eq(bindings.want, 'present')))

const again = prepared((db) =>
  db
    .update(bindings)
    .set({ revision: sql`${bindings.revision} + 1`, dueAt: sql`${sql.placeholder('now')}` })
    .where(and(there(), eq(bindings.want, 'present'), eq(bindings.phase, 'bound'), eq(bindings.ownership, 'ours'))),
)

/** Whatever was applied to the object of a binding is to be applied again. */
export const applyAgain = (db: Database, ref: Ref, now: number) => again.run(db, { ...refOf(ref), now })

/** Clouds are asked how they see these resources, without anything having changed. Any number of ids. */
export const lookSoon = (db: Database, kind: Kind, resourceIds: string[], now: number) =>
  db
    .update(bindings)
    .set({ dueAt: now })
    .where(
      and(
        eq(bindings.kind, kind),
        anyOf(bindings.resourceId, resourceIds),
        eq(bindings.phase, 'bound'),
        sql`(${bindings.dueAt} is null or ${bindings.dueAt} > ${now})`,
      ),
    )

/** The resource shall be nowhere any more, unless a condition keeps it. */
export const wantAbsent = (db: Database, kind: Kind, resourceIds: string | string[], now: number, kept?: SQL) =>
  db
    .update(bindings)
    .set({ want: 'absent', revision: sql`${bindings.revision} + 1`, dueAt: now, attempts: 0, updatedAt: now })
    .where(
      and(
        eq(bindings.kind, kind),
        Array.isArray(resourceIds) ? anyOf(bindings.resourceId, resourceIds) : eq(bindings.resourceId, resourceIds),
        ne(bindings.phase, 'gone'),
        kept && not(kept),
      ),
    )

/**
 * Statement: what was in something that is gone, and is not ours to take out, went with it. Nothing about it is asked of anybody,
 * so it is no change of what is only looked at.
 */
export const goneAlong = (db: Database, kind: Kind, resourceIds: string[], now: number) =>
  db.run(sql`update bindings set phase = 'gone', frozen = null, task = null, error = null, due_at = null, updated_at = ${now}
    where kind = ${kind} and ${anyOf(sql`resource_id`, resourceIds)} and phase <> 'gone' and ownership <> 'ours'`)

/** Which of these resources are not ours to change anywhere. */
export const notOurs = async (db: Database, resourceIds: string[]): Promise<Set<string>> =>
  new Set(
    (
      await db.all<{ id: string }>(
        sql`select distinct resource_id as id from bindings where ${anyOf(sql`resource_id`, resourceIds)} and ownership <> 'ours'`,
      )
    ).map(({ id }) => id),
  )

/**
 * What its cloud could not let go of for what has gone since: it is asked again, and again after short pauses, as a cloud may
 * be late to see it too. A worker that is just being refused hears of it by the revision.
 */
export const letGoAgain = (db: Database, cloudId: string, { kind, nativeId }: Kept, now: number) =>
  db.run(sql`update bindings set due_at = ${now}, revision = revision + 1, attempts = min(attempts, 1) where cloud_id = ${cloudId}
    and kind = ${kind} and native_id = ${nativeId} and want = 'absent' and phase = 'deleting'`)

interface Kept {
  kind: Kind
  nativeId: string
}

/** For `kept`: it is on another cloud. */
export const notOn = (cloudId: string) => sql`${bindings.cloudId} <> ${cloudId}`

const due = prepared((db) =>
  db
    .select({ kind: bindings.kind, resourceId: bindings.resourceId, cloudId: bindings.cloudId, scope: bindings.scope })
    .from(bindings)
    .where(
      and(
        isNotNull(bindings.dueAt),
        // SQLite plans a range anew for every value that is bound to it, but not for a sum.
        sql`${bindings.dueAt} <= ${sql.placeholder('now')} + 0`,
        lte(bindings.leaseUntil, sql.placeholder('now')),
      ),
    )
    .orderBy(asc(bindings.dueAt))
    .limit(sql.placeholder('limit')),
)

/** What converge has to do now, longest due first. */
export const dueBindings = (db: Database, now: number, limit: number): Promise<Ref[]> => due.run(db, { now, limit })

const dueAmong = prepared((db) =>
  db
    .select({ kind: bindings.kind, resourceId: bindings.resourceId, cloudId: bindings.cloudId, scope: bindings.scope })
    .from(bindings)
    .where(
      and(
        eq(bindings.kind, sql.placeholder('kind')),
        anyOf(bindings.resourceId, sql.placeholder('ids')),
        lte(bindings.dueAt, sql.placeholder('now')),
      ),
    ),
)

/** What converge has to do now for some resources of one kind, on every cloud. Any number of ids. */
export const dueOf = (db: Database, kind: Kind, ids: string[], now: number): Promise<Ref[]> =>
  dueAmong.run(db, { kind, ids: JSON.stringify(ids), now })
