import { CloudError } from '../../../adapters/errors.ts'
import type { AttachmentRow } from '../../../db/queries/block-storage/attachments.ts'
import { archOfSize } from '../../../db/queries/compute/flavors.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import { imageEver } from '../../../db/queries/image/images.ts'
import { type Binding, bindingsOn } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { type Place, placesOf } from '../compute/server-facts.ts'
import { assertFits } from '../compute/server-wish.ts'
import { imageNeedOn } from '../image/image-takers.ts'
import type { Need } from '../line/steps.ts'

/* What a server begins from. */

/** The image that its user named, or the one that is made for it to be forked from. */
const imageOf = async (context: Context, server: ServerRow, cloudId: string): Promise<Need | null> => {
  const { image: made } = placesOf(server)
  const id = made ?? server.imageId
  if (!id) return null
  const image = await imageEver(context.db, id)
  if (!image) throw new CloudError('definitive', `Image ${id} was deleted.`)
  if (made && image.status === 'killed')
    throw new CloudError('definitive', `No image could be made of the parent: ${image.fault ?? ''}`)
  if (!made && server.launchedAt === null) assertFits(server, image)
  return {
    ...(await imageNeedOn(context, image, server.projectId, cloudId)),
    atRest: made !== undefined && image.status !== 'active',
  }
}

/** What it begins from: the memory of its parent, which has to be there, a volume that is made, or an image. */
export const originOf = async (
  context: Context,
  server: ServerRow,
  disks: AttachmentRow[],
  cloudId: string,
): Promise<Need | null> => {
  const { parentId, forkMode, projectId } = server
  if (parentId !== null && forkMode === 'instant') return { kind: 'server', resourceId: parentId, projectId }
  const root = disks.find(({ bootIndex }) => bootIndex === 0)
  return root
    ? { kind: 'volume', resourceId: root.volumeId, projectId: root.projectId, atRest: true }
    : imageOf(context, server, cloudId)
}

/** Without its disks it is not the server that was asked for: they are made before it. */
export const diskNeeds = (disks: AttachmentRow[]): Need[] =>
  disks
    .filter(({ bootIndex }) => bootIndex !== 0)
    .map(({ volumeId, projectId }) => ({ kind: 'volume', resourceId: volumeId, projectId }))

/** What the image of a server says of the machine that it wants, in Glance's words; nothing for one that has none. */
export const hardwareFor = async (
  { db }: Context,
  { imageId }: Pick<ServerRow, 'imageId'>,
): Promise<Record<string, string>> => {
  const image = imageId ? await imageEver(db, imageId) : null
  const said = Object.entries(image?.properties ?? {}).filter(([key]) => HARDWARE.has(key))
  return Object.fromEntries(said.map(([key, value]) => [key, String(value)]))
}

/** https://docs.openstack.org/glance/latest/admin/useful-image-properties.html: those that an adapter heeds. */
const HARDWARE = new Set([
  ...['hw_disk_bus', 'hw_vif_model', 'hw_firmware_type', 'hw_machine_type', 'os_secure_boot'],
  ...['hw_qemu_guest_agent', 'os_require_quiesce', 'os_admin_user'],
])

/** What the parent was made of, for the books: an image that has left the cloud since does not matter to a memory. */
export const imageOfMemory = async ({ db }: Context, { imageId, projectId }: ServerRow, { cloudId }: Binding) => {
  const bindings = await bindingsOn(db, cloudId, [imageId ?? ''])
  const mine = bindings.find(({ phase, scope }) => phase === 'bound' && (scope === '' || scope === projectId))
  return mine?.nativeId ?? ''
}

/** What a size of a cloud is made for; what is on sale no more is taken for the usual. */
export const archFor = async ({ db }: Context, { cloudId, native }: Place): Promise<'x86_64' | 'aarch64'> =>
  (await archOfSize(db, cloudId, native)) === 'aarch64' ? 'aarch64' : 'x86_64'
