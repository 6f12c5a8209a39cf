import type { ImageRead } from '../../db/queries/image/images.ts'
import { bindingsOf, refOf } from '../../db/queries/line/bindings.ts'
import { OWN_STORE } from '../broker/imports/stores.ts'
import type { Context } from '../context.ts'
import { zoned } from '../http/times.ts'

/** Shown, never stored: the clouds that have the image, as far as the reader may use them. */
export const CLOUDS = 'plimsoll:clouds'

/** Where its data is: on clouds that the reader may use, and with us. */
const storesOf = ({ clouds, blob, status }: ImageRead): string[] =>
  [...clouds, ...(blob !== null && (status === 'active' || status === 'deactivated') ? [OWN_STORE] : [])].sort()

/** Properties are keys of their own, beside Glance's (glance/api/v2/images.py, _format_image). */
export const imageView = (image: ImageRead): Record<string, unknown> => ({
  ...image.properties,
  ...(image.clouds.length ? { [CLOUDS]: image.clouds.join(',') } : {}),
  name: image.name,
  disk_format: image.diskFormat,
  container_format: image.containerFormat,
  visibility: image.visibility,
  size: image.sizeBytes,
  virtual_size: image.virtualSizeBytes,
  status: image.status,
  checksum: image.checksum,
  protected: image.protected,
  min_ram: image.minRamMib,
  min_disk: image.minDiskGib,
  owner: image.projectId,
  os_hidden: image.hidden,
  os_hash_algo: image.hashAlgo,
  os_hash_value: image.hashValue,
  id: image.id,
  created_at: zoned(image.createdAt),
  updated_at: zoned(image.updatedAt),
  tags: image.tags,
  ...(storesOf(image).length ? { stores: storesOf(image).join(',') } : {}),
  self: `/v2/images/${image.id}`,
  file: `/v2/images/${image.id}/file`,
  schema: '/v2/schemas/image',
})

const MOST = 10
/** What is read while it is under way is driven on, after the answer. */
export const pursue = (context: Context, images: ImageRead[]): void => {
  const now = context.now()
  for (const { id } of images.filter(({ dueAt }) => dueAt !== null && dueAt <= now).slice(0, MOST))
    context.defer(async () => {
      for (const binding of await bindingsOf(context.db, id))
        if (binding.kind === 'image' && binding.dueAt !== null) await context.converge(context, refOf(binding))
    })
}
