import { type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { Json, Kind } from '../../../adapters/contract.ts'
import { KINDS_BY_RANK } from '../../../db/kinds.ts'
import { tokenGuard } from '../../../db/queries/identity/tokens.ts'
import { refuseChange } from '../../../db/queries/line/adopt.ts'
import { dueOf, type Ref } from '../../../db/queries/line/bindings.ts'
import { insertEntry, wasJournalled } from '../../../db/queries/line/journal.ts'
import { insertRepeatable } from '../../../db/queries/line/repeatables.ts'
import { traceDue } from '../../../db/queries/line/traces.ts'
import { chargeQuota } from '../../../db/queries/quotas.ts'
import type { Context } from '../../context.ts'
import { handedOver } from './handed-over.ts'
import { defaultMaximum } from './quota.ts'
import { Refused } from './refused.ts'

/** One statement of a batch: a drizzle query, or `db.run(sql…)`. */
export type Write = BatchItem<'sqlite'>

/** A repeated request speaks of something else than the first, whose answer nobody remembers. */
export class ToldOtherwise extends Error {
  constructor() {
    super('the repetition of a request is not worded as the first was')
    this.name = 'ToldOtherwise'
  }
}

/** What a mutation leaves in the journal. */
export interface Entry {
  action: string
  kind: string
  resourceId: string
  detail?: Record<string, Json>
  /** It is about whose it is: allowed where changes of the resource itself are not. */
  handover?: boolean
  /** The caller converges what is due itself, because the answer needs it. */
  attended?: boolean
}

/**
 * Writes everything or nothing, in one round trip: the guard of the caller's token, the statements, one journal row.
 * D1 has no interactive transaction and an UPDATE of no rows does not stop a batch, so every condition is a row whose
 * insertion fails (`guards` in the schema's triggers). What the statements made due is attended to after the answer.
 * Throws `Refused`, and `ToldOtherwise` for a repetition.
 */
export const commit = async (context: Context, entry: Entry, writes: Write[]): Promise<void> => {
  await write(context, entry, writes)
  const { conditions, ...unconditional } = context
  if (!entry.attended) drive(unconditional, writes)
}

const write = async (context: Context, entry: Entry, writes: Write[]): Promise<void> => {
  const { db, caller, once } = context
  // The request was served before and only its answer was lost: whatever it wrote is written.
  if (once?.replay) return recognise(context, entry)
  const batch: Write[] = [
    ...(caller ? [tokenGuard(caller)] : []),
    ...(context.conditions ?? []),
    ...(caller && !entry.handover ? [refuseChange([entry.resourceId])] : []),
    ...(once && !once.written ? [insertRepeatable({ ...once, createdAt: context.now() })] : []),
    ...writes,
    ...traced(context, writes),
    journalled(context, entry),
  ]
  try {
    await db.batch(batch as [Write, ...Write[]])
    if (once) once.written = true
  } catch (error) {
    const refused = refusalOf(error, writes)
    const handed = refused?.refusal.kind === 'guard' && handedOver(refused.refusal.what)
    if (handed) throw handed
    const twin = refused?.refusal.kind === 'taken' && refused.refusal.columns.includes('repeatables.key')
    if (!once || !twin) throw refused ?? error
    once.replay = true
    await recognise(context, entry)
  }
}

/** Statement: an entry of the journal, for who writes other statements with it. */
export const journalled = (context: Context, { action, kind, resourceId, detail = {} }: Entry): Write =>
  insertEntry({
    at: context.now(),
    requestId: context.requestId,
    globalRequestId: context.globalRequestId ?? null,
    userId: context.caller?.userId ?? null,
    projectId: context.caller?.projectId ?? null,
    action,
    kind,
    resourceId,
    detail,
  })

/** Leaves something in the journal that changed nothing. */
export const noteEvent = async (context: Context, entry: Entry): Promise<void> => {
  await context.db.batch([journalled(context, entry)])
}

/** The answer will speak of this entry: it has to be one that was written. */
const recognise = async ({ db, caller }: Context, { action, resourceId, detail = {} }: Entry): Promise<void> => {
  const userId = caller?.userId ?? null
  if (!(await wasJournalled(db, { userId, action, resourceId, detail }))) throw new ToldOtherwise()
}

/**
 * For changes that are no part of what a request asks for, or are repeated without harm as often as there are some left:
 * they neither take its key, nor count on its ids, nor are left out of its repetition.
 */
export const withoutKey = ({ once, ...context }: Context): Context =>
  once ? { ...context, newId: once.otherId } : context

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

/** Statements: what these make due is due by the trace that is under way, if one is recorded. They come behind them, in their batch. */
export const traced = ({ instruments }: Pick<Context, 'instruments'>, writes: object[]): Write[] => {
  const trace = instruments?.trace?.()
  if (!trace) return []
  const kinds = Map.groupBy(
    writes.flatMap((write) => marked.get(write) ?? []),
    ({ kind }) => kind,
  )
  return [...kinds].map(([kind, dues]) => traceDue(kind, [...new Set(dues.flatMap(({ ids }) => ids))], trace))
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
      for (const ref of refs) context.defer(() => attendAndTell(context, ref))
    }
    await context.deliver(context)
  })
}

/** Hands bindings that are known to be due to the engine, after the answer. */
export const driveSoon = (context: Context, refs: Ref[]): void => {
  for (const ref of refs)
    context.defer(async () => {
      await context.converge(context, ref)
      await attendAndTell(context, ref)
    })
}

const attendAndTell = async (context: Context, ref: Ref): Promise<void> => {
  await context.attend(context, ref)
  await context.deliver(context)
}

/** A statement that undoes its batch when `violated` is true. */
export const guard = (context: Pick<Context, 'db'>, what: string, violated: SQL): Write =>
  context.db.run(sql`insert into guards (broken) select ${what} where ${violated}`)

/** Moves a counter; the trigger on `quotas` refuses to pass the limit. What is given back never hinders a removal. */
export const charge = (projectId: string, resource: string, amount: number): Write => {
  const write = chargeQuota(projectId, resource, amount, defaultMaximum[resource] ?? -1)
  charges.set(write, { projectId, resource, amount })
  return write
}

/** What names of guards begin with that stand for a limit without a counter. */
const LIMIT = 'limit.'

/** Refuses its batch, as a counter would, when so much more passes a limit that is counted from rows. */
export const limited = (
  context: Pick<Context, 'db'>,
  charged: { projectId: string; resource: string; amount: number },
  violated: SQL,
): Write => {
  const write = guard(context, LIMIT + charged.resource, violated)
  charges.set(write, charged)
  return write
}

/** What each statement of `charge` and `limited` moves, for the refusal that speaks of it. */
const charges = new WeakMap<Write, { projectId: string; resource: string; amount: number }>()

const overLimit = (writes: Write[], resource: string): Refused => {
  const moved = writes.flatMap((write) => charges.get(write) ?? []).filter((charged) => charged.resource === resource)
  const asked = moved.reduce((sum, { amount }) => sum + amount, 0)
  return new Refused({ kind: 'quota', resource, projectId: moved[0]?.projectId ?? '', asked })
}

/** Reads what a batch of these writes was refused for out of SQLite's message; null for any other error. */
export const refusalOf = (error: unknown, writes: Write[]): Refused | null => {
  const text = messages(error)
  const raised = /refused:(\w+):([\w./-]*)/.exec(text)
  if (raised?.[1] === 'quota') return overLimit(writes, raised[2]!)
  if (raised?.[1] === 'guard' && raised[2]!.startsWith(LIMIT)) return overLimit(writes, raised[2]!.slice(LIMIT.length))
  if (raised?.[1] === 'guard')
    return new Refused(raised[2] === 'token' ? { kind: 'token' } : { kind: 'guard', what: raised[2]! })
  const unique = /UNIQUE constraint failed: ([\w., ]+)/.exec(text)
  if (unique) return new Refused({ kind: 'taken', columns: unique[1]!.split(',').map((c) => c.trim()) })
  return null
}

const messages = (error: unknown): string =>
  error instanceof Error ? `${error.message}\n${error.cause ? messages(error.cause) : ''}` : String(error)
