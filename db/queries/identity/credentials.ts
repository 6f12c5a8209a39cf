import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { credentials } from '../../schema/index.ts'

export type KeptRow = typeof credentials.$inferSelect

const ofId = prepared((db, { id }: Slots<{ id: string }>) =>
  db.select().from(credentials).where(eq(credentials.id, id)),
)
/** A credential, sealed as it is kept; null: there is none. */
export const keptById = async (db: Database, id: string): Promise<KeptRow | null> =>
  (await ofId.run(db, { id }))[0] ?? null

/** As SQL, whether a user keeps so many already. */
export const keepsSoMany = (userId: string, most: number): SQL =>
  sql`(select count(*) from credentials where user_id = ${userId}) >= ${most}`

export interface KeptFilter {
  userId?: string | undefined
  type?: string | undefined
  /** For this project alone. */
  projectId?: string | undefined
  /** At most so many. */
  most: number
}
const like = prepared((db, { userId, type, projectId, most }: Slots<KeptFilter>) =>
  db
    .select()
    .from(credentials)
    .where(
      and(
        userId && eq(credentials.userId, userId),
        type && eq(credentials.type, type),
        projectId && eq(credentials.projectId, projectId),
      ),
    )
    .orderBy(asc(credentials.createdAt), asc(credentials.id))
    .limit(most),
)
/** Credentials, oldest first; what the filter leaves open is not asked. */
export const listKept = (db: Database, filter: KeptFilter) => like.run(db, filter)

/** Statement: a new credential. */
export const insertKept = (db: Database, row: KeptRow) => db.insert(credentials).values(row)
/** Statement: changes a credential. */
export const updateKept = (db: Database, id: string, set: Partial<KeptRow>) =>
  db.update(credentials).set(set).where(eq(credentials.id, id))
/** Statement: a credential goes. */
export const deleteKept = (db: Database, id: string) => db.delete(credentials).where(eq(credentials.id, id))
/** Statement: whatever a user keeps goes. */
export const deleteKeptOf = (db: Database, userId: string) =>
  db.run(sql`delete from credentials where user_id = ${userId}`)
/** Statement: whatever is kept for a project goes. */
export const deleteKeptFor = (db: Database, projectId: string) =>
  db.run(sql`delete from credentials where project_id = ${projectId}`)
