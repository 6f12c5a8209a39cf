import {
  type AttachmentSpec,
  type Cloud,
  isTask,
  type Json,
  type Mark,
  type NativeId,
  type VolumeSeen,
  type VolumeSpec,
} from '../../../../adapters/contract.ts'
import { CloudError } from '../../../../adapters/errors.ts'
import { attachmentBetween } from '../../../../db/queries/block-storage/attachments.ts'
import { updateVolume, volumeById } from '../../../../db/queries/block-storage/volumes.ts'
import { type ServerAction, setActionArgs } from '../../../../db/queries/compute/server-actions.ts'
import { imageById } from '../../../../db/queries/image/images.ts'
import { type Binding, bindingsOn } from '../../../../db/queries/line/bindings.ts'
import { rebind } from '../../../../db/queries/line/rebind.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { imageMetadataOf } from '../../block-storage/volume-place.ts'
import { DEFAULT_TYPE } from '../../block-storage/volume-types.ts'
import type { Write } from '../../line/commit.ts'
import { digest } from '../../line/digest.ts'
import { epochOf } from '../../line/epoch.ts'

/*
 * A server that boots from a volume is rebuilt by a fresh volume of the image: made, put in the place of the other, and bound to
 * the resource that the other stood for. The volume keeps its id and its name; only what is below the line is another. Each step
 * is told by the arguments of the action, so that any process goes on with it.
 */

/** What is asked for, and how far it is. */
interface Args {
  image_id: string
  volume_id: string
  /** Of the fresh volume. */
  token: string
  power: 'running' | 'stopped'
  /** The cloud still makes it. */
  task?: Json
  /** It is there. */
  fresh?: NativeId
  /** It stands for the volume; what did so before is to go. */
  old?: { id: NativeId; token: string; epoch: number }
}

/** What a step of the cloud's own is asked for. */
interface Reimaging {
  cloud: Cloud
  cloudId: string
  server: { id: string; native: NativeId }
  image: NativeId
  action: ServerAction
}

/** Going: look again. Ended: with these the row is as it was asked for. */
type Reimaged = { going: Write[] } | { ended: Write[] }

const FINAL = ['definitive', 'denied', 'capacity']

/** The volume that an action is to write anew; null: it is about a root disk of the server's own. */
export const reimaged = ({ args }: Pick<ServerAction, 'args'>): string | null =>
  typeof args.volume_id === 'string' ? args.volume_id : null

/** One step towards a fresh volume in place of the one that the server boots from. */
export const reimage = async (context: Context, asked: Reimaging): Promise<Reimaged> => {
  const { db } = context
  const { cloud, cloudId, action } = asked
  const args = action.args as unknown as Args
  const found = await volumeById(db, args.volume_id)
  const [binding] = (await bindingsOn(db, cloudId, [args.volume_id])).filter(({ kind }) => kind === 'volume')
  if (!found || !binding?.nativeId || !cloud.volume || !cloud.server.bootFrom)
    throw new CloudError('definitive', 'The volume that the server boots from is not there any more.')
  const keep = (more: Partial<Args>): Reimaged => ({
    going: [setActionArgs(db, action.id, { ...args, ...more } as unknown as Record<string, Json>, context.now())],
  })
  if (args.old) {
    await cloud.volume.remove(args.old.id, markOf(context, binding, args.old))
    const image = await imageById(db, args.image_id)
    const set = { imageId: args.image_id, ...(image ? { imageMetadata: imageMetadataOf(image) } : {}) }
    return { ended: [updateVolume(db, args.volume_id, { ...set, updatedAt: context.now() })] }
  }
  const own = { token: args.token, epoch: epochOf(action.startedAt) }
  const mark = markOf(context, binding, own)
  const { volume } = found
  const spec: VolumeSpec = {
    name: volume.name || volume.id,
    sizeGiB: volume.sizeGib,
    zone: volume.zone ?? binding.zone ?? '',
    type: volume.volumeType === DEFAULT_TYPE ? null : volume.volumeType,
    source: { kind: 'image', id: asked.image },
  }
  try {
    if (!args.fresh) {
      const made = await begin(cloud.volume, args, spec, mark)
      return 'task' in made ? keep({ task: made.task }) : keep({ fresh: made.id })
    }
    const fresh = await cloud.volume.get(args.fresh)
    if (!fresh || fresh.health === 'failed' || fresh.health === 'gone')
      throw new CloudError('definitive', fresh?.fault ?? 'The cloud lost the volume that it made of the image.')
    if (fresh.health !== 'ready') return { going: [] }
    if ((await cloud.server.bootFrom(asked.server.native, args.fresh, args.power)) === 'going') return { going: [] }
    const { going } = keep({ old: { id: binding.nativeId, token: binding.token, epoch: binding.epoch } }) as {
      going: Write[]
    }
    return { going: [...going, ...(await standsFor(context, asked, binding, { fresh, spec, ...own }))] }
  } catch (error) {
    if (error instanceof CloudError && FINAL.includes(error.code)) await forget(context, cloud, args, spec, mark)
    throw error
  }
}

const markOf = ({ deployment }: Context, b: Binding, { token, epoch }: Pick<Binding, 'token' | 'epoch'>): Mark => ({
  deployment: deployment.id,
  project: b.projectId,
  kind: 'volume',
  resource: b.resourceId,
  token,
  epoch,
})

/** What the cloud has of it by now. A call whose answer was lost is found by its mark, or repeated with its token. */
const begin = async (realm: NonNullable<Cloud['volume']>, { task }: Args, spec: VolumeSpec, mark: Mark) => {
  if (task !== undefined && realm.poll) {
    const outcome = await realm.poll(task).catch((error) => {
      // What the cloud has forgotten is found by its mark.
      if (error instanceof CloudError && error.code === 'not_found') return null
      throw error
    })
    if (outcome) return isTask(outcome) ? { task: outcome.task } : { id: outcome.id }
  }
  const outcome = (await realm.find(mark, spec)) ?? (await realm.create(spec, mark))
  return isTask(outcome) ? { task: outcome.task } : { id: outcome.id }
}

/** Volume and attachment have another object below the line. */
const standsFor = async (
  { db, now }: Context,
  { cloud, cloudId, server }: Reimaging,
  binding: Binding,
  { fresh, spec, token, epoch }: { fresh: VolumeSeen; spec: VolumeSpec; token: string; epoch: number },
): Promise<Write[]> => {
  const volume = { nativeId: fresh.id, token, epoch, frozen: { ...spec } as Json, observed: digest(fresh) }
  const held = await attachmentBetween(db, everyProject, server.id, binding.resourceId)
  const [plug] = held ? await bindingsOn(db, cloudId, [held.id]) : []
  if (!plug || !cloud.attachment) return [rebind(db, binding, volume, now())]
  const frozen: AttachmentSpec = { server: server.native, volume: fresh.id, device: held?.device ?? null, boot: true }
  const { deployment, project } = fresh.mark ?? { deployment: '', project: plug.projectId }
  const { resourceId: resource } = plug
  const mark = { deployment, project, kind: 'attachment' as const, resource, token: plug.token, epoch: plug.epoch }
  const seen = await cloud.attachment.find(mark, frozen)
  if (!seen) throw new CloudError('conflict', 'The cloud does not show yet that the server boots from its volume.')
  const to = { nativeId: seen.id, frozen: { ...frozen } as unknown as Json, observed: digest(seen) }
  return [rebind(db, binding, volume, now()), rebind(db, plug, to, now())]
}

/** It came to nothing: what was made for it goes, if nothing boots from it. */
const forget = async ({ log }: Context, cloud: Cloud, { fresh }: Args, spec: VolumeSpec, mark: Mark): Promise<void> => {
  try {
    const id = fresh ?? (await cloud.volume?.find(mark, spec))?.id
    if (id !== undefined) await cloud.volume?.remove(id, mark)
  } catch (error) {
    log('warn', 'the volume of a rebuild that came to nothing stays', { reason: (error as Error).message })
  }
}
