import type { Kind } from '../../../adapters/contract.ts'
import { KINDS_BY_RANK } from '../../../db/kinds.ts'
import { dueOf, type Ref } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'

/** What a statement gives the engine to do, once its batch is written. */
export interface Due {
  kind: Kind
  ids: string[]
  want: 'present' | 'absent'
}

const marked = new WeakMap<object, Due>()

/** Notes on a statement that bindings of these resources are due by it; `commit` attends to them. */
export const makesDue = <W extends object>(write: W, due: Due): W => {
  marked.set(write, due)
  return write
}

/** What is made of others comes first: it asks for what it needs by itself, and lets go before its parts may go. */
const turnOf = ({ kind, want }: Due): number => -2 * KINDS_BY_RANK.indexOf(kind) + (want === 'absent' ? 1 : 0)

/** Hands what a written batch made due to the engine. */
export const drive = (context: Context, writes: object[]): void =>
  driveDue(
    context,
    writes.flatMap((write) => marked.get(write) ?? []),
  )

/**
 * Hands what is due of these resources to the engine, after the answer. Nothing is waited for, and nothing depends on it:
 * the cron finds the same work.
 */
export const driveDue = (context: Context, dues: Due[]): void => {
  const turns = Map.groupBy(
    dues.filter(({ ids }) => ids.length > 0),
    turnOf,
  )
  if (turns.size === 0) return
  context.defer(async () => {
    for (const [, turn] of [...turns].sort(([a], [b]) => a - b)) {
      const ids = [...new Set(turn.flatMap((due) => due.ids))]
      const refs = await dueOf(context.db, turn[0]!.kind, ids, context.now())
      await Promise.all(refs.map((ref) => context.converge(context, ref)))
      driveSoon(context, refs)
    }
  })
}

/** Hands bindings that are known to be due to the engine, after the answer. */
export const driveSoon = (context: Context, refs: Ref[]): void => {
  for (const ref of refs) context.defer(() => context.attend(context, ref))
}
