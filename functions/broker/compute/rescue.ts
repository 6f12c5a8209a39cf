import { type VolumeRow, volumeById } from '../../../db/queries/block-storage/volumes.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { whyOfOtherAccount } from '../clouds/image-account.ts'
import { imageFor } from '../image/image.ts'
import { nativeOf, realiseImage, whyNobodyTakes } from '../image/image-takers.ts'
import { rootVolumeOf } from './disks/root.ts'
import { refuseEnded } from './lease/lease.ts'
import { ask, requireCapability, requireState } from './server-action.ts'
import { refuse } from './server-refusal.ts'

/**
 * The server runs from another image, with its own disk as the second (nova/compute/api.py, `rescue`). One that boots from a
 * volume does so from microversion 2.87 (`volumeBacked`).
 * @param imageId null: the image that it is of
 */
export const rescueServer = async (
  context: Context,
  server: ServerRow,
  imageId: string | null,
  volumeBacked: boolean,
): Promise<void> => {
  requireState(context, server, 'rescue')
  refuseEnded(server, context.now())
  const root = await rootVolumeOf(context, server)
  if (root !== null && !volumeBacked)
    refuse({ kind: 'not-rescuable', id: server.id, reason: 'Cannot rescue a volume-backed instance' })
  await requireCapability(context, server, 'server.rescue', (cloud) => cloud.server.rescue)
  const volume = root === null ? null : ((await volumeById(context.db, root))?.volume ?? null)
  const id = imageId ?? imageBelow(server, volume)
  const image = (await imageFor(context, id)) ?? refuse({ kind: 'rescue-image', id })
  if (image.row.status !== 'active') refuse({ kind: 'rescue-image', id })
  const cloud = server.cloudId ? await cloudById(context.db, server.cloudId) : null
  if (image.row.blob) {
    const untaken = await whyNobodyTakes(context, image.row, cloud ? [cloud] : [], nativeOf(image.bindings))
    if (untaken) refuse({ kind: 'incapable', reason: untaken })
  } else if (!image.bindings.some(({ cloudId, phase }) => cloudId === server.cloudId && phase === 'bound'))
    refuse({ kind: 'incapable', reason: `Image ${id} is not on the cloud of the server.` })
  const apart = cloud && (await whyOfOtherAccount(context, image.row, server.projectId, cloud.id))
  if (apart) refuse({ kind: 'incapable', reason: apart })
  await ask(context, server, {
    action: 'rescue',
    args: { image_id: id, token: context.newId() },
    set: { wantPower: 'running' },
    also: realiseImage(context, image.row, server.projectId, server.cloudId!),
  })
}

/** The image that it is of, or its volume. */
const imageBelow = ({ id, imageId }: ServerRow, volume: VolumeRow | null): string =>
  imageId ??
  volume?.imageMetadata.image_id ??
  refuse({ kind: 'not-rescuable', id, reason: 'No image was named, and its volume is of none' })

/** It runs from its own disk again. */
export const unrescueServer = async (context: Context, server: ServerRow): Promise<void> => {
  requireState(context, server, 'unrescue')
  refuseEnded(server, context.now())
  await requireCapability(context, server, 'server.rescue', (cloud) => cloud.server.unrescue)
  await ask(context, server, { action: 'unrescue', set: { wantPower: 'running' } })
}
