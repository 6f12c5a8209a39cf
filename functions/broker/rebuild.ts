import type { ServerRow } from '../../db/queries/servers.ts'
import type { Context } from '../context.ts'
import { imageFor } from './image.ts'
import { ask, requireCapability, requireState } from './server-action.ts'
import { refuse } from './server-error.ts'
import { powerShown } from './server-facts.ts'

/** A fresh root disk from an image that is on the cloud of the server. */
export const rebuildServer = async (
  context: Context,
  server: ServerRow,
  imageId: string,
  set: Partial<
    Pick<ServerRow, 'name' | 'metadata' | 'diskConfig' | 'accessIpv4' | 'accessIpv6' | 'description' | 'hostname'>
  >,
): Promise<void> => {
  requireState(context, server, 'rebuild')
  await requireCapability(context, server, 'server.rebuild', (cloud) => cloud.server.rebuild)
  const image = (await imageFor(context, imageId)) ?? refuse({ kind: 'unknown', what: 'image', id: imageId })
  if (image.row.status !== 'active') refuse({ kind: 'image-status', id: imageId, status: image.row.status })
  if (!image.bindings.some(({ cloudId, phase }) => cloudId === server.cloudId && phase === 'bound'))
    refuse({ kind: 'incapable', reason: `Image ${imageId} is not on the cloud of the server.` })
  const { ramMib, diskGib } = server.flavor
  if (ramMib < image.row.minRamMib)
    refuse({ kind: 'too-small', what: 'memory', has: ramMib, needs: image.row.minRamMib })
  if (diskGib > 0 && diskGib < image.row.minDiskGib)
    refuse({ kind: 'too-small', what: 'disk', has: diskGib, needs: image.row.minDiskGib })
  await ask(context, server, {
    action: 'rebuild',
    args: {
      image_id: imageId,
      token: context.newId(),
      power: powerShown(server) === 'stopped' ? 'stopped' : 'running',
    },
    set,
  })
}
