import type { Database } from '../../client.ts'
import { worded } from '../../worded.ts'
import type { KeptRow } from './credentials.ts'
import { counting, keptOut, oneTimeKey } from './login-failures.ts'
import { asked, type Entry, entryOf, type Person, personOf, theEntry, type Wanted, who } from './logins.ts'
import { type Naming, USER } from './naming.ts'

const KEY = oneTimeKey(USER)

const tried = {
  user: worded(who(USER, `, ${keptOut(USER, KEY)} as locked, 0 as known`)),
  seeds: worded(`select id, user_id as userId, project_id as projectId, type, blob, created_at as createdAt
    from credentials where user_id = ${USER} and type = 'totp' limit 100`),
  entry: theEntry,
  writes: counting(KEY, '0', USER),
}

/**
 * A look at a user who would log in with a one-time password, at the seeds, and at what is asked for; in the same batch the
 * attempt is counted as one that fails, as `tryLogin` does it. One round trip.
 */
export const tryOneTime = async (
  db: Database,
  { user, wanted, source, now }: { user: Naming; wanted: Wanted; source: string; now: number },
): Promise<{ user: Person | null; entry: Entry | null; locked: boolean; seeds: KeptRow[] }> => {
  const values = { ...asked(user, wanted), source, now }
  const writes = tried.writes.map((statement) => statement(values))
  const [[row], seeds, entries] = (await db.batch([
    tried.user(values),
    tried.seeds(values),
    tried.entry(values),
    ...writes,
  ])) as unknown as [[Parameters<typeof personOf>[0] & { locked: number }], KeptRow[], Parameters<typeof entryOf>[0]]
  return { user: personOf(row), entry: entryOf(entries), locked: row.locked === 1, seeds }
}
