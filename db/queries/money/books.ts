import { eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, type PriceBook, priceBooks, rates } from '../../schema/index.ts'

export type RateRow = typeof rates.$inferSelect

const named = prepared((db, { name }: Slots<{ name: string }>) =>
  db
    .select({ book: priceBooks.book, asOf: priceBooks.asOf })
    .from(clouds)
    .leftJoin(priceBooks, eq(priceBooks.cloudId, clouds.id))
    .where(eq(clouds.name, name)),
)

/** The price book of the cloud of that name, null where none was set for it. Null instead: there is no such cloud. */
export const bookNamed = async (
  db: Database,
  name: string,
): Promise<{ kept: { book: PriceBook; asOf: number } | null } | null> => {
  const [found] = await named.run(db, { name })
  if (!found) return null
  const { book, asOf } = found
  return { kept: book === null || asOf === null ? null : { book, asOf } }
}

/** Statement: the price book of a cloud is this from now on. */
export const putBook = (db: Database, cloudId: string, book: PriceBook, asOf: number) =>
  db
    .insert(priceBooks)
    .values({ cloudId, book, asOf })
    .onConflictDoUpdate({ target: priceBooks.cloudId, set: { book, asOf } })

const all = prepared((db) => db.select().from(rates).orderBy(rates.currency))

/** The currency of the deployment, and what others are worth in it. */
export const allRates = (db: Database): Promise<RateRow[]> => all.run(db, {})

/** Statements: the rates are these and no others. */
export const replaceRates = (db: Database, rows: RateRow[]) =>
  [db.delete(rates), db.insert(rates).values(rows)] as const

/** True (as SQL) where something was bought for a price in another currency than that, and it can still be asked what it cost. */
export const boughtInAnother = (currency: string): SQL =>
  sql`(coalesce((select 1 from servers limit 1), (select 1 from costs limit 1)) is not null and not exists (select 1 from rates where base and currency = ${currency}))`
