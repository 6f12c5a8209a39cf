import type { Mark, NativeId, Realm, Seen, ServerSeen } from '../../adapters/contract.ts'
import { digest } from './digest.ts'

/** What a sweep keeps of one object: enough to compare it and to tell whose it is. Plain JSON. */
export interface Sighting {
  id: NativeId
  health: Seen['health']
  digest: string
  mark?: Mark
  name?: string
  zone?: string
  /** The cloud's size, of servers. */
  size?: string
}

/** A listing on its way. Between two turns it is kept in the unit's row; without a cursor it is at its end. */
export interface Listing {
  startedAt: number
  cursor?: string
  calls: number
  complete: boolean
  sightings: Sighting[]
}

/** A cursor older than this is not trusted: the listing begins again. */
const STALE = 10 * 60_000
/** What a row can hold (D1: 2 MB). A longer listing that does not fit into one turn begins again at the next. */
const MOST_KEPT = 4_000

const sighting = (seen: Seen): Sighting => ({
  id: seen.id,
  health: seen.health,
  digest: digest(seen),
  ...(seen.mark ? { mark: seen.mark, name: seen.name, zone: seen.zone, size: (seen as Partial<ServerSeen>).size } : {}),
})

/** Lists until the end or until the time is up, but one page at least; goes on where an earlier turn stopped. */
export const listOn = async (
  realm: Realm<unknown>,
  now: () => number,
  until: number,
  earlier: Listing | null,
): Promise<Listing> => {
  const listing =
    earlier && now() - earlier.startedAt < STALE
      ? earlier
      : { startedAt: now(), calls: 0, complete: true, sightings: [] as Sighting[], cursor: undefined }
  let { cursor } = listing
  do {
    listing.calls++
    const page = await realm.list(cursor)
    for (const item of page.items) listing.sightings.push(sighting(item))
    listing.complete &&= page.complete
    cursor = page.next
  } while (cursor && now() < until)
  return { ...listing, cursor }
}

/** The part of an unfinished listing that can wait in its row; null: too long, it begins again. */
export const keepable = (listing: Listing): Listing | null => (listing.sightings.length <= MOST_KEPT ? listing : null)
