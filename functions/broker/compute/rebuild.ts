import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { imageFor } from '../image/image.ts'
import { nativeOf, realiseImage, whyNobodyTakes } from '../image/image-takers.ts'
import { rootVolumeOf } from './disks/root.ts'
import { keepingLineage } from './fork/lineage.ts'
import { ask, requireCapability, requireState } from './server-action.ts'
import { powerShown } from './server-facts.ts'
import { refuse } from './server-refusal.ts'
import { refuseSmallDisk } from './server-wish.ts'

/** A fresh root disk from an image that is on the cloud of the server, which is the server's from now on, as with Nova. */
export const rebuildServer = async (
  context: Context,
  server: ServerRow,
  imageId: string,
  set: Partial<
    Pick<ServerRow, 'name' | 'metadata' | 'diskConfig' | 'accessIpv4' | 'accessIpv6' | 'description' | 'hostname'>
  >,
): Promise<void> => {
  requireState(context, server, 'rebuild')
  if (await rootVolumeOf(context, server))
    refuse({
      kind: 'incapable',
      reason: `Instance ${server.id} boots from a volume, which no image is written over here.`,
    })
  await requireCapability(context, server, 'server.rebuild', (cloud) => cloud.server.rebuild)
  const image = (await imageFor(context, imageId)) ?? refuse({ kind: 'unknown', what: 'image', id: imageId })
  if (image.row.status !== 'active') refuse({ kind: 'image-status', id: imageId, status: image.row.status })
  const cloud = server.cloudId ? await cloudById(context.db, server.cloudId) : null
  const native = nativeOf(image.bindings)
  if (image.row.blob) {
    const untaken = await whyNobodyTakes(context, image.row, cloud ? [cloud] : [], native)
    if (untaken) refuse({ kind: 'incapable', reason: untaken })
  } else if (!image.bindings.some(({ cloudId, phase }) => cloudId === server.cloudId && phase === 'bound'))
    refuse({ kind: 'incapable', reason: `Image ${imageId} is not on the cloud of the server.` })
  const { ramMib, diskGib } = server.flavor
  if (ramMib < image.row.minRamMib)
    refuse({ kind: 'too-small', what: 'memory', has: ramMib, needs: image.row.minRamMib })
  refuseSmallDisk(diskGib, image.row)
  await ask(context, server, {
    action: 'rebuild',
    args: {
      image_id: imageId,
      before: server.imageId,
      token: context.newId(),
      power: powerShown(server) === 'stopped' ? 'stopped' : 'running',
    },
    set: { ...keepingLineage(server, set), imageId },
    also: realiseImage(context, image.row, server.projectId, server.cloudId!),
  })
}
