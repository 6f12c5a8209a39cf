import { and, asc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { keypairs, servers } from '../../schema/index.ts'
import { keypairAwaited } from '../line/awaited.ts'
import { mostOfUser } from '../quotas.ts'

export type KeypairRow = typeof keypairs.$inferSelect

const named = prepared((db, { userId, name }: Slots<{ userId: string; name: string }>) =>
  db
    .select()
    .from(keypairs)
    .where(and(eq(keypairs.userId, userId), eq(keypairs.name, name))),
)

/** Keypairs belong to users, not to projects: the user is their scope. */
export const keypairNamed = async (db: Database, userId: string, name: string): Promise<KeypairRow | null> =>
  (await named.run(db, { userId, name }))[0] ?? null

/** For work below the line, which knows a keypair by the id in its binding. */
export const keypairById = async (db: Database, id: string): Promise<KeypairRow | null> =>
  (await db.select().from(keypairs).where(eq(keypairs.id, id)))[0] ?? null

/** The key of a server that is still to be made with it, whose keypair is gone. */
export const keypairKept = async (db: Database, id: string) =>
  (
    await db
      .select({ userId: servers.userId, name: sql<string>`${servers.keyName}`, keypair: servers.keypair })
      .from(servers)
      .where(and(sql`${servers.keypair} ->> 'id' = ${id}`, isNull(servers.deletedAt), keypairAwaited(id)))
      .limit(1)
  )[0] ?? null

interface Page {
  userId: string
  after?: string | undefined
  limit: number
}

const paging = prepared((db, { userId, after, limit }: Slots<Page>) =>
  db
    .select()
    .from(keypairs)
    .where(
      and(
        eq(keypairs.userId, userId),
        after && sql`${keypairs.name} > (select name from keypairs where user_id = ${userId} and name = ${after})`,
      ),
    )
    .orderBy(asc(keypairs.name))
    .limit(limit),
)

/** A user's keypairs by name, after the one named `after`; null: there is none of that name. */
export const keypairsOf = async (
  db: Database,
  userId: string,
  { limit = -1, after }: { limit?: number; after?: string | undefined } = {},
): Promise<KeypairRow[] | null> => {
  const rows = await paging.run(db, { userId, after, limit })
  return rows.length || after === undefined || (await keypairNamed(db, userId, after)) ? rows : null
}

/** Statement: a new keypair, of which the public half alone is kept. */
export const insertKeypair = (db: Database, row: KeypairRow) => db.insert(keypairs).values(row)

/** Statement: a keypair goes. Servers keep the key that they were made with. */
export const deleteKeypair = (db: Database, id: string) => db.delete(keypairs).where(eq(keypairs.id, id))

/** True (as SQL) when one more keypair would be one too many; the limit is that of the project in which the user asks. */
export const keypairsFull = (userId: string, projectId: string, otherwise: number): SQL => sql`exists (
  select 1 from (select ${mostOfUser(projectId, userId, 'key_pairs', otherwise)} as most)
  where most >= 0 and (select count(*) from keypairs where user_id = ${userId}) >= most)`
