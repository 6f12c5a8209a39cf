import { and, asc, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { roles, trusts } from '../../schema/index.ts'

export type TrustRow = typeof trusts.$inferSelect

/** A trust with the roles that it lends, by name. */
export interface TrustRead extends TrustRow {
  granted: (typeof roles.$inferSelect)[]
}

const read = (db: Database) =>
  db
    .select({
      ...getTableColumns(trusts),
      granted: nested(
        getTableColumns(roles),
        sql`roles r where r.id in (select value from json_each(trusts.roles))`,
        sql`r.name`,
      ),
    })
    .from(trusts)

const byId = prepared((db, { id, now }: Slots<{ id: string; now: number }>) =>
  read(db).where(
    and(
      eq(trusts.id, id),
      sql`(${trusts.expiresAt} is null or ${trusts.expiresAt} > ${now} * 1000)`,
      sql`${trusts.remainingUses} is not 0`,
    ),
  ),
)

/** A trust that may still be used at `now` (milliseconds since 1970); null: there is none. One query. */
export const trustById = async (db: Database, id: string, now: number): Promise<TrustRead | null> =>
  (await byId.run(db, { id, now }))[0] ?? null

export interface TrustFilter {
  trustorId?: string | undefined
  trusteeId?: string | undefined
  limit: number
}
const like = prepared((db, { trustorId, trusteeId, limit }: Slots<TrustFilter>) =>
  read(db)
    .where(and(trustorId && eq(trusts.trustorId, trustorId), trusteeId && eq(trusts.trusteeId, trusteeId)))
    .orderBy(asc(sql`trusts.rowid`))
    .limit(limit),
)

/** Trusts of whom, or to whom, the filter names, oldest first. One query. */
export const listTrusts = (db: Database, filter: TrustFilter): Promise<TrustRead[]> => like.run(db, filter)

/** Statement: a new trust. */
export const insertTrust = (db: Database, row: TrustRow) => db.insert(trusts).values(row)

/** Statement: a trust ends, and with it every token that was got by it. */
export const deleteTrust = (db: Database, id: string) => db.delete(trusts).where(eq(trusts.id, id))

/** Statements: what a user lends and is lent ends with him. */
export const deleteTrustsOf = (db: Database, userId: string) =>
  [
    db.delete(trusts).where(eq(trusts.trustorId, userId)),
    db.delete(trusts).where(eq(trusts.trusteeId, userId)),
  ] as const

/** Statement: what is lent in a project ends with it. */
export const deleteTrustsIn = (db: Database, projectId: string) =>
  db.delete(trusts).where(eq(trusts.projectId, projectId))

const ofTrustor = prepared((db, { id }: Slots<{ id: string }>) => db.select().from(trusts).where(eq(trusts.id, id)))

/** A trust, be it over or not, for who ends it and its tokens; null: there is none. */
export const trustEver = async (db: Database, id: string): Promise<TrustRow | null> =>
  (await ofTrustor.run(db, { id }))[0] ?? null

/** Statement: a token is got by a trust. With the last one it ends when that ends, `tokenEnds` (milliseconds since 1970). */
export const useTrust = (db: Database, id: string, tokenEnds: number) =>
  db.run(sql`update trusts set remaining_uses = remaining_uses - 1,
    expires_at = iif(remaining_uses > 1, expires_at, min(coalesce(expires_at, ${tokenEnds} * 1000), ${tokenEnds} * 1000))
    where id = ${id} and remaining_uses > 0`)

/** Statement: trusts go that are over at `now`, so many at most; no token of theirs is left. */
export const sweepTrusts = (db: Database, now: number, most: number) =>
  db.run(sql`delete from trusts where id in (select id from trusts where expires_at < ${now} * 1000 limit ${most})`)

/** True (as SQL) when no token is to be had by a trust any more. */
export const isUsedUp = (id: string) =>
  sql`not exists (select 1 from trusts where id = ${id} and remaining_uses is not 0)`

/** So many does a user lend: more than anybody keeps count of is a mistake. */
export const MOST_TRUSTS = 1000

/** True (as SQL) when a user lends as much as a user may. */
export const lendsTooMuch = (trustorId: string, now: number) =>
  sql`(select count(*) from (select 1 from trusts where trustor_id = ${trustorId} and remaining_uses is not 0
    and (expires_at is null or expires_at > ${now} * 1000) limit ${MOST_TRUSTS})) >= ${MOST_TRUSTS}`
