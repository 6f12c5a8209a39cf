import type { Json, ServerGrouping } from '../../contract.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import type { Domain } from '../records/domain.ts'

/*
 * Room is taken in one write, before what it is for is there to be seen: of two who meet at the last of it one has it, and the
 * other one sees that. What is defined by then speaks for itself.
 */

/** Room on a host of a zone. */
interface Seat {
  host: string
  vcpus: number
  ramMiB: number
  /** The group of a server that is to be made. */
  group: ServerGrouping['id'] | null
  /** It is wanted beside what the server has already. */
  beside: boolean
  at: number
}
/** By the UUIDs of the servers for which they are. */
export type Seats = Record<string, Seat>

/** Longer than any call takes: whoever has not come by then has died. */
const KEPT_MS = 600_000

const keyOf = ({ connection }: Context, zone: string): string => `libvirt/seats/${connection.cloudId}/${zone}`

/** What was taken on a host and shows in none of its domains. */
export const unseen = (seats: Seats, { name }: Pick<HostOption, 'name'>, domains: Domain[]): [string, Seat][] =>
  Object.entries(seats).filter(
    ([uuid, { host, beside }]) => host === name && (beside || !domains.some(({ ref }) => ref.uuid === uuid)),
  )

/**
 * Takes room in a zone: `choose` is told what others have taken, asked anew wherever somebody was faster, and throws where there
 * is none. @returns the name of the host
 */
export const takeSeat = async (
  context: Context,
  zone: string,
  uuid: string,
  choose: (others: Seats) => Promise<Omit<Seat, 'at'>>,
): Promise<string> => {
  const { store, now } = context.surroundings
  for (;;) {
    const kept = await store.get(keyOf(context, zone))
    const all = Object.entries((kept?.value ?? {}) as unknown as Seats)
    const others = Object.fromEntries(all.filter(([key, { at }]) => key !== uuid && now() - at < KEPT_MS))
    const chosen = await choose(others)
    const seats = { ...others, [uuid]: { ...chosen, at: now() } } as unknown as Json
    if (await store.put(keyOf(context, zone), seats, kept?.version ?? 0)) return chosen.host
  }
}

/** Gives it back, or says that what it was for is there. */
export const leaveSeat = async (context: Context, zone: string, uuid: string): Promise<void> => {
  const { store } = context.surroundings
  for (;;) {
    const kept = await store.get(keyOf(context, zone))
    const { [uuid]: mine, ...others } = (kept?.value ?? {}) as unknown as Seats
    if (!kept || !mine || (await store.put(keyOf(context, zone), others as unknown as Json, kept.version))) return
  }
}
