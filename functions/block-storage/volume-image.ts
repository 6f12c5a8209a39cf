import * as z from 'zod'
import { imageOfVolume } from '../broker/block-storage/volume-image.ts'
import { typeIdOf } from '../broker/block-storage/volume-types.ts'
import { forbidden } from '../http/fault.ts'
import { boolean, time } from './shapes.ts'
import { action } from './volume-action.ts'
import { typeNameOf } from './volume-view.ts'

/** cinder/api/schemas/volume_actions.py, volume_upload_image */
const fields = {
  image_name: z.string().min(1).max(255),
  force: boolean.optional(),
  disk_format: z.enum(['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop']).optional(),
  container_format: z.enum(['ami', 'ari', 'aki', 'ovf', 'bare', 'ova', 'docker', 'compressed']).optional(),
}
const since1 = {
  ...fields,
  visibility: z.enum(['community', 'public', 'private', 'shared']).optional(),
  protected: boolean.optional(),
}
type Upload = z.infer<z.ZodObject<typeof since1>>

/** The cloud of the volume has the image, as whatever it keeps images: the formats are what its user calls it. */
export const uploadImage = action<Upload>({
  body: (version) => (version >= 1 ? z.strictObject(since1) : z.strictObject(fields)),
  run: async ({ context, version }, volume, asked) => {
    if (asked.visibility === 'public' && !context.caller?.isAdmin)
      throw forbidden("Policy doesn't allow volume_extension:volume_actions:upload_public to be performed.")
    const image = await imageOfVolume(context, volume, {
      name: asked.image_name,
      force: asked.force ?? false,
      diskFormat: asked.disk_format ?? 'raw',
      containerFormat: asked.container_format ?? 'bare',
      visibility: asked.visibility ?? 'private',
      protected: asked.protected ?? false,
    })
    const shown = {
      id: volume.id,
      updated_at: time(context.now()),
      status: 'uploading',
      display_description: volume.description,
      size: volume.sizeGib,
      volume_type: {
        id: volume.typeId ?? typeIdOf(volume.volumeType),
        name: typeNameOf(volume),
        is_public: true,
        description: null,
      },
      image_id: image.id,
      container_format: image.containerFormat,
      disk_format: image.diskFormat,
      image_name: image.name,
      ...(version >= 1 ? { visibility: image.visibility, protected: image.protected } : {}),
    }
    return { status: 202, body: { 'os-volume_upload_image': shown } }
  },
})
