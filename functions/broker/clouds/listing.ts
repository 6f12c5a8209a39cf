import type { Kind, Mark, NativeId, PortSeen, Realm, Seen, ServerSeen } from '../../../adapters/contract.ts'
import { accountedFor } from '../../../db/queries/line/orphans.ts'
import { partsOfListing } from '../../../db/queries/line/sweeps.ts'
import type { Context } from '../../context.ts'
import { digest } from '../line/digest.ts'

/** What a sweep keeps of one object: enough to compare it and to tell whose it is. Plain JSON. */
export interface Sighting {
  id: NativeId
  digest: string
  mark?: Mark
  name?: string
  zone?: string
  /** The cloud's size, of servers. */
  size?: string
  /** Where a port's addresses are. */
  placed?: PortSeen['placed']
  /** A binding accounted for it when it was put away, so that its mark was not kept. */
  ours?: true
}

/**
 * A listing on its way, and what this turn of it has shown. Between two turns its place is kept in the unit's row and its
 * sightings in rows of their own, so many a row, that are written once; without a cursor it is at its end. Only then is
 * anything concluded, from all turns together. What came and went on the cloud in between does no harm: an object that is
 * younger than the listing is not judged by it, one that was shown and went is missed by the next, and what is marked as
 * missing or changed is looked at again.
 */
export interface Listing {
  id: string
  startedAt: number
  /** When its last page came. */
  reachedAt: number
  cursor?: string | undefined
  calls: number
  complete: boolean
  /** Rows that earlier turns have filled, and the objects in them. */
  parts: number
  kept: number
  sightings: Sighting[]
}
export type Place = Omit<Listing, 'sightings'>

/** A cursor older than this is not trusted: the listing begins again. */
const STALE = 10 * 60_000
/** Far less than what a row can hold (D1: 2 MB), whatever is in a mark. */
const A_PART = 2_000

const sighting = (seen: Seen): Sighting => {
  const { placed } = seen as Partial<PortSeen>
  const { mark, name, zone, size } = seen as Partial<ServerSeen>
  return {
    id: seen.id,
    digest: digest(seen),
    ...(mark ? { mark, name, zone, size } : {}),
    ...(placed?.length ? { placed } : {}),
  }
}

/** A tombstone says no more than an absence, but that its cloud took the object back: whose that was, a binding knows, or nobody cares. */
const sightingsOf = (item: Seen): Sighting[] => {
  if (item.health !== 'gone') return [sighting(item)]
  return (item as Partial<ServerSeen>).reclaimed ? [{ id: item.id, digest: digest(item) }] : []
}

/** Lists until the end or until the time is up, but one page at least; goes on where an earlier turn stopped. */
export const listOn = async (
  realm: Realm<unknown>,
  context: Pick<Context, 'now' | 'newId'>,
  until: number,
  earlier: Place | null,
  since?: number,
): Promise<Listing> => {
  const listing: Listing =
    earlier && context.now() - earlier.reachedAt < STALE
      ? { ...earlier, sightings: [] }
      : {
          id: context.newId(),
          startedAt: context.now(),
          reachedAt: 0,
          calls: 0,
          complete: true,
          parts: 0,
          kept: 0,
          sightings: [],
        }
  do {
    listing.calls++
    const page = await realm.list(listing.cursor, since)
    for (const item of page.items) listing.sightings.push(...sightingsOf(item))
    listing.complete &&= page.complete
    listing.startedAt = Math.min(listing.startedAt, page.seenAt ?? listing.startedAt)
    listing.cursor = page.next
    listing.reachedAt = context.now()
  } while (listing.cursor && context.now() < until)
  return listing
}

/** An unfinished listing as it waits for its next turn: its place, and the rows that this turn adds. */
export const putAway = async (
  { db }: Context,
  { cloudId, kind }: { cloudId: string; kind: Kind },
  { sightings, ...place }: Listing,
): Promise<{ place: Place; parts: { listing: string; from: number; shown: Sighting[][] } }> => {
  const marked = sightings.flatMap(({ id, mark }) => (mark?.kind === kind ? [{ nativeId: id, token: mark.token }] : []))
  const accounted = await accountedFor(db, cloudId, kind, marked)
  const shown: Sighting[][] = []
  for (let from = 0; from < sightings.length; from += A_PART)
    shown.push(sightings.slice(from, from + A_PART).map((each) => (accounted.has(each.id) ? bare(each) : each)))
  const { id, parts, kept } = place
  return {
    place: { ...place, parts: parts + shown.length, kept: kept + sightings.length },
    parts: { listing: id, from: parts, shown },
  }
}

const bare = ({ id, digest }: Sighting): Sighting => ({ id, digest, ours: true })

/** Everything that a listing has shown, in this turn and in earlier ones. */
export const allShown = async ({ db }: Context, { id, parts, sightings }: Listing): Promise<Sighting[]> =>
  parts ? [...((await partsOfListing(db, id)) as unknown as Sighting[][]).flat(), ...sightings] : sightings
