import type { VolumeSeen, VolumeSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { endRestore } from '../../../db/queries/block-storage/backups.ts'
import { updateVolume, type VolumeRow, volumeById } from '../../../db/queries/block-storage/volumes.ts'
import { imageEver } from '../../../db/queries/image/images.ts'
import { neverThere } from '../../../db/queries/money/meters.ts'
import type { RetypedFrom } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { notExtended, notMade, notRetyped, tellUser } from '../block-storage/messages.ts'
import { dropRewrite, rewriteFailed, stepRewrite } from '../block-storage/rewrite.ts'
import { endExtension } from '../block-storage/server-history.ts'
import { restingStatus } from '../block-storage/volume.ts'
import { DEFAULT_TYPE } from '../block-storage/volume-types.ts'
import { imageNeedOn } from '../image/image-takers.ts'
import { charge, type Write } from '../line/commit.ts'
import { changed } from '../line/resources.ts'
import { type Need, steps } from '../line/steps.ts'

type Row = NonNullable<Awaited<ReturnType<typeof volumeById>>>
type Source = Need & { kind: 'snapshot' | 'image' | 'volume' }

/** What the volume is made of, and must be there first. */
const source = async (context: Context, { volume: v }: Row): Promise<Source | null> => {
  const { projectId } = v
  if (v.backupId) return { kind: 'snapshot', resourceId: v.backupId, projectId }
  if (v.snapshotId) return { kind: 'snapshot', resourceId: v.snapshotId, projectId }
  if (v.sourceVolumeId) return { kind: 'volume', resourceId: v.sourceVolumeId, projectId }
  if (!v.imageId) return null
  const image = await imageEver(context.db, v.imageId)
  if (!image) throw new CloudError('definitive', `Image ${v.imageId} was deleted.`)
  if (v.cloudId === null) throw new CloudError('definitive', 'The volume has no place.')
  return imageNeedOn(context, image, projectId, v.cloudId)
}

/** What a volume is written anew of, until its cloud has made that. */
const rewritten = async (context: Context, { volume: { rewrite, cloudId, projectId } }: Row): Promise<Need | null> => {
  if (rewrite?.source.kind !== 'image' || rewrite.fresh !== undefined || cloudId === null) return null
  const image = await imageEver(context.db, rewrite.source.id)
  return image && imageNeedOn(context, image, projectId, cloudId)
}

/** Its cloud does not make it what it was asked for: it is of the type that it was, whatever somebody said of its status meanwhile. */
const asBefore = (context: Context, { volume: v, attachment }: Row, was: RetypedFrom, reason: string): Write[] => [
  updateVolume(context.db, v.id, {
    ...was,
    ...(v.status === 'retyping' ? { status: restingStatus(attachment) } : {}),
    retypedFrom: null,
    updatedAt: context.now(),
  }),
  changed(context, 'volume', v.id),
  tellUser(context, v, notRetyped(reason)),
]

/** A disk that outlives servers. Its status comes from here; while a server has it, from the attachment. */
export const volumeSteps = steps<Row, VolumeSpec, VolumeSeen>({
  kind: 'volume',
  realm: (cloud) => cloud.volume,
  load: (context, { resourceId }) => volumeById(context.db, resourceId),
  // Once it exists, its source may go.
  needs: async (context, row, _, stage) =>
    [stage === 'create' ? await source(context, row) : await rewritten(context, row)].filter((need) => need !== null),

  async spec(context, row, binding, native, stage) {
    const { volume: v } = row
    const from = stage === 'create' ? await source(context, row) : null
    if (v.zone === null) throw new CloudError('definitive', 'The volume has no place.')
    const made = (binding.frozen as VolumeSpec | null)?.source ?? null
    return {
      name: v.name || v.id,
      sizeGiB: v.sizeGib,
      zone: v.zone,
      type: v.volumeType === DEFAULT_TYPE ? null : v.volumeType,
      source: from ? { kind: from.kind, id: native(from) } : stage === 'create' ? null : made,
    }
  },

  observe(context, { volume: v, attachment }, binding, seen) {
    if (binding.want === 'absent') return []
    const set = (changes: Partial<VolumeRow>) =>
      updateVolume(context.db, v.id, { ...changes, updatedAt: context.now() })
    if (seen.health === 'failed')
      return v.status === 'error' ? [] : [set({ status: 'error', fault: seen.fault ?? 'The cloud could not make it.' })]
    if (seen.health !== 'ready') return []
    const resting = restingStatus(attachment)
    // Whatever somebody said of its status meanwhile: it is of the type by now.
    const retyped = v.retypedFrom !== null && (seen.type === undefined || seen.type === v.volumeType)
    const settled = retyped ? { retypedFrom: null } : {}
    if (v.status === 'creating')
      return [
        set({ status: attachment?.status === 'attaching' ? 'reserved' : resting }),
        ...(v.backupId === null ? [] : [endRestore(context.db, v.backupId, context.now())]),
      ]
    if (v.status === 'extending' && seen.sizeGiB >= v.sizeGib)
      return [set({ status: resting, ...settled }), ...endExtension(context, attachment)]
    // Growing it was refused: it is as large as it was, and the project is charged for that alone.
    if (v.status === 'error_extending' && v.fault !== null && seen.sizeGiB < v.sizeGib)
      return [set({ sizeGib: seen.sizeGiB, ...settled }), charge(v.projectId, 'gigabytes', seen.sizeGiB - v.sizeGib)]
    // It had failed or was lost, and is there after all. What an admin declared broken has no fault, and stays so.
    const back = v.status === 'error' && v.fault !== null
    if (!retyped && !back) return []
    return [
      set({
        ...settled,
        ...(back ? { fault: null } : {}),
        ...(back || (retyped && v.status === 'retyping') ? { status: resting } : {}),
      }),
    ]
  },

  failed(context, row, binding, error) {
    const { volume: v, attachment } = row
    const set = (status: string) =>
      updateVolume(context.db, v.id, { status, fault: error.message, updatedAt: context.now() })
    if (v.rewrite && binding.phase === 'bound' && !(v.rewrite.old && error.code === 'not_found'))
      return rewriteFailed(context, v, error.message)
    if (binding.phase !== 'bound')
      return [
        set('error'),
        ...(v.backupId === null ? [] : [endRestore(context.db, v.backupId, context.now())]),
        neverThere(context.db, v.id),
        tellUser(context, v, notMade(error.message)),
      ]
    if (error.code === 'not_found') return [set('error'), ...endExtension(context, attachment, error.message)]
    return [
      ...(v.retypedFrom === null ? [] : asBefore(context, row, v.retypedFrom, error.message)),
      // Look again: how large it is now decides what is charged.
      ...(v.status === 'extending'
        ? [
            set('error_extending'),
            changed(context, 'volume', v.id),
            tellUser(context, v, notExtended(error.message)),
            ...endExtension(context, attachment, error.message),
          ]
        : []),
    ]
  },

  // What a volume is written anew of is put in its place.
  act: async (context, { volume: v }, binding, cloud) =>
    v.rewrite && cloud.volume ? stepRewrite(context, v, binding, cloud.volume) : { settled: true, writes: [] },

  clears: async (context, { volume: v }, binding, cloud) =>
    v.rewrite && cloud.volume ? dropRewrite(context, v, binding, cloud.volume) : [],

  gone(context, row) {
    if (!row) return []
    const { volume: v } = row
    const now = context.now()
    return [
      updateVolume(context.db, v.id, { status: 'deleted', deletedAt: now, updatedAt: now }),
      ...(v.backupId === null ? [] : [endRestore(context.db, v.backupId, now)]),
      charge(v.projectId, 'volumes', -1),
      charge(v.projectId, 'gigabytes', -v.sizeGib),
    ]
  },
})
