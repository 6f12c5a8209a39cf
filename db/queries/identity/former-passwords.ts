import { desc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { formerPasswords } from '../../schema/index.ts'

const ofUser = prepared((db, { userId, most }: Slots<{ userId: string; most: number }>) =>
  db
    .select({ hash: formerPasswords.hash })
    .from(formerPasswords)
    .where(eq(formerPasswords.userId, userId))
    .orderBy(desc(formerPasswords.replacedAt))
    .limit(most),
)
/** Hashes of what a user had as passwords before the one of now, the last first; so many at most. */
export const formerHashesOf = async (db: Database, userId: string, most: number): Promise<string[]> =>
  (await ofUser.run(db, { userId, most })).map(({ hash }) => hash)

/** Statements, before another password is set: the one of now is remembered with so many before it, others are forgotten. */
export const rememberPassword = (db: Database, userId: string, now: number, most: number) =>
  [
    db.run(sql`insert into former_passwords (user_id, hash, replaced_at)
      select id, password_hash, ${now} from users where id = ${userId} and password_hash is not null and ${most} > 0`),
    db.run(sql`delete from former_passwords where user_id = ${userId} and rowid not in
      (select rowid from former_passwords where user_id = ${userId} order by replaced_at desc, rowid desc limit ${most})`),
  ] as const
