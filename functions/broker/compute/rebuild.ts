import { type VolumeRow, volumeById } from '../../../db/queries/block-storage/volumes.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { KeypairSnapshot } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { leastVolumeGib } from '../block-storage/volume-place.ts'
import { whyOfOtherAccount } from '../clouds/image-account.ts'
import { imageFor } from '../image/image.ts'
import { nativeOf, realiseImage, whyNobodyTakes } from '../image/image-takers.ts'
import { rootVolumeOf } from './disks/root.ts'
import { withMeaning } from './own-metadata.ts'
import { ask, requireCapability, requireState } from './server-action.ts'
import { powerShown } from './server-facts.ts'
import { refuse } from './server-refusal.ts'
import { refuseSmallDisk } from './server-wish.ts'
import { sealUserData } from './user-data.ts'

/** Of the server's row, what a rebuild may change besides. */
type Changes = Partial<
  Pick<ServerRow, 'name' | 'metadata' | 'diskConfig' | 'accessIpv4' | 'accessIpv6' | 'description' | 'hostname'>
>

/** What the guest is to find in place of what it found: absent, the same. User data as base64, in the clear. */
export interface Reseed {
  key?: { name: string; keypair: KeypairSnapshot } | null
  userData?: string | null
}

/** In the row; a key and its name belong together. */
const reseeded = (context: Context, { id }: ServerRow, { key, userData }: Reseed): Partial<ServerRow> => ({
  ...(key === undefined ? {} : { keyName: key?.name ?? null, keypair: key?.keypair ?? null }),
  ...(userData === undefined ? {} : { userData: sealUserData(context, id, userData) }),
})

/**
 * A fresh root disk from an image that is on the cloud of the server, which is the server's from now on, as with Nova. Where it
 * boots from a volume, `reimages` (from microversion 2.93) writes that anew; before, the volume stays as it is.
 */
export const rebuildServer = async (
  context: Context,
  server: ServerRow,
  imageId: string,
  asked: Changes,
  reimages: boolean,
  seed: Reseed = {},
): Promise<void> => {
  requireState(context, server, 'rebuild')
  const root = await rootVolumeOf(context, server)
  const volume = root === null ? null : ((await volumeById(context.db, root))?.volume ?? null)
  if (volume && (seed.key !== undefined || seed.userData !== undefined))
    refuse({
      kind: 'incapable',
      reason: 'A server that boots from a volume keeps the key and the user data that it was made with.',
    })
  if (volume && !reimages) return rebuildAround(context, server, volume, imageId, asked)
  if (volume) await requireCapability(context, server, 'server.boot_from_volume', (cloud) => cloud.server.bootFrom)
  else await requireCapability(context, server, 'server.rebuild', (cloud) => cloud.server.rebuild)
  const set = { ...asked, ...reseeded(context, server, seed) }
  const reseeds = seed.key !== undefined || seed.userData !== undefined
  if (reseeds) await requireCapability(context, server, 'server.reseed', (cloud) => cloud.server.reseeds)
  const image = (await imageFor(context, imageId)) ?? refuse({ kind: 'unknown', what: 'image', id: imageId })
  if (image.row.status !== 'active') refuse({ kind: 'image-status', id: imageId, status: image.row.status })
  const cloud = server.cloudId ? await cloudById(context.db, server.cloudId) : null
  const native = nativeOf(image.bindings)
  if (image.row.blob) {
    const untaken = await whyNobodyTakes(context, image.row, cloud ? [cloud] : [], native)
    if (untaken) refuse({ kind: 'incapable', reason: untaken })
  } else if (!image.bindings.some(({ cloudId, phase }) => cloudId === server.cloudId && phase === 'bound'))
    refuse({ kind: 'incapable', reason: `Image ${imageId} is not on the cloud of the server.` })
  const apart = cloud && (await whyOfOtherAccount(context, image.row, server.projectId, cloud.id))
  if (apart) refuse({ kind: 'incapable', reason: apart })
  const { ramMib, diskGib } = server.flavor
  if (ramMib < image.row.minRamMib)
    refuse({ kind: 'too-small', what: 'memory', has: ramMib, needs: image.row.minRamMib })
  const least = volume ? leastVolumeGib(image.row) : 0
  if (volume && volume.sizeGib < least)
    refuse({ kind: 'disk', why: 'small', of: 'image', has: volume.sizeGib, needs: least })
  if (!volume) refuseSmallDisk(diskGib, image.row)
  await withMeaning(context, server, set, async (meant) =>
    ask(context, server, {
      action: 'rebuild',
      args: {
        image_id: imageId,
        ...(volume ? { volume_id: volume.id } : { before: server.imageId }),
        token: context.newId(),
        // User data is sealed in the row, and is not written down a second time.
        ...(reseeds ? { reseeds, before_key: { name: server.keyName, keypair: server.keypair as never } } : {}),
        power: powerShown(server) === 'stopped' ? 'stopped' : 'running',
      },
      // One that boots from a volume has no image of its own.
      set: { ...meant.set, ...(volume ? {} : { imageId }) },
      also: [...realiseImage(context, image.row, server.projectId, server.cloudId!), ...meant.also],
    }),
  )
}

/** The server is started anew around its volume, which has to be of that image already (nova/compute/api.py, `rebuild`). */
const rebuildAround = async (
  context: Context,
  server: ServerRow,
  { imageMetadata }: VolumeRow,
  imageId: string,
  set: Changes,
): Promise<void> => {
  if (!(await imageFor(context, imageId))) refuse({ kind: 'unknown', what: 'image', id: imageId })
  if (imageMetadata.image_id !== imageId) refuse({ kind: 'volume-backed', imageId })
  const power = powerShown(server) === 'stopped' ? 'stopped' : 'running'
  const args = { keeps: true, hard: true, power }
  await withMeaning(context, server, set, (meant) => ask(context, server, { action: 'rebuild', args, ...meant }))
}
