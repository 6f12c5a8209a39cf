import {
  type Cloud,
  isTask,
  type Json,
  type Mark,
  type VolumeSeen,
  type VolumeSpec,
} from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { endRestore } from '../../../db/queries/block-storage/backups.ts'
import { beingCopied, hasSnapshots, latestNoMore, snapshotsOf } from '../../../db/queries/block-storage/snapshots.ts'
import { volumeFrozen } from '../../../db/queries/block-storage/volume-services.ts'
import {
  updateVolume,
  type VolumeRead,
  type VolumeRow,
  volumeHeld,
  volumeUnmade,
} from '../../../db/queries/block-storage/volumes.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { type Binding, bindingsOn } from '../../../db/queries/line/bindings.ts'
import { rebind } from '../../../db/queries/line/rebind.ts'
import type { Rewrite } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { whyOfOtherAccount } from '../clouds/image-account.ts'
import { imageFor } from '../image/image.ts'
import { nativeOf, realiseImage, whyNobodyTakes } from '../image/image-takers.ts'
import { GRACE, shownAt } from '../line/clockwork.ts'
import { guard, journalled, type Write } from '../line/commit.ts'
import { digest } from '../line/digest.ts'
import { epochOf } from '../line/epoch.ts'
import { changed } from '../line/resources.ts'
import { notRewritten, tellUser } from './messages.ts'
import { DEFAULT_TYPE } from './type-names.ts'
import { isPlaced, type Placed } from './unplaced.ts'
import { commitOn } from './volume.ts'
import { imageMetadataOf, leastVolumeGib } from './volume-place.ts'
import { VolumeRefused } from './volume-refusal.ts'

/*
 * A volume is written anew by a fresh object of its cloud, made of a snapshot or an image: made, bound in the place of the other,
 * and that one removed. The volume keeps its id, name and size; only what is below the line is another. Each step is told by the
 * row, so that any process goes on with it.
 */

interface Wish extends Pick<Rewrite, 'action' | 'source'> {
  /** Where the source is; null: wherever the volume is. */
  sourceCloudId: string | null
  /** Of the volume until it is done. */
  status: string
  allowed: string[]
  also?: Write[]
  after?: Rewrite['after']
}

/** Begins to write a volume anew. Throws `VolumeRefused` (`status`, `attached`, `elsewhere`, `incapable`). */
export const rewriteVolume = async (context: Context, volume: VolumeRead, wish: Wish): Promise<void> => {
  const { action, source, sourceCloudId, status, allowed, also = [], after } = wish
  if (volume.attachment) throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
  if (!isPlaced(volume))
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume ${volume.id} is made where it is first used, and is nowhere yet: there is nothing to write over.`,
    })
  if (sourceCloudId !== null && sourceCloudId !== volume.cloudId)
    throw new VolumeRefused({ kind: 'elsewhere', what: source.kind, here: volume.cloud, there: 'another cloud' })
  const alone = await withoutSnapshots(context, volume)
  const now = context.now()
  const rewrite: Rewrite = { action, source, token: context.newId(), startedAt: now, ...(after && { after }) }
  await commitOn(context, action, volume, allowed, [
    guard(context, 'volume-unmade', volumeUnmade(volume.id)),
    guard(context, 'volume-attached', volumeHeld(volume.id)),
    guard(context, 'volume-copying', beingCopied(volume.id)),
    guard(context, 'volume-frozen', volumeFrozen(volume.id)),
    ...alone,
    ...also,
    updateVolume(context.db, volume.id, { status, rewrite, fault: null, updatedAt: now }),
    changed(context, 'volume', volume.id),
  ])
}

/**
 * Where snapshots are parts of the object that is put away, the volume may have none, as they would go with it. Throws
 * `VolumeRefused` (`incapable`); gives the guard that holds it so.
 */
const withoutSnapshots = async (context: Context, { id, cloudId, projectId }: Placed<VolumeRead>): Promise<Write[]> => {
  const { adapter } = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  const why = adapter.lacks['volume.backup']
  if (why === undefined) return []
  if ((await snapshotsOf(context.db, id)).length)
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume ${id} has snapshots, and cannot be written anew: ${why}`,
    })
  return [guard(context, 'rewrite-snapshots', hasSnapshots(id))]
}

/** Back to its latest snapshot. Throws `VolumeRefused` (`not-latest`, `status`) besides. */
export const revertVolume = async (context: Context, volume: VolumeRead, snapshotId: string): Promise<void> => {
  const [latest] = await snapshotsOf(context.db, volume.id)
  if (latest?.id !== snapshotId) throw new VolumeRefused({ kind: 'not-latest', id: snapshotId })
  if (latest.status !== 'available')
    throw new VolumeRefused({ kind: 'status', status: latest.status, allowed: ['available'] })
  await rewriteVolume(context, volume, {
    action: 'revert',
    source: { kind: 'snapshot', id: snapshotId },
    sourceCloudId: latest.cloudId,
    status: 'reverting',
    allowed: ['available'],
    also: [guard(context, 'revert-latest', latestNoMore(latest))],
  })
}

/** An image in place of what is in a volume. Throws `VolumeRefused` (`unknown`, `too-small`, `incapable`) besides. */
export const reimageVolume = async (context: Context, volume: VolumeRead, imageId: string): Promise<void> => {
  const image = await imageFor(context, imageId)
  if (!image) throw new VolumeRefused({ kind: 'unknown', what: 'image', id: imageId })
  const { row } = image
  if (row.status !== 'active') throw new VolumeRefused({ kind: 'status', status: row.status, allowed: ['active'] })
  const least = leastVolumeGib(row)
  if (volume.sizeGib < least) throw new VolumeRefused({ kind: 'too-small', what: 'image', size: volume.sizeGib, least })
  const { cloudId } = volume
  if (cloudId !== null && !image.bindings.some((b) => b.cloudId === cloudId && b.phase === 'bound')) {
    const cloud = await cloudById(context.db, cloudId)
    const untaken = row.blob
      ? await whyNobodyTakes(context, row, cloud ? [cloud] : [], nativeOf(image.bindings))
      : `Image ${imageId} is not on the cloud of the volume.`
    if (untaken) throw new VolumeRefused({ kind: 'incapable', reason: untaken })
  }
  const apart = cloudId !== null && (await whyOfOtherAccount(context, row, volume.projectId, cloudId))
  if (apart) throw new VolumeRefused({ kind: 'incapable', reason: apart })
  await rewriteVolume(context, volume, {
    action: 'reimage',
    source: { kind: 'image', id: imageId },
    sourceCloudId: null,
    status: 'downloading',
    allowed: ['available', 'error'],
    also: cloudId === null ? [] : realiseImage(context, row, volume.projectId, cloudId),
    after: { imageId, bootable: true, imageMetadata: imageMetadataOf(row) },
  })
}

const FINAL = ['definitive', 'denied', 'capacity']

/** One step of writing a volume anew; `settled` when nothing is left of it. */
export const stepRewrite = async (
  context: Context,
  volume: VolumeRow,
  binding: Binding,
  realm: NonNullable<Cloud['volume']>,
): Promise<{ settled: boolean; writes: Write[]; at?: number }> => {
  const { db } = context
  const rewrite = volume.rewrite!
  const keep = (more: Partial<Rewrite>): Write => updateVolume(db, volume.id, { rewrite: { ...rewrite, ...more } })
  const own = { token: rewrite.token, epoch: epochOf(rewrite.startedAt) }
  const mark = markOf(context, binding, own)
  try {
    if (rewrite.old) {
      await realm.remove(rewrite.old.id, markOf(context, binding, rewrite.old))
      return { settled: true, writes: ended(context, volume, 'available') }
    }
    if (!rewrite.fresh) {
      const next = await begin(context, volume, binding, realm)
      if ('asked' in next) return { settled: false, writes: [keep({ ...next, task: undefined })], at: context.now() }
      if ('at' in next) return { settled: false, writes: [], at: next.at }
      return { settled: false, writes: [keep('task' in next ? { task: next.task } : { fresh: next.id })] }
    }
    const spec = await specOf(context, volume, binding)
    const fresh = await realm.get(rewrite.fresh)
    if (!fresh || fresh.health === 'failed' || fresh.health === 'gone')
      throw new CloudError('definitive', fresh?.fault ?? 'The cloud lost what it made for the volume.')
    if (fresh.health !== 'ready') return { settled: false, writes: [] }
    const to = { nativeId: fresh.id, ...own, frozen: { ...spec } as Json, observed: digest(fresh) }
    const old = { id: binding.nativeId!, token: binding.token, epoch: binding.epoch }
    const said = updateVolume(db, volume.id, { ...rewrite.after, rewrite: { ...rewrite, old } })
    return { settled: false, writes: [said, rebind(db, binding, to, context.now())] }
  } catch (error) {
    if (!(error instanceof CloudError && FINAL.includes(error.code))) throw error
    if (rewrite.old) return { settled: true, writes: rewriteFailed(context, volume, error.message) }
    const left = await forget(context, volume, realm, mark)
    return { settled: true, writes: [...left, ...rewriteFailed(context, volume, error.message)] }
  }
}

/** What its cloud was asked for, or is to be; without a source when that is gone. */
const specOf = async (context: Context, volume: VolumeRow, binding: Binding): Promise<VolumeSpec> => {
  const { asked, source } = volume.rewrite!
  if (asked) return asked.spec as unknown as VolumeSpec
  const native = await nativeSource(context, volume, volume.rewrite!)
  return {
    name: volume.name || volume.id,
    sizeGiB: volume.sizeGib,
    zone: volume.zone ?? binding.zone ?? '',
    type: volume.volumeType === DEFAULT_TYPE ? null : volume.volumeType,
    source: native === null ? null : { kind: source.kind, id: native },
  }
}

/**
 * The volume goes while it is written anew: of its two objects, the one that does not stand for it goes first. Null: it may
 * be there later.
 */
export const dropRewrite = async (
  context: Context,
  volume: VolumeRow,
  binding: Binding,
  realm: NonNullable<Cloud['volume']>,
): Promise<Write[] | null> => {
  const rewrite = volume.rewrite!
  const own = { token: rewrite.token, epoch: epochOf(rewrite.startedAt) }
  const fresh = rewrite.old ? null : await freshOf(context, volume, binding, realm)
  if (fresh && 'task' in fresh) return null
  if (!fresh && !rewrite.old && context.now() < volume.updatedAt + Math.max(GRACE, 2 * realm.settleMs)) return null
  const other = rewrite.old ?? (fresh && { id: fresh.id, ...own })
  if (other) await realm.remove(other.id, markOf(context, binding, other))
  return ended(context, volume, volume.status)
}

/** What was made for the volume, or the task that makes it; null: the cloud shows nothing of it. */
const freshOf = async (
  context: Context,
  volume: VolumeRow,
  binding: Binding,
  realm: NonNullable<Cloud['volume']>,
): Promise<Begun | null> => {
  const { fresh, task, token, startedAt } = volume.rewrite!
  if (fresh !== undefined) return { id: fresh }
  const outcome = await polled(realm, task).catch((error) => {
    if (error instanceof CloudError && (error.code === 'definitive' || error.code === 'capacity')) return null
    throw error
  })
  if (outcome) return outcome
  const mark = markOf(context, binding, { token, epoch: epochOf(startedAt) })
  return realm.find(mark, await specOf(context, volume, binding))
}

/** Cinder's statuses after each came to nothing; what was in the volume is there still. */
const FAILED: Record<Rewrite['action'], string> = { revert: 'error', reimage: 'error', restore: 'error_restoring' }

/** Statements: it came to nothing, or to all but that what was there before cannot be removed. */
export const rewriteFailed = (context: Context, volume: VolumeRow, reason: string): Write[] => {
  const { action, old } = volume.rewrite!
  return old
    ? [...ended(context, volume, 'available'), left(context, volume, old.id, reason)]
    : ended(context, volume, FAILED[action], reason)
}

/** Statement: an object stays on the cloud, where the next sweep finds it as an orphan. */
const left = (context: Context, { id }: VolumeRow, nativeId: string, reason: string): Write => {
  context.log('warn', 'an object of a volume that was written anew stays', { volume: id, nativeId, reason })
  return journalled(context, {
    action: 'leave',
    kind: 'volume',
    resourceId: id,
    detail: { native_id: nativeId, reason },
  })
}

const ended = (context: Context, volume: VolumeRow, status: string, failed?: string): Write[] => {
  const { action, source } = volume.rewrite!
  const now = context.now()
  return [
    updateVolume(context.db, volume.id, { status, rewrite: null, updatedAt: now }),
    ...(action === 'restore' ? [endRestore(context.db, source.id, now)] : []),
    ...(failed === undefined ? [] : [tellUser(context, volume, notRewritten(action, failed))]),
  ]
}

/** Null: its cloud does not have the source, yet or any more. */
const nativeSource = async ({ db }: Context, volume: VolumeRow, { source }: Rewrite): Promise<string | null> =>
  (await bindingsOn(db, volume.cloudId!, [source.id])).find(
    ({ kind, phase, scope }) =>
      kind === source.kind && phase === 'bound' && (scope === '' || scope === volume.projectId),
  )?.nativeId ?? null

const markOf = (
  { deployment }: Context,
  { projectId: project, resourceId: resource }: Binding,
  { token, epoch }: Pick<Binding, 'token' | 'epoch'>,
): Mark => ({ deployment: deployment.id, project, kind: 'volume', resource, token, epoch })

/** What the cloud made, or works on. */
type Begun = { task: Json } | Pick<VolumeSeen, 'id'>

/**
 * What the cloud has of it by now, what is to be kept before it is asked, or when to look again. A call whose answer was lost
 * is found by its mark, or repeated with its token: where there are none, once it has shown all that it did.
 */
const begin = async (
  context: Context,
  volume: VolumeRow,
  binding: Binding,
  realm: NonNullable<Cloud['volume']>,
): Promise<Begun | { asked: NonNullable<Rewrite['asked']> } | { at: number }> => {
  const { task, asked, source, token, startedAt } = volume.rewrite!
  const known = await polled(realm, task)
  if (known) return known
  const mark = markOf(context, binding, { token, epoch: epochOf(startedAt) })
  const spec = await specOf(context, volume, binding)
  if (asked?.fence === binding.fence) {
    const outcome = await realm.create(spec, mark)
    return isTask(outcome) ? { task: outcome.task } : { id: outcome.id }
  }
  const native = await nativeSource(context, volume, volume.rewrite!)
  if (asked) {
    const lookedAt = context.now()
    const found = await realm.find(mark, spec)
    if (found) return { id: found.id }
    const visibleBy = shownAt(asked.at, realm.settleMs, context.aloneSince)
    if (lookedAt < visibleBy && (realm.once === 'none' || native === null)) return { at: visibleBy }
  }
  if (native === null)
    throw new CloudError('definitive', `The ${source.kind} of which the volume was to be made is gone.`)
  return { asked: { spec: { ...spec } as unknown as Json, at: context.now(), fence: binding.fence } }
}

/** What became of a call that its cloud works on; null: there is none, or the cloud forgot it, and its mark finds what it made. */
const polled = async (realm: NonNullable<Cloud['volume']>, task: Rewrite['task']): Promise<Begun | null> => {
  if (task === undefined || !realm.poll) return null
  const outcome = await realm.poll(task).catch((error) => {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  })
  return outcome && (isTask(outcome) ? { task: outcome.task } : { id: outcome.id })
}

/** It came to nothing: what was made for it goes. */
const forget = (
  context: Context,
  volume: VolumeRow,
  realm: NonNullable<Cloud['volume']>,
  mark: Mark,
): Promise<Write[]> => {
  const { fresh } = volume.rewrite!
  if (fresh === undefined) return Promise.resolve([])
  return realm.remove(fresh, mark).then(
    () => [],
    (error) => {
      if (!(error instanceof CloudError)) throw error
      return [left(context, volume, fresh, error.message)]
    },
  )
}
