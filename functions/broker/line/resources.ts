import type { SQL } from 'drizzle-orm'
import type { Kind } from '../../../adapters/contract.ts'
import { insertBinding, notOn, touchBindings, wantAbsent } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { makesDue, type Write } from './commit.ts'
import { epochOf } from './epoch.ts'

/** Where a resource is realised: on a cloud, there in a zone, and for what, where a kind is realised for each of several. */
interface Site {
  cloudId: string
  zone?: string | null
  scope?: string
}

/** Writes that bring a resource across the line: for the batch that admits its row. `commit` attends to it. */
export const bindTo = (
  context: Context,
  kind: Kind,
  resource: { id: string; projectId: string },
  { cloudId, zone = null, scope = '' }: Site,
): Write =>
  makesDue(
    insertBinding(context.db, {
      kind,
      resourceId: resource.id,
      cloudId,
      scope,
      projectId: resource.projectId,
      zone,
      token: context.newId(),
      epoch: epochOf(context.now()),
      now: context.now(),
    }),
    { kind, ids: [resource.id], want: 'present' },
  )

/** What the user wants of a resource has changed: wherever it is realised there is work to do. `commit` attends to it. */
export const changed = (context: Context, kind: Kind, id: string): Write =>
  makesDue(touchBindings(context.db, kind, id, context.now()), { kind, ids: [id], want: 'present' })

/**
 * Nobody can name it any more. It goes from wherever nothing waits for it that was admitted with it (`awaited`, as SQL), and
 * from the rest when that has been made.
 */
export const withdrawn = (context: Context, kind: Kind, id: string, awaited: SQL): Write[] => [
  makesDue(wantAbsent(context.db, kind, id, context.now(), awaited), { kind, ids: [id], want: 'absent' }),
  changed(context, kind, id),
]

/**
 * It shall be nowhere any more, unless a condition (as SQL) keeps it; the rows above the line may go at once or when the last
 * cloud has let go.
 */
export const unwanted = (context: Context, kind: Kind, ids: string | string[], kept?: SQL): Write =>
  makesDue(wantAbsent(context.db, kind, ids, context.now(), kept), { kind, ids: [ids].flat(), want: 'absent' })

/** The same on one cloud: it stays, or comes, elsewhere. */
export const unwantedOn = (context: Context, kind: Kind, ids: string[], cloudId: string): Write =>
  makesDue(wantAbsent(context.db, kind, ids, context.now(), notOn(cloudId)), { kind, ids, want: 'absent' })
