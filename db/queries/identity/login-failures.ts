import { and, eq, inArray, ne, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { loginFailures } from '../../schema/index.ts'
import { worded } from '../../worded.ts'
import { administrates } from './naming.ts'

/** So many attempts within a minute lock for a minute: of one user from one source, and of one user from everywhere. */
const FROM_ONE_SOURCE = 5
const FROM_EVERYWHERE = 25
const MINUTE = 60_000
/** Stands for every source together. */
const EVERYWHERE = '*'

/** A time at which no lock of today can end was written by a clock that has since gone back. */
const LOCKS = `locked_until > :now and locked_until <= :now + ${MINUTE}`
const RECENT = `since between :now - ${MINUTE} and :now`
/** Who is not known counts as one, without a name. */
const counted = (who: string) => `coalesce(${who}, '')`

/** As SQL, whether attempts of `who` from this source count for nothing, however they end. */
export const lockedOut = (who: string) => `exists (select 1 from login_failures
  where user_id = ${counted(who)} and source in (:source, '${EVERYWHERE}') and ${LOCKS})`

/** As SQL, whether too many attempts keep a user out, who is not told to be spared (`ignore_lockout_failure_attempts`). */
export const keptOut = (user: string, who = user) => `(${lockedOut(who)} and not exists (select 1 from users x
  where x.id = ${user} and x.options ->> 'ignore_lockout_failure_attempts' = 1))`

const count = (who: string, source: string, limit: string, unless: string) =>
  worded(`insert into login_failures (user_id, source, failures, since, locked_until)
    select ${counted(who)}, ${source}, 1, :now, 0 where not ${unless} and not exists
      (select 1 from login_failures where user_id = ${counted(who)} and source = :source and ${LOCKS})
    on conflict (user_id, source) do update set
      failures = case when not (${RECENT}) then 1 when failures + 1 >= ${limit} then 0 else failures + 1 end,
      since = case when ${RECENT} then since else :now end,
      locked_until = case when ${RECENT} and failures + 1 >= ${limit} then :now + ${MINUTE} else 0 end
    where not (${LOCKS})`)

/**
 * Statements: count an attempt from `source` as one that fails, before anything is known of it: of those made at once no
 * more get through than of those made one after the other. What is locked counts for nothing.
 * @param who as SQL, the id of who is tried: a user, or what logs in for one
 * @param unless as SQL, what is no attempt
 * @param user as SQL, the id of the user, where attempts are counted under another
 */
export const counting = (who: string, unless = '0', user = who) => [
  // An administrator must get in from somewhere: no number of attempts from elsewhere locks one.
  count(
    who,
    `'${EVERYWHERE}'`,
    `case when ${administrates(user)} then ${Number.MAX_SAFE_INTEGER} else ${FROM_EVERYWHERE} end`,
    unless,
  ),
  count(who, ':source', `${FROM_ONE_SOURCE}`, unless),
]

/** Statement: forgives what `source` did wrong with `who` before, where the SQL holds. What others did is not forgiven. */
export const forgivingIf = (who: string, condition: string) =>
  worded(`delete from login_failures where user_id = ${who} and source = :source and ${condition}`)

/** The attempt that was counted did not fail: nor does what this source did wrong before count, as above. */
export const forgiveAttempt = (db: Database, { userId, source }: { userId: string; source: string }) =>
  db.batch([
    db.delete(loginFailures).where(and(eq(loginFailures.userId, userId), eq(loginFailures.source, source))),
    db
      .update(loginFailures)
      .set({ failures: sql`max(0, ${loginFailures.failures} - 1)` })
      .where(and(eq(loginFailures.userId, userId), eq(loginFailures.source, EVERYWHERE))),
  ])

/** As SQL, under what attempts with one-time passwords are counted: apart, as a password that is right forgives none of them. */
export const oneTimeKey = (user: string) => `'totp/' || ${user}`
/** The same, of a user of this id. */
export const countedAs = (userId: string): string => `totp/${userId}`

/** Lifts every lock of a user. */
export const forgiveAll = (db: Database, userId: string) =>
  db
    .delete(loginFailures)
    .where(and(inArray(loginFailures.userId, [userId, countedAs(userId)]), ne(loginFailures.userId, '')))

/** Counts that mean nothing any more. */
export const sweepLoginFailures = (db: Database, now: number) =>
  db.run(sql`delete from login_failures where since not between ${now - MINUTE} and ${now}
    and not (locked_until > ${now} and locked_until <= ${now + MINUTE})`)
