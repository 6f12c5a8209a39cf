import * as z from 'zod'
import { serverMoved, updateServer } from '../../../../db/queries/compute/servers.ts'
import { imageOfDisks } from '../../../broker/compute/disks/image.ts'
import { rootVolumeOf } from '../../../broker/compute/disks/root.ts'
import { requireState } from '../../../broker/compute/server-action.ts'
import { statusWith } from '../../../broker/compute/server-facts.ts'
import { createServerImage } from '../../../broker/image/image.ts'
import { guard } from '../../../broker/line/commit.ts'
import { name } from '../../parameters.ts'
import { metadata } from '../fields.ts'
import { type Action, action } from './action.ts'

const createImage = z.strictObject({ name: name(), metadata: metadata().optional() })

export const imageActions: Action[] = [
  action<z.infer<typeof createImage>>({
    name: 'createImage',
    body: createImage,
    handle: async ({ context, version, origin }, server, asked) => {
      requireState(context, server, 'createImage')
      const made = (id: string) =>
        version >= 45 ? { body: { image_id: id } } : { headers: { Location: `${origin}/image/v2/images/${id}` } }
      if (await rootVolumeOf(context, server))
        return made(await imageOfDisks(context, server, asked.name.trim(), asked.metadata ?? {}))
      const id = await createServerImage(context, server, asked.name.trim(), asked.metadata ?? {}, [
        guard(context, 'server-moved', serverMoved(server.id, server)),
        updateServer(context.db, server.id, {
          updatedAt: context.now(),
          ...statusWith(server, { action: 'createImage' }),
        }),
      ])
      return made(id)
    },
  }),
]
