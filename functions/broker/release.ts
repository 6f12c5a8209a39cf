import type { Realm } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import type { Binding } from '../../db/queries/bindings.ts'
import { cloudById } from '../../db/queries/clouds.ts'
import {
  atWork,
  beginRelease,
  beingReleased,
  bindingsAmong,
  dropBindings,
  forgetRows,
  groundOf,
  leaningOn,
  noteReleases,
  partsOf,
  resourcesOf,
  stillMarked,
} from '../../db/queries/release.ts'
import type { Context } from '../context.ts'
import { adoptedId } from './adopt/plan.ts'
import { connectCloud } from './clouds.ts'
import { commit, guard, Refused } from './commit.ts'
import { isReadOnly } from './read-only.ts'

export type ReleaseWish = { cloudId?: string | undefined } & ({ resourceIds: string[] } | { projectId: string })

export interface ReleaseReport {
  released: Binding[]
  /** Their marks are not off yet; the cron goes on, and so does the same call. */
  waiting: { binding: Binding; reason: string }[]
  refused: { id: string; reason: string }[]
}

/**
 * Hands resources back: what they stand for stays as it is, with no mark of ours, and nothing here speaks of it any more.
 * First the intention is durable, then the marks come off, and only when the cloud shows none the rows go. So at no time
 * is there an object with our mark that no binding accounts for, and whatever stops in between is repeated.
 */
export const release = async (context: Context, wish: ReleaseWish): Promise<ReleaseReport> => {
  const { db } = context
  const { cloudId } = wish
  const asked = 'resourceIds' in wish ? wish.resourceIds : await resourcesOf(db, wish.projectId, cloudId)
  const known = new Set((await bindingsAmong(db, asked)).map(({ resourceId }) => resourceId))
  const report: ReleaseReport = { released: [], waiting: [], refused: [] }
  for (const id of asked) if (!known.has(id)) report.refused.push({ id, reason: 'It is on no cloud.' })
  const ids = await withParts(context, known)
  const leaning = await leaningOn(db, ids)
  for (const { id, by } of leaning) report.refused.push({ id, reason: `The ${by} still needs it.` })
  if (leaning.length || !ids.size) return report
  await withIdleGround(context, ids)
  const bindings = (await bindingsAmong(db, ids)).filter(
    (b) => b.kind !== 'keypair' && (!cloudId || b.cloudId === cloudId),
  )
  const locked = await onReadOnly(context, bindings)
  if (locked) {
    report.refused.push({ id: locked.resourceId, reason: 'Its cloud is connected read-only, and it carries our mark.' })
    return report
  }
  try {
    await begin(context, ids, cloudId)
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'guard')) throw error
    return {
      ...report,
      refused: [...ids].map((id) => ({ id, reason: 'Something is under way with it, or with a part of it.' })),
    }
  }
  report.waiting = await takeMarksOff(context, await bindingsAmong(db, ids), cloudId)
  if (report.waiting.length) return report
  await forget(context, ids, cloudId)
  report.released = bindings
  return report
}

const withParts = async ({ db }: Context, known: Set<string>): Promise<Set<string>> => {
  const ids = new Set(known)
  for (let before = -1; before !== ids.size; ) {
    before = ids.size
    for (const id of await partsOf(db, ids)) ids.add(id)
  }
  return ids
}

/** What came with an adopted server and serves nobody else goes with it; what users made stays theirs. */
const withIdleGround = async ({ db }: Context, ids: Set<string>): Promise<void> => {
  const ground = new Set<string>()
  for (let before = -1; before !== ground.size; ) {
    before = ground.size
    for (const id of await groundOf(db, [...ids, ...ground])) if (!ids.has(id)) ground.add(id)
  }
  const adopted = (await bindingsAmong(db, ground)).filter(
    (b) => b.nativeId !== null && b.resourceId === adoptedId(b.cloudId, b.kind, b.nativeId),
  )
  const idle = new Set(adopted.map(({ resourceId }) => resourceId))
  for (;;) {
    const used = (await leaningOn(db, [...ids, ...idle])).filter(({ id }) => idle.has(id))
    if (!used.length) break
    for (const { id } of used) idle.delete(id)
  }
  for (const id of idle) ids.add(id)
}

const onReadOnly = async (context: Context, bindings: Binding[]): Promise<Binding | null> => {
  for (const binding of bindings) {
    if (binding.ownership === 'foreign') continue
    const cloud = await cloudById(context.db, binding.cloudId)
    if (cloud && isReadOnly(cloud)) return binding
  }
  return null
}

const begin = (context: Context, ids: Set<string>, cloudId: string | undefined): Promise<void> =>
  commit(
    context,
    { action: 'release.begin', kind: 'resource', resourceId: [...ids][0]!, detail: { ids: [...ids] }, handover: true },
    [guard(context, 'at-work', atWork(ids)), beginRelease(context.db, ids, cloudId, context.now())],
  )

const takeMarksOff = async (context: Context, bindings: Binding[], cloudId: string | undefined) => {
  const waiting: ReleaseReport['waiting'] = []
  for (const binding of bindings) {
    if (binding.ownership !== 'releasing' || !binding.nativeId || (cloudId && binding.cloudId !== cloudId)) continue
    try {
      const { cloud } = await connectCloud(context, binding.cloudId, binding.projectId)
      const realm = cloud[binding.kind] as Realm<unknown> | undefined
      if (!realm?.mark) continue
      await realm.mark(binding.nativeId, null)
      const seen = await realm.get(binding.nativeId)
      if (seen?.mark?.kind === binding.kind) waiting.push({ binding, reason: 'The cloud still shows the mark.' })
    } catch (error) {
      if (!(error instanceof CloudError)) throw error
      waiting.push({ binding, reason: error.message })
    }
  }
  return waiting
}

/** Rows of what is on another cloud as well stay for that. */
const forget = async (context: Context, ids: Set<string>, cloudId: string | undefined): Promise<void> => {
  const { db } = context
  const all = await bindingsAmong(db, ids)
  const elsewhere = new Set(cloudId ? all.filter((b) => b.cloudId !== cloudId).map((b) => b.resourceId) : [])
  const gone = [...ids].filter((id) => !elsewhere.has(id))
  const now = context.now()
  const by = { requestId: context.requestId, userId: context.caller?.userId ?? null, at: now }
  const entry = { action: 'release.end', kind: 'resource', resourceId: gone[0] ?? '', handover: true }
  await commit(context, entry, [
    guard(context, 'marked', stillMarked(ids, cloudId)),
    noteReleases(
      db,
      all.filter((b) => gone.includes(b.resourceId)),
      by,
    ),
    dropBindings(db, ids, cloudId),
    ...forgetRows(db, gone, now),
  ])
}

/** What was begun and not finished: the process died, or the cloud did not answer. */
export const finishReleases = async (context: Context): Promise<void> => {
  const ids = await beingReleased(context.db)
  if (!ids.length) return
  const { waiting, refused } = await release(context, { resourceIds: ids })
  for (const { binding, reason } of waiting)
    context.log('warn', 'not handed back yet', { kind: binding.kind, resourceId: binding.resourceId, reason })
  for (const { id, reason } of refused) context.log('warn', 'not handed back yet', { resourceId: id, reason })
}
