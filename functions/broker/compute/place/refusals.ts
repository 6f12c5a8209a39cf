import { BEYOND_ACCOUNT, CloudError, type Shortage } from '../../../../adapters/errors.ts'
import { refusedAmong, rememberRefused } from '../../../../db/queries/clouds/refused-offers.ts'
import { insertCloudsWord } from '../../../../db/queries/compute/server-actions.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { type Place, type Places, placesOf } from '../server-facts.ts'

/* What a cloud refused is remembered for a while, so that nobody has to be refused again to learn it. */

const MINUTE = 60_000

/** How long a refused offer is left alone, in milliseconds. What a zone does not sell is known at the next inventory, or in a day. */
const HELD: Record<Shortage, number> = {
  'no-capacity': 3 * MINUTE,
  'account-limit': 15 * MINUTE,
  unsupported: 24 * 60 * MINUTE,
}

/** What `server event list` calls a place that would not have the server. */
const REFUSED = 'place_refused'

/**
 * What is written when the place of a server refuses it: an entry in its history, and, where it was the size that was refused, that
 * nobody has to ask for it for a while. Credentials, malformed requests and what is the request's own leave nothing behind.
 */
export const placeRefused = (context: Context, server: ServerRow, { code, message, detail }: CloudError): Write[] => {
  const { at } = placesOf(server)
  if (!at || code !== 'capacity') return []
  const words = message.slice(0, 300)
  const named = detail.cloudCode ? ` (${detail.cloudCode})` : ''
  const said = `.${at.zone} refused ${sizeBought(at)}: ${words}${named}`
  return [
    tellOf(context, server, { action: REFUSED, state: 'failed', cloudId: at.cloudId, said }),
    ...(detail.shortage ? [offerRefused(context, server.projectId, at, { shortage: detail.shortage, words })] : []),
  ]
}

/** A size as it is bought, for people. */
export const sizeBought = ({ native, option }: Pick<Place, 'native' | 'option'>): string =>
  option === 'spot' ? `${native} (spot)` : native

/** An entry in the history of a server of what a cloud did by itself: `said` goes on behind the name of the cloud. */
export const tellOf = (
  { db, newId, now }: Context,
  { id, projectId }: ServerRow,
  event: { action: string; state: 'done' | 'failed'; cloudId: string; said: string },
): Write =>
  insertCloudsWord(db, {
    ...{ serverId: id, projectId, userId: '', requestId: `req-${newId()}`, now: now() },
    ...event,
  })

/** From now on nobody asks for an offer, for the time of what it lacks. */
export const offerRefused = (
  { db, now }: Context,
  projectId: string,
  { cloudId, zone, native: size, option }: Pick<Place, 'cloudId' | 'zone' | 'native' | 'option'>,
  { shortage, words }: { shortage: Shortage; words: string },
): Write =>
  rememberRefused(db, {
    ...{ cloudId, zone, size, option, projectId },
    ...{ shortage, words: words.slice(0, 300), at: now(), until: now() + HELD[shortage] },
  })

/** What is kept of it with the places that are left. */
export const limitedBy = ({ detail }: CloudError): Pick<Places, 'limited'> =>
  detail.shortage === 'account-limit' ? { limited: true } : {}

/**
 * What a user reads where no place is left. If the account of any cloud was at its limit it says so, whatever the last one said:
 * who waits for a quota gets the server once there is room in it.
 */
export const noValidHost = (server: ServerRow, { message }: CloudError): string => {
  const { limited, tried = [] } = placesOf(server)
  const quota = limited && !message.includes('quota exceeded') ? ` ${BEYOND_ACCOUNT}` : ''
  const asked = tried.length ? ' Each place that refused it is an event of the server.' : ''
  return `No valid host was found. ${message}${quota}${asked}`
}

/** What is remembered of an offer, as its cloud said it; null: nothing is, and it may be asked for. */
export const refusedTo = async (
  { db, now }: Context,
  projectId: string,
  { cloudId, zone, native, option }: Pick<Place, 'cloudId' | 'zone' | 'native' | 'option'>,
): Promise<CloudError | null> => {
  const rows = await refusedAmong(db, [cloudId], projectId, now())
  const row = rows.find((each) => each.zone === zone && each.size === native && each.option === option)
  return row ? new CloudError('capacity', row.words, { shortage: row.shortage }) : null
}

/** Whether an offer was refused lately, by what is remembered of some clouds. */
export const refusedLately = async (
  { db, now }: Context,
  cloudIds: string[],
  projectId: string,
): Promise<(place: Pick<Place, 'cloudId' | 'zone' | 'native' | 'option'>) => boolean> => {
  const rows = await refusedAmong(db, cloudIds, projectId, now())
  const keys = new Set(rows.map(({ cloudId, zone, size, option }) => JSON.stringify([cloudId, zone, size, option])))
  return ({ cloudId, zone, native, option }) => keys.has(JSON.stringify([cloudId, zone, native, option]))
}
