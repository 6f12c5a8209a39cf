import * as z from 'zod'
import { type ServerRow, serverMoved, updateServer } from '../../../../db/queries/compute/servers.ts'
import { imageOfDisks } from '../../../broker/compute/disks/image.ts'
import { rootVolumeOf } from '../../../broker/compute/disks/root.ts'
import { requireState } from '../../../broker/compute/server-action.ts'
import { statusWith } from '../../../broker/compute/server-facts.ts'
import { createBackup as backUp } from '../../../broker/image/backup.ts'
import { createServerImage } from '../../../broker/image/image.ts'
import { guard, type Write } from '../../../broker/line/commit.ts'
import type { Context } from '../../../context.ts'
import { badRequest } from '../../../http/fault.ts'
import { integer, name, text } from '../../parameters.ts'
import { metadata } from '../fields.ts'
import { type Action, action } from './action.ts'

/** nova/api/openstack/compute/schemas/create_backup.py */
const createBackup = z.strictObject({
  name: name(),
  backup_type: text(0, 255),
  rotation: integer(0),
  metadata: metadata().optional(),
})
const createImage = z.strictObject({ name: name(), metadata: metadata().optional() })

const answerOf = (id: string, version: number, origin: string) =>
  version >= 45 ? { body: { image_id: id } } : { headers: { Location: `${origin}/image/v2/images/${id}` } }

/** Writes with which a server is one of which an image is being made. */
const copying = (context: Context, server: ServerRow): Write[] => [
  guard(context, 'server-moved', serverMoved(server.id, server)),
  updateServer(context.db, server.id, {
    updatedAt: context.now(),
    ...statusWith(server, { action: 'createImage' }),
  }),
]

export const imageActions: Action[] = [
  action<z.infer<typeof createImage>>({
    name: 'createImage',
    body: createImage,
    handle: async ({ context, version, origin }, server, asked) => {
      requireState(context, server, 'createImage')
      const made = (id: string) => answerOf(id, version, origin)
      if (await rootVolumeOf(context, server))
        return made(await imageOfDisks(context, server, asked.name.trim(), asked.metadata ?? {}))
      const id = await createServerImage(context, server, asked.name.trim(), asked.metadata ?? {}, [
        ...copying(context, server),
      ])
      return made(id)
    },
  }),
  action<z.infer<typeof createBackup>>({
    name: 'createBackup',
    body: createBackup,
    handle: async ({ context, version, origin }, server, asked) => {
      requireState(context, server, 'createImage')
      if (await rootVolumeOf(context, server)) throw badRequest('Backup is not supported for volume-backed instances.')
      const { backup_type: type, metadata = {}, ...wish } = asked
      const id = await backUp(context, server, { ...wish, type, metadata }, copying(context, server))
      return id === null ? {} : answerOf(id, version, origin)
    },
  }),
]
