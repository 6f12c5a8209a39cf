import type { NativeId, Page, Realm, Seen } from '../contract.ts'

/** Ids of things that a cloud has no object for, made of both ends. The first end's own id has no such separator. */
export const pairIds = (separator: string) => ({
  idOf: (server: NativeId, other: NativeId): NativeId => `${server}${separator}${other}`,
  endsOf: (id: NativeId): { server: NativeId; other: NativeId } => {
    const at = id.indexOf(separator)
    return at < 0 ? { server: id, other: '' } : { server: id.slice(0, at), other: id.slice(at + separator.length) }
  },
})

/** What is particular to volumes in servers, or to ports. `N` is the cloud's record of the end that tells of the pair. */
export interface PairWays<Spec, S extends Seen, N> {
  settleMs: number
  idOf(spec: Spec): NativeId
  /** The record that tells of the pair, or null if that end is not there. */
  raw(id: NativeId): Promise<N | null>
  /** All pairs that a record tells of. */
  seenIn(native: N): S[]
  /** A page of records. */
  page(cursor?: string, since?: number): Promise<Page<N>>
  /** Joins both ends, or answers with the pair that is there. @throws `conflict` while one end is in another pair */
  join(spec: Spec, id: NativeId): Promise<S>
  /** Takes apart what is there. */
  part(native: N, id: NativeId): Promise<void>
  read?: Realm<Spec, S>['read']
}

/**
 * A realm of pairs: attachments and interfaces. A pair carries no mark of its own, so both ends have to carry ours before
 * `join` or `part` change anything; its id names both ends, so there is never a second one between the same two.
 */
export const pairRealm = <Spec, S extends Seen, N>({
  settleMs,
  idOf,
  raw,
  seenIn,
  page,
  join,
  part,
  read,
}: PairWays<Spec, S, N>): Realm<Spec, S> => {
  const get = async (id: NativeId): Promise<S | null> => {
    const native = await raw(id)
    return (native && seenIn(native).find((seen) => seen.id === id)) ?? null
  }
  return {
    once: 'unique',
    settleMs,
    get,
    find: (_mark, spec) => get(idOf(spec)),
    async list(cursor, since) {
      const { items, ...rest } = await page(cursor, since)
      return { ...rest, items: items.flatMap(seenIn) }
    },
    create: (spec) => join(spec, idOf(spec)),
    async remove(id) {
      const native = await raw(id)
      const present = native && seenIn(native).some((seen) => seen.id === id && seen.health !== 'gone')
      if (present) await part(native, id)
    },
    ...(read && { read }),
  }
}
