import { eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, ready, type Slots } from '../../prepared.ts'
import { repeatables } from '../../schema/index.ts'

export type Repeatable = typeof repeatables.$inferSelect

const byKey = prepared((db) =>
  db
    .select()
    .from(repeatables)
    .where(sql`${repeatables.key} in (select value from json_each(${sql.placeholder('keys')}))`),
)

/** The row of the first of some keys that there is one of. */
export const repeatableByKey = async (db: Database, keys: string[]): Promise<Repeatable | null> => {
  const rows = await byKey.run(db, { keys: JSON.stringify(keys) })
  return rows.sort((one, other) => keys.indexOf(one.key) - keys.indexOf(other.key))[0] ?? null
}

/** For the batch of the mutation itself, so that key and effect are there together or not at all. */
export const insertRepeatable = (row: Pick<Repeatable, 'key' | 'bodyHash' | 'seed' | 'createdAt'>) =>
  ready('insert into repeatables (key, body_hash, seed, created_at) values (?, ?, ?, ?)', [
    row.key,
    row.bodyHash,
    row.seed,
    row.createdAt,
  ])

/** What is told to a repetition of the request that had this key. */
export const keepAnswer = (db: Database, key: string, answer: string) => keeping.run(db, { key, answer })

const keeping = prepared((db, { key, answer }: Slots<Record<'key' | 'answer', string>>) =>
  db
    .update(repeatables)
    .set({ answer: sql`${answer}` })
    .where(eq(repeatables.key, key)),
)

/** What the key stood for was taken back: the next request with it is the first. For one batch with that. */
export const forgetRepeatable = (db: Database, key: string) => db.delete(repeatables).where(eq(repeatables.key, key))
