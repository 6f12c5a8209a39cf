import type { Cloud, Kind, NativeId } from '../../../adapters/contract.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'
import { ADOPTED_IN_TURN, type AdoptableKind, adoptablePage } from './listing.ts'

/** A place in the listing of everything: in a page of a kind, behind an object. */
export interface Position {
  kind: AdoptableKind
  cursor?: string | undefined
  after?: NativeId | undefined
}
/** How an object is taken, and when a call has done its piece. */
interface Pace {
  one(kind: Kind, nativeId: NativeId): Promise<void>
  isSpent(): boolean
  report: { complete: boolean; next: Position | null }
}

/** Page by page, kind by kind. A page that was begun is read again: of it only what comes behind the last object counts. */
export const takeAll = async (
  { context, row, cloud }: { context: Context; row: CloudRow; cloud: Cloud },
  from: Position | null,
  { one, isSpent, report }: Pace,
): Promise<void> => {
  for (let at: Position | null = from ?? { kind: ADOPTED_IN_TURN[0] }; at !== null; ) {
    const { kind, cursor, after }: Position = at
    const page = await adoptablePage(context, row, cloud, kind, cursor)
    report.complete &&= page.complete
    const behind = new Set(page.ids.slice(after === undefined ? 0 : page.ids.indexOf(after) + 1))
    for (const { native_id: id } of page.items.filter(({ native_id }) => behind.has(native_id))) {
      await one(kind, id)
      if (isSpent()) {
        report.next = { kind, cursor, after: id }
        return
      }
    }
    const following = ADOPTED_IN_TURN[ADOPTED_IN_TURN.indexOf(kind) + 1]
    at = page.next !== undefined ? { kind, cursor: page.next } : following ? { kind: following } : null
    if (isSpent()) {
      report.next = at
      return
    }
  }
}
