import { eq } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { settings } from '../../schema/index.ts'

/** What the deployment has written down about itself. */
export const readSettings = async (db: Database): Promise<Map<string, string>> =>
  new Map((await db.select().from(settings)).map(({ key, value }) => [key, value]))

/** Writes all or none; a key that is there already keeps its value. */
export const writeSettings = async (db: Database, values: Record<string, string>): Promise<void> => {
  const rows = Object.entries(values).map(([key, value]) => ({ key, value }))
  await db.insert(settings).values(rows).onConflictDoNothing()
}

/** Statement: another value for what is written down already; what is not there stays so. */
export const changeSetting = (db: Database, key: string, value: string) =>
  db.update(settings).set({ value }).where(eq(settings.key, key))

/** Proves that the database can be written. */
export const writeHealth = (db: Database, now: number) =>
  db
    .insert(settings)
    .values({ key: 'health', value: String(now) })
    .onConflictDoUpdate({ target: settings.key, set: { value: String(now) } })
