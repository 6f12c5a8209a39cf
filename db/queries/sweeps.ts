import { and, asc, eq, lte, sql } from 'drizzle-orm'
import type { Json, Kind } from '../../adapters/contract.ts'
import type { Database } from '../client.ts'
import { sweeps } from '../schema/index.ts'

export type Sweep = typeof sweeps.$inferSelect
export interface Unit {
  cloudId: string
  account: string
  kind: Kind
  /** A listing that an earlier turn had no time to finish. */
  listing: Json
}

/** Makes sure that every unit has a row; new ones are due at once, units of clouds that are gone are forgotten. */
export const keepUnits = (db: Database, units: Unit[], now: number) =>
  [
    db.run(sql`insert into sweeps (cloud_id, account, kind, due_at)
      select value->>'cloudId', value->>'account', value->>'kind', ${now} from json_each(${JSON.stringify(units)}) where true
      on conflict do nothing`),
    db.run(sql`delete from sweeps where cloud_id not in (select id from clouds)`),
  ] as const

/** Takes the due units of an account until `leaseUntil`: whoever gets them works on them alone. Longest due first. */
export const claimUnits = async (db: Database, account: string, now: number, leaseUntil: number): Promise<Unit[]> => {
  const rows = await db
    .update(sweeps)
    .set({ leaseUntil, startedAt: now })
    .where(and(eq(sweeps.account, account), lte(sweeps.leaseUntil, now), lte(sweeps.dueAt, now)))
    .returning({
      cloudId: sweeps.cloudId,
      account: sweeps.account,
      kind: sweeps.kind,
      listing: sweeps.listing,
      dueAt: sweeps.dueAt,
    })
  return rows.sort((one, other) => one.dueAt - other.dueAt)
}

/** Accounts that have something due, longest due first. */
export const dueAccounts = async (db: Database, now: number): Promise<string[]> =>
  (
    await db
      .select({ account: sweeps.account })
      .from(sweeps)
      .where(and(lte(sweeps.dueAt, now), lte(sweeps.leaseUntil, now)))
      .groupBy(sweeps.account)
      .orderBy(sql`min(${sweeps.dueAt})`)
  ).map(({ account }) => account)

export const cloudOfAccount = async (db: Database, account: string): Promise<string | null> =>
  (await db.select({ id: sweeps.cloudId }).from(sweeps).where(eq(sweeps.account, account)).limit(1))[0]?.id ?? null

/** What became of a unit; without a report there was no time for it, and it stays due. */
export interface Finished extends Unit {
  done: { dueAt: number; durationMs: number; report: Json } | null
}

/** One statement, however many units. */
export const finishUnits = (db: Database, units: Finished[]) => {
  const list = units.map(({ done, listing, ...unit }) => ({
    ...unit,
    ...done,
    report: done && JSON.stringify(done.report),
    listing: listing && JSON.stringify(listing),
  }))
  return db.run(sql`update sweeps set lease_until = 0, listing = d.value->>'listing', due_at = coalesce(d.value->>'dueAt', due_at),
      duration_ms = coalesce(d.value->>'durationMs', duration_ms), report = coalesce(d.value->>'report', report)
    from json_each(${JSON.stringify(list)}) as d
    where cloud_id = d.value->>'cloudId' and account = d.value->>'account' and kind = d.value->>'kind'`)
}

/** The last run of every unit that has run. */
export const lastSweeps = (db: Database): Promise<Sweep[]> =>
  db
    .select()
    .from(sweeps)
    .where(sql`report is not null`)
    .orderBy(asc(sweeps.cloudId), asc(sweeps.account), asc(sweeps.kind))
