import { lapsesNow, noteLapse } from '../../../db/queries/line/orphans.ts'
import { changeSetting, readSettings, writeSettings } from '../../../db/queries/line/settings.ts'
import type { Context } from '../../context.ts'

/**
 * The epoch of a mark is the minute in which its object was asked for. The cron writes the current minute into the
 * database; a gap between two of them is a time of which this database knows nothing: nobody ran, or what ran wrote into
 * a database that was since replaced by an older copy. Nothing that was made in a gap is ever taken for garbage.
 */
export const epochOf = (now: number): number => Math.floor(now / 60_000)

/** A cron that is this many minutes late is a gap. */
export const LATE = 5
/** The setting in which the last minute is; `db/queries/money/spending.ts` reads it too. */
const HEARTBEAT = 'heartbeat'

/** Records that the database is alive, and the gap since it last was. */
export const beat = async (context: Context): Promise<void> => {
  const now = epochOf(context.now())
  const last = Number((await readSettings(context.db)).get(HEARTBEAT) ?? Number.NaN)
  if (Number.isNaN(last)) return writeSettings(context.db, { [HEARTBEAT]: String(now) })
  if (now - last > LATE) {
    await noteLapse(context.db, last, now)
    context.log('warn', 'this database was not kept for a while: what was made meanwhile is reported, not removed', {
      minutes: now - last,
    })
  }
  if (now !== last) await changeSetting(context.db, HEARTBEAT, String(now))
}

export const fallsInLapse = async (context: Context): Promise<(epoch: number) => boolean> => {
  const lapses = await lapsesNow(context.db)
  return (epoch) => lapses.some(({ since, until }) => since <= epoch && epoch <= until)
}
