import type { Kind, Mark, Realm } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import {
  accountedFor,
  cloudCreatedAt,
  forgetOrphans,
  type NewOrphan,
  noteOrphans,
  type Orphan,
  orphanById,
  orphansOn,
} from '../../../db/queries/line/orphans.ts'
import type { Context } from '../../context.ts'
import { readoptByMark } from '../adopt/readopt.ts'
import { connectCloud } from '../clouds/clouds.ts'
import type { Sighting } from '../clouds/listing.ts'
import { commit } from '../line/commit.ts'
import { fallsInLapse } from '../line/epoch.ts'
import { uuid5 } from '../line/uuid.ts'

/** Complete listings that must have shown an orphan, and for how long, before it is removed. */
const SWEEPS = 2
const AGE = 10 * 60_000
/** In its first day a cloud's orphans are only reported: what we take for ours may be another installation's mistake. */
const REPORT_ONLY = 24 * 3_600_000
/** So many removals a sweep, and none if more than this share of what is marked would go. */
const MOST = 10
const BRAKE = 0.2

/**
 * What carries our mark and no binding accounts for costs money and helps nobody. Called with a complete listing;
 * gives how many there are and how many of them were removed.
 */
export const sweepOrphans = async (
  context: Context,
  { cloudId, kind, realm, seen, known, hasOrphans, dryRun }: Compared,
): Promise<{ orphans: number; removed: number }> => {
  // A root volume bears the mark of its server, and goes with it.
  const marked = [...seen].filter((item) => item.ours || item.mark?.kind === kind)
  const strangers = marked.filter(({ id, mark }) => mark && !known.has(id)).map((item) => asOrphan(cloudId, kind, item))
  if (!strangers.length && !hasOrphans) return { orphans: 0, removed: 0 }
  const makeshift = new Map(marked.flatMap(({ id, mark }) => (mark?.for ? [[id, mark.for] as const] : [])))
  const asked = strangers.map((stranger) => ({ ...stranger, for: makeshift.get(stranger.nativeId) }))
  const accounted = await accountedFor(context.db, cloudId, kind, asked)
  const found = strangers.filter(({ nativeId }) => !accounted.has(nativeId))
  if (dryRun) return { orphans: found.length, removed: 0 }
  // What only the making of something needed is nobody's resource.
  const lost = await readoptLost(
    context,
    found.filter(({ nativeId }) => !makeshift.has(nativeId)),
  )
  const orphans = [...lost, ...found.filter(({ nativeId }) => makeshift.has(nativeId))]
  await context.db.batch([...noteOrphans(context.db, cloudId, kind, orphans, context.now())])
  const ripe = await ripeOnes(context, cloudId, kind, marked.length, makeshift)
  let removed = 0
  for (const orphan of ripe) if (await removeOrphan(context, realm, orphan)) removed++
  return { orphans: orphans.length, removed }
}

/** What was made while this database was not kept is no garbage: it gets its rows back. Gives those that stay orphans. */
const readoptLost = async (context: Context, found: NewOrphan[]): Promise<NewOrphan[]> => {
  const inLapse = found.length ? await fallsInLapse(context) : () => false
  const stay: NewOrphan[] = []
  for (const orphan of found)
    if (!inLapse(orphan.epoch) || (await readoptByMark(context, orphan)) !== null) stay.push(orphan)
  return stay
}

/** A complete listing of a kind, and what is known of it. */
export interface Compared {
  cloudId: string
  kind: Kind
  realm: Realm<unknown>
  seen: Iterable<Sighting>
  /** Native ids that bindings account for. */
  known: Set<string>
  /** Earlier listings showed orphans of this kind: those that are gone are forgotten. */
  hasOrphans: boolean
  dryRun: boolean
}

const asOrphan = (cloudId: string, kind: Kind, item: Sighting): NewOrphan => ({
  id: uuid5(`orphan/${cloudId}/${kind}/${item.id}`),
  cloudId,
  kind,
  nativeId: item.id,
  name: item.name ?? null,
  zone: item.zone ?? null,
  size: item.size ?? null,
  projectId: item.mark!.project,
  resourceId: item.mark!.resource,
  token: item.mark!.token,
  epoch: item.mark!.epoch,
})

const ripeOnes = async (
  context: Context,
  cloudId: string,
  kind: Kind,
  marked: number,
  makeshift: ReadonlyMap<string, Kind>,
): Promise<Orphan[]> => {
  const now = context.now()
  if (now - (await cloudCreatedAt(context.db, cloudId)) < REPORT_ONLY) return []
  const inLapse = await fallsInLapse(context)
  const all = await orphansOn(context.db, cloudId, kind)
  // What crashes left of servers that were made says nothing of this database.
  const left = all.filter(({ nativeId }) => makeshift.has(nativeId))
  const resources = all.filter(({ nativeId }) => !makeshift.has(nativeId))
  const braked = resources.length > MOST && resources.length > marked * BRAKE
  if (braked)
    context.log('error', 'too many orphans at once: none is removed', {
      cloudId,
      kind,
      orphans: resources.length,
      marked,
    })
  const orphans = braked ? left : all
  // A mark may come late, on what was adopted and handed back since: that is somebody's.
  const nobodys = orphans.filter((o) => (makeshift.has(o.nativeId) || !inLapse(o.epoch)) && !o.handedBack)
  return nobodys.filter((o) => o.sweeps >= SWEEPS && now - o.firstSeenAt >= AGE).slice(0, MOST)
}

/** Looks once more, at the object and at the bindings, and removes only what is still ours and still nobody's. */
const removeOrphan = async (context: Context, realm: Realm<unknown>, orphan: Orphan): Promise<boolean> => {
  const { cloudId, kind, nativeId, token } = orphan
  try {
    const seen = await realm.get(nativeId)
    if (seen && seen.health !== 'gone') {
      if (!seen.mark || seen.mark.token !== token) return false
      const asked = { nativeId, token, resourceId: seen.mark.resource, for: seen.mark.for }
      if ((await accountedFor(context.db, cloudId, kind, [asked])).size) return false
      await realm.remove(nativeId, markOf(context, orphan))
    }
    const detail = { cloud: cloudId, kind, native_id: nativeId, first_seen_at: orphan.firstSeenAt }
    await commit(context, { action: 'orphan.remove', kind, resourceId: orphan.resourceId, detail }, [
      forgetOrphans(context.db, [orphan.id]),
    ])
    context.log('warn', 'orphan removed', detail)
    return true
  } catch (error) {
    // Something may still stand in it: the next sweep comes by again.
    if (!(error instanceof CloudError)) throw error
    context.log('warn', 'orphan stays', { cloudId, kind, nativeId, code: error.code, message: error.message })
    return false
  }
}

const markOf = (context: Context, o: Orphan): Mark => ({
  deployment: context.deployment.id,
  project: o.projectId,
  kind: o.kind,
  resource: o.resourceId,
  token: o.token,
  epoch: o.epoch,
})

/** A person's decision: no age, no brake, but the same last look. False: it is not ours any more, or something uses it. */
export const removeOrphanNow = async (context: Context, id: string): Promise<'removed' | 'refused' | 'unknown'> => {
  const orphan = await orphanById(context.db, id)
  if (!orphan) return 'unknown'
  const { cloud } = await connectCloud(context, orphan.cloudId, orphan.projectId || null)
  const realm = cloud[orphan.kind] as Realm<unknown> | undefined
  return realm && (await removeOrphan(context, realm, orphan)) ? 'removed' : 'refused'
}
