import type { Json, NativeId } from '../../contract.ts'
import type { Keep } from '../wire/host.ts'

/** A record with the version that a change of it has to name. */
export interface Kept<T> {
  record: T
  version: number
}

const PAGE = 500

/**
 * Records of one kind, by their ids, of what no host has a place for: libvirt knows no port that is in no machine, and nothing
 * that is on several hosts.
 */
export const table = <T extends { id: NativeId }>(kind: string) => {
  const keyOf = ({ cloudId }: Keep, id: string): string => `libvirt/${kind}/${cloudId}/${id}`
  return {
    async get(keep: Keep, id: NativeId): Promise<Kept<T> | null> {
      const row = await keep.store.get(keyOf(keep, id))
      return row && { record: row.value as unknown as T, version: row.version }
    },
    /** False: it is not at that version any more (0: it is there already). */
    put: (keep: Keep, record: T, version: number): Promise<boolean> =>
      keep.store.put(keyOf(keep, record.id), record as unknown as Json, version),
    drop: (keep: Keep, id: NativeId): Promise<boolean> => keep.store.delete(keyOf(keep, id)),
    /** Changes a record whatever others do to it meanwhile; null: there is none. */
    async change(keep: Keep, id: NativeId, change: (record: T) => T): Promise<T | null> {
      for (;;) {
        const kept = await this.get(keep, id)
        if (!kept) return null
        const changed = change(kept.record)
        if (await this.put(keep, changed, kept.version)) return changed
      }
    },
    /** All whose ids begin so. */
    async all(keep: Keep, prefix = ''): Promise<T[]> {
      const found: T[] = []
      let after: string | undefined
      do {
        const rows = await keep.store.list(keyOf(keep, prefix), PAGE, after)
        found.push(...rows.map(({ value }) => value as unknown as T))
        after = rows.length === PAGE ? rows.at(-1)?.key : undefined
      } while (after !== undefined)
      return found
    },
  }
}
