import { and, asc, eq, getTableColumns, inArray, isNotNull, lte, sql } from 'drizzle-orm'
import type { Json, Kind } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, leases, listingParts, sweeps } from '../../schema/index.ts'

/** What tells one unit from all others. */
export interface UnitRef {
  cloudId: string
  account: string
  kind: Kind
}
/** A unit that is claimed. */
export interface Unit extends UnitRef {
  /** A listing that an earlier turn had no time to finish. */
  listing: Json
  /** Of all claims of a unit none ends at the same time: it tells whose the unit is. */
  leaseUntil: number
}

/** Makes sure that every unit has a row; new ones are due at once, units of clouds that are gone are forgotten. */
export const keepUnits = (db: Database, units: UnitRef[], now: number) =>
  [
    db.run(sql`insert into sweeps (cloud_id, account, kind, due_at)
      select value->>'cloudId', value->>'account', value->>'kind', ${now} from json_each(${JSON.stringify(units)}) where true
      on conflict do nothing`),
    db.run(sql`delete from sweeps where cloud_id not in (select id from clouds)`),
    db.run(sql`delete from listing_parts
      where listing not in (select listing->>'id' from sweeps where listing is not null and listing->>'id' is not null)`),
  ] as const

/** Which units of an account are taken, and for how long. */
export interface Claim {
  /** The due ones, all that no process holds, or all, held or not. */
  which: 'due' | 'free' | 'all'
  /** Absent: of every kind. */
  kinds?: Kind[]
  now: number
  leaseMs: number
}

const claiming = prepared(
  (db, v: Slots<Pick<Claim, 'kinds' | 'now'> & { account: string; until: number; form: Pick<Claim, 'which'> }>) =>
    db
      .update(sweeps)
      .set({ leaseUntil: sql`max(${sweeps.leaseUntil} + 1, ${v.until})`, startedAt: sql`${v.now}` })
      .where(
        and(
          eq(sweeps.account, v.account),
          v.form.which === 'all' ? undefined : lte(sweeps.leaseUntil, v.now),
          v.form.which === 'due' ? lte(sweeps.dueAt, v.now) : undefined,
          v.kinds && anyOf(sweeps.kind, v.kinds),
        ),
      )
      .returning({
        cloudId: sweeps.cloudId,
        account: sweeps.account,
        kind: sweeps.kind,
        listing: sweeps.listing,
        leaseUntil: sweeps.leaseUntil,
        dueAt: sweeps.dueAt,
      }),
)

/** Takes units of an account: the process that gets them works on them alone. Longest due first. */
export const claimUnits = async (
  db: Database,
  account: string,
  { which, kinds, now, leaseMs }: Claim,
): Promise<Unit[]> => {
  const rows = await claiming.run(db, { account, kinds, now, until: now + leaseMs, form: { which } })
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

/** Every unit, longest due first. */
export const unitsInTurn = (db: Database): Promise<UnitRef[]> =>
  db
    .select({ cloudId: sweeps.cloudId, account: sweeps.account, kind: sweeps.kind })
    .from(sweeps)
    .orderBy(asc(sweeps.dueAt), asc(sweeps.cloudId), asc(sweeps.account))

/** The id of a cloud that shows this account; null: no sweep knows it. */
export const cloudOfAccount = async (db: Database, account: string): Promise<string | null> =>
  (await db.select({ id: sweeps.cloudId }).from(sweeps).where(eq(sweeps.account, account)).limit(1))[0]?.id ?? null

/** Units of clouds that are left alone for a while; null where a cloud has none yet. */
export const unitsLeftAlone = (db: Database, now: number) =>
  db
    .select({ cloudId: clouds.id, account: sweeps.account, kind: sweeps.kind })
    .from(clouds)
    .leftJoin(sweeps, eq(sweeps.cloudId, clouds.id))
    .where(
      and(
        eq(clouds.enabled, true),
        sql`${clouds.breakerOpenUntil} > ${now}`,
        sql`exists (select 1 from mappings m where m.cloud_id = clouds.id)`,
      ),
    )

/** What is swept of these clouds, whether it is due or not. */
export const unitsOf = (db: Database, cloudIds: string[]): Promise<UnitRef[]> =>
  db
    .select({ cloudId: sweeps.cloudId, account: sweeps.account, kind: sweeps.kind })
    .from(sweeps)
    .where(inArray(sweeps.cloudId, cloudIds))

/** What became of a unit; without a report there was no time for it, and it stays due. */
export interface Finished extends Unit {
  done: { dueAt: number; durationMs: number; report: Json } | null
  /** What this turn of an unfinished listing has shown, a row each, from this number on. */
  parts?: { listing: string; from: number; shown: object[][] }
}

/** For one batch. A process that lost a unit to another changes nothing of it. */
export const finishUnits = (db: Database, units: Finished[]) => {
  const list = units.map(({ done, listing, parts: _, ...unit }) => ({
    ...unit,
    ...done,
    report: done && JSON.stringify(done.report),
    listing: listing && JSON.stringify(listing),
  }))
  return [
    ...units.flatMap((unit) => (unit.parts ? keepParts(db, unit, unit.parts) : [])),
    db.run(sql`update sweeps set lease_until = 0, listing = d.value->>'listing', due_at = coalesce(d.value->>'dueAt', due_at),
      duration_ms = coalesce(d.value->>'durationMs', duration_ms), report = coalesce(d.value->>'report', report)
    from json_each(${JSON.stringify(list)}) as d
    where cloud_id = d.value->>'cloudId' and account = d.value->>'account' and kind = d.value->>'kind'
      and lease_until = d.value->>'leaseUntil'`),
  ]
}

/** A part a statement, because a parameter is as large as a row may be. */
const keepParts = (db: Database, unit: Unit, { listing, from, shown }: NonNullable<Finished['parts']>) =>
  shown.map((part, n) =>
    db.run(sql`insert into listing_parts (listing, part, shown) select ${listing}, ${from + n}, ${JSON.stringify(part)}
      where exists (select 1 from sweeps where cloud_id = ${unit.cloudId} and account = ${unit.account} and kind = ${unit.kind}
        and lease_until = ${unit.leaseUntil})`),
  )

/** What an unfinished listing has shown so far. */
export const partsOfListing = async (db: Database, listing: string): Promise<Json[]> =>
  (
    await db
      .select({ shown: listingParts.shown })
      .from(listingParts)
      .where(eq(listingParts.listing, listing))
      .orderBy(asc(listingParts.part))
  ).map(({ shown }) => shown)

const ran = prepared((db) =>
  db
    .select({ ...getTableColumns(sweeps), cloud: clouds.name })
    .from(sweeps)
    .leftJoin(clouds, eq(clouds.id, sweeps.cloudId))
    .where(isNotNull(sweeps.report))
    .orderBy(asc(sweeps.cloudId), asc(sweeps.account), asc(sweeps.kind)),
)

/** The last run of every unit that has run, with the name of its cloud while that is registered. */
export const lastSweeps = (db: Database) => ran.run(db, {})

/** Who sweeps because somebody asks for it keeps the place in line here, and who only tries what would come of it, too. */
const placeOf = (dryRun: boolean): string => (dryRun ? 'reconcile: dry run' : 'reconcile: asked for')

/** The units that the last such call did not get to, if that was not long ago. */
export const unitsLeftOut = async (db: Database, dryRun: boolean, now: number): Promise<UnitRef[]> => {
  const [row] = await db
    .select()
    .from(leases)
    .where(eq(leases.name, placeOf(dryRun)))
  return row?.cursor && row.until > now ? (JSON.parse(row.cursor) as UnitRef[]) : []
}

/**
 * Statement: the units that a sweep by hand did not get to, with which the next one begins; none: it begins anew.
 * `until` in milliseconds since 1970.
 */
export const noteLeftOut = (db: Database, dryRun: boolean, units: UnitRef[], until: number) => {
  const cursor = units.length ? JSON.stringify(units) : null
  return db
    .insert(leases)
    .values({ name: placeOf(dryRun), until, cursor })
    .onConflictDoUpdate({ target: leases.name, set: { until, cursor } })
}
