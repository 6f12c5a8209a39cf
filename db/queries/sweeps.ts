import { and, asc, eq, lte, sql } from 'drizzle-orm'
import type { Json, Kind } from '../../adapters/contract.ts'
import type { Database } from '../client.ts'
import { sweeps } from '../schema/index.ts'

export type Sweep = typeof sweeps.$inferSelect
export interface Unit {
  cloudId: string
  account: string
  kind: Kind
}

/** Makes sure that every unit has a row; new ones are due at once, units of clouds that are gone are forgotten. */
export const keepUnits = (db: Database, units: Unit[], now: number) =>
  [
    db.run(sql`insert into sweeps (cloud_id, account, kind, due_at)
      select value->>'cloudId', value->>'account', value->>'kind', ${now} from json_each(${JSON.stringify(units)}) where true
      on conflict do nothing`),
    db.run(sql`delete from sweeps where cloud_id not in (select id from clouds)`),
  ] as const

export const dueUnits = (db: Database, now: number): Promise<Unit[]> =>
  db
    .select({ cloudId: sweeps.cloudId, account: sweeps.account, kind: sweeps.kind })
    .from(sweeps)
    .where(and(lte(sweeps.dueAt, now), lte(sweeps.leaseUntil, now)))
    .orderBy(asc(sweeps.dueAt), sql`rowid`)

const at = ({ cloudId, account, kind }: Unit) =>
  and(eq(sweeps.cloudId, cloudId), eq(sweeps.account, account), eq(sweeps.kind, kind))

/** True for the one process that may work on the unit until `leaseUntil`. */
export const claimUnit = async (db: Database, unit: Unit, now: number, leaseUntil: number): Promise<boolean> => {
  const rows = await db
    .update(sweeps)
    .set({ leaseUntil, startedAt: now })
    .where(and(at(unit), lte(sweeps.leaseUntil, now), lte(sweeps.dueAt, now)))
    .returning({ kind: sweeps.kind })
  return rows.length > 0
}

export const finishUnit = (db: Database, unit: Unit, set: { dueAt: number; durationMs: number; report: Json }) =>
  db
    .update(sweeps)
    .set({ ...set, leaseUntil: 0 })
    .where(at(unit))

/** The last run of every unit that has run. */
export const lastSweeps = (db: Database): Promise<Sweep[]> =>
  db
    .select()
    .from(sweeps)
    .where(sql`report is not null`)
    .orderBy(asc(sweeps.cloudId), asc(sweeps.account), asc(sweeps.kind))
