import type { Realm } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { factsOf } from '../../../db/kinds.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { holdAsForeign } from '../../../db/queries/clouds/marks.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import {
  atWork,
  beginBorrowed,
  beginRelease,
  beingReleased,
  bindingsAmong,
  bindingsAt,
  borrowed,
  borrowedAtWork,
  dropBindings,
  dropBorrowed,
  forgetRows,
  groundOf,
  imagesWithData,
  leaningOn,
  noteReleases,
  partsOf,
  resourcesOf,
  settleReleased,
  stillMarked,
} from '../../../db/queries/line/release.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { isReadOnly } from '../clouds/read-only.ts'
import { commit, guard } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { adoptedId } from './plan.ts'

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
  const found = await bindingsAmong(db, asked)
  const report: ReleaseReport = { released: [], waiting: [], refused: [] }
  const known = new Set(found.map(({ resourceId }) => resourceId))
  for (const id of asked) if (!known.has(id)) report.refused.push({ id, reason: 'It is on no cloud.' })
  const keypairs = new Set(
    found.filter(({ kind }) => factsOf(kind).owner === 'user').map(({ resourceId }) => resourceId),
  )
  const ids = await withParts(context, new Set([...known].filter((id) => !keypairs.has(id))))
  const lent = await borrowed(db, {
    projectId: 'projectId' in wish ? wish.projectId : null,
    named: [...keypairs],
    servers: ids,
    cloudId,
  })
  const leaning = [
    ...(await leaningOn(db, ids)),
    ...lent
      .filter(({ binding, neededBy }) => neededBy !== null && keypairs.has(binding.resourceId))
      .map(({ binding, neededBy }) => ({ id: binding.resourceId, by: `server ${neededBy}` })),
  ]
  for (const { id, by } of leaning) report.refused.push({ id, reason: `The ${by} still needs it.` })
  const idle = lent.filter(({ neededBy }) => neededBy === null).map(({ binding }) => binding)
  if (leaning.length || !(ids.size || idle.length)) return report
  await withIdleGround(context, ids)
  return handBack(context, { ids, lent: idle, cloudId }, report)
}

/** What goes: resources with all that they have on clouds, or on one, and what clouds have for a project of others'. */
interface Going {
  ids: Set<string>
  lent: Binding[]
  cloudId: string | undefined
}

const handBack = async (context: Context, going: Going, report: ReleaseReport): Promise<ReleaseReport> => {
  const bindings = await bindingsOf(context, going)
  const locked = await onReadOnly(context, bindings)
  if (locked) {
    report.refused.push({ id: locked.resourceId, reason: 'Its cloud is connected read-only, and it carries our mark.' })
    return report
  }
  try {
    await begin(context, going)
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'guard')) throw error
    const reason = 'Something is under way with it, or with a part of it.'
    const all = new Set([...going.ids, ...going.lent.map(({ resourceId }) => resourceId)])
    return { ...report, refused: [...all].map((id) => ({ id, reason })) }
  }
  report.waiting = await takeMarksOff(context, await bindingsOf(context, going))
  if (report.waiting.length) return report
  await forget(context, going)
  report.released = bindings
  return report
}

const bindingsOf = async ({ db }: Context, { ids, lent, cloudId }: Going): Promise<Binding[]> => [
  ...(await bindingsAmong(db, ids)).filter((binding) => !cloudId || binding.cloudId === cloudId),
  ...(await bindingsAt(db, lent)),
]

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

const begin = (context: Context, { ids, lent, cloudId }: Going): Promise<void> => {
  const all = [...ids, ...lent.map(({ resourceId }) => resourceId)]
  const now = context.now()
  return commit(
    context,
    { action: 'release.begin', kind: 'resource', resourceId: all[0]!, detail: { ids: all }, handover: true },
    [
      guard(context, 'at-work', atWork(ids, now)),
      guard(context, 'at-work', borrowedAtWork(lent)),
      beginRelease(context.db, ids, cloudId, now),
      beginBorrowed(context.db, lent, now),
    ],
  )
}

const takeMarksOff = async (context: Context, bindings: Binding[]) => {
  const waiting: ReleaseReport['waiting'] = []
  for (const binding of bindings) {
    if (binding.ownership !== 'releasing' || !binding.nativeId) continue
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

/** Rows of what is on another cloud as well stay for that, and those of images whose data is with us. */
const forget = async (context: Context, { ids, lent, cloudId }: Going): Promise<void> => {
  const { db } = context
  const all = await bindingsAmong(db, ids)
  const others = all.filter((b) => b.cloudId !== cloudId).map((b) => b.resourceId)
  const elsewhere = new Set(cloudId ? [...others, ...(await imagesWithData(db, ids))] : [])
  const gone = [...ids].filter((id) => !elsewhere.has(id))
  const now = context.now()
  const { requestId, globalRequestId = null, caller } = context
  const by = { requestId, globalRequestId, userId: caller?.userId ?? null, at: now }
  const about = gone[0] ?? lent[0]?.resourceId ?? ''
  await commit(context, { action: 'release.end', kind: 'resource', resourceId: about, handover: true }, [
    guard(context, 'marked', stillMarked(ids, cloudId)),
    noteReleases(db, [...all.filter((b) => gone.includes(b.resourceId)), ...lent], by),
    settleReleased(db, ids, cloudId, now),
    dropBindings(db, ids, cloudId),
    dropBorrowed(db, lent),
    holdAsForeign(db, gone),
    ...forgetRows(db, gone, now),
  ])
}

/** What was begun and not finished: the process died, or the cloud did not answer. Each cloud by itself. */
export const finishReleases = async (context: Context): Promise<void> => {
  const begun = await beingReleased(context.db)
  for (const cloudId of new Set(begun.map((binding) => binding.cloudId))) {
    const here = begun.filter((binding) => binding.cloudId === cloudId)
    const lent = here.filter(({ scope, projectId }) => scope !== '' && scope === projectId)
    const resourceIds = here.filter((binding) => !lent.includes(binding)).map(({ resourceId }) => resourceId)
    if (resourceIds.length) noteWaiting(context, await release(context, { cloudId, resourceIds }))
    // What those had borrowed is done by now; doing it again does nothing.
    const left = (await bindingsAt(context.db, lent)).filter(({ ownership }) => ownership === 'releasing')
    const nothing = { released: [], waiting: [], refused: [] }
    if (left.length) noteWaiting(context, await handBack(context, { ids: new Set(), lent: left, cloudId }, nothing))
  }
}

const noteWaiting = (context: Context, { waiting, refused }: ReleaseReport): void => {
  for (const { binding, reason } of waiting)
    context.log('warn', 'not handed back yet', { kind: binding.kind, resourceId: binding.resourceId, reason })
  for (const { id, reason } of refused) context.log('warn', 'not handed back yet', { resourceId: id, reason })
}
