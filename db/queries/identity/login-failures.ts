import { and, eq, ne, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { loginFailures } from '../../schema/index.ts'

/** So many attempts within a minute lock for a minute: of one user from one source, and of one user from everywhere. */
const FROM_ONE_SOURCE = 5
const FROM_EVERYWHERE = 25
const MINUTE = 60_000
/** Stands for every source together. */
const EVERYWHERE = '*'

export interface Attempt {
  /** Empty for whoever is not known. */
  userId: string
  source: string
  /** Whether attempts from elsewhere can lock this user: an administrator must get in from somewhere. */
  everywhere: boolean
  now: number
}

/** A time at which no lock of today can end was written by a clock that has since gone back. */
const locked = (now: number) => sql`locked_until > ${now} and locked_until <= ${now + MINUTE}`

const count = ({ userId, source, now }: Attempt, as: string, limit: number) => sql`
  insert into login_failures (user_id, source, failures, since, locked_until)
  select ${userId}, ${as}, 1, ${now}, 0 where not exists
    (select 1 from login_failures where user_id = ${userId} and source = ${source} and ${locked(now)})
  on conflict (user_id, source) do update set
    failures = case when since not between ${now - MINUTE} and ${now} then 1 when failures + 1 >= ${limit} then 0 else failures + 1 end,
    since = case when since not between ${now - MINUTE} and ${now} then ${now} else since end,
    locked_until = case when since between ${now - MINUTE} and ${now} and failures + 1 >= ${limit} then ${now + MINUTE} else 0 end
  where not (${locked(now)}) returning failures`

/**
 * Counts an attempt to log in as one that fails, before anything is known of it: of those made at once no more get
 * through than of those made one after the other. False: locked, and the attempt counts for nothing.
 */
export const countAttempt = async (db: Database, attempt: Attempt): Promise<boolean> => {
  const [everywhere, here] = await db.batch([
    db.all(count(attempt, EVERYWHERE, attempt.everywhere ? FROM_EVERYWHERE : Number.MAX_SAFE_INTEGER)),
    db.all(count(attempt, attempt.source, FROM_ONE_SOURCE)),
  ])
  return everywhere.length > 0 && here.length > 0
}

/** The attempt did not fail: what this source did wrong before is forgiven, what others did is not. */
export const forgiveAttempt = (db: Database, { userId, source }: Pick<Attempt, 'userId' | 'source'>) =>
  db.batch([
    db.delete(loginFailures).where(and(eq(loginFailures.userId, userId), eq(loginFailures.source, source))),
    db
      .update(loginFailures)
      .set({ failures: sql`max(0, ${loginFailures.failures} - 1)` })
      .where(and(eq(loginFailures.userId, userId), eq(loginFailures.source, EVERYWHERE))),
  ])

/** Lifts every lock of a user. */
export const forgiveAll = (db: Database, userId: string) =>
  db.delete(loginFailures).where(and(eq(loginFailures.userId, userId), ne(loginFailures.userId, '')))

/** Counts that mean nothing any more. */
export const sweepLoginFailures = (db: Database, now: number) =>
  db.run(sql`delete from login_failures where since not between ${now - MINUTE} and ${now} and not (${locked(now)})`)
