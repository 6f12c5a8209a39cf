import { eq } from 'drizzle-orm'
import type { Database } from '../client.ts'
import { repeatables } from '../schema/index.ts'

export type Repeatable = typeof repeatables.$inferSelect

export const repeatableByKey = async (db: Database, key: string): Promise<Repeatable | null> =>
  (await db.select().from(repeatables).where(eq(repeatables.key, key)))[0] ?? null

/** For the batch of the mutation itself, so that key and effect are there together or not at all. */
export const insertRepeatable = (db: Database, row: Pick<Repeatable, 'key' | 'bodyHash' | 'seed' | 'createdAt'>) =>
  db.insert(repeatables).values({ key: row.key, bodyHash: row.bodyHash, seed: row.seed, createdAt: row.createdAt })

export const keepAnswer = (db: Database, key: string, answer: NonNullable<Repeatable['answer']>) =>
  db.update(repeatables).set({ answer }).where(eq(repeatables.key, key))

/** What the key stood for was taken back: the next request with it is the first. For one batch with that. */
export const forgetRepeatable = (db: Database, key: string) => db.delete(repeatables).where(eq(repeatables.key, key))
