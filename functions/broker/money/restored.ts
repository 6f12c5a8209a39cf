import { noteServersListed } from '../../../db/queries/money/listed.ts'
import type { Spending } from '../../../db/queries/money/spending.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { epochOf, LATE } from '../line/epoch.ts'

/*
 * A database that was not kept for a while may be an older copy: what was bought meanwhile is on clouds and in no row. So
 * nothing new is bought under a limit of money before each cloud of the project was listed completely since, and what was
 * found there is taken over, and counts.
 */

/**
 * Why a project with a limit of money buys nothing now, as sentences; null: it may.
 * @param now milliseconds since 1970
 */
export const whyUnlisted = (
  policy: Pick<Policy, 'max_hourly_cost' | 'budget'> | null,
  { keptAt, unlisted, strays }: Pick<Spending, 'keptAt' | 'unlisted' | 'strays'>,
  now: number,
  /** There are never to be more than so many of what is bought, whatever it costs. */
  counted = false,
): string | null => {
  if (!policy?.max_hourly_cost && !policy?.budget && !counted) return null
  const until = `Until then nothing is bought under a limit of ${counted ? 'how many there may be' : 'money'}.`
  if (keptAt !== null && epochOf(now) - keptAt > LATE)
    return `The database was not kept for ${epochOf(now) - keptAt} minutes, and what is on clouds is listed anew. ${until}`
  if (unlisted.length)
    return `The database was not kept for a while, and since then nobody has listed what the project has on ${unlisted.join(', ')}. ${until}`
  if (strays)
    return `While the database was not kept, the project got ${strays === 1 ? 'a server' : `${strays} servers`} that nobody counts: an administrator adopts or deletes what /broker/v1/orphans shows. ${until}`
  return null
}

/** A listing of the servers of some projects on a cloud, begun at `startedAt`, was complete, and what it showed is taken over. */
export const noteListed = async (
  { db }: Pick<Context, 'db'>,
  listed: { cloudId: string; projectIds: string[]; startedAt: number },
): Promise<void> => {
  await noteServersListed(db, listed)
}
