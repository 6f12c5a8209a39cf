import { attachmentsOf } from '../../../../db/queries/block-storage/attachments.ts'
import { volumesById } from '../../../../db/queries/block-storage/volumes.ts'
import { insertServerAction } from '../../../../db/queries/compute/server-actions.ts'
import { type ServerRow, serverMoved } from '../../../../db/queries/compute/servers.ts'
import { type ImageRow, insertImage, readImage } from '../../../../db/queries/image/images.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { planSnapshot } from '../../block-storage/snapshot.ts'
import { isPlaced } from '../../block-storage/unplaced.ts'
import { imageOfServer } from '../../image/image.ts'
import { withinImageLimits } from '../../image/image-quota.ts'
import { commit, guard, type Write } from '../../line/commit.ts'
import { who } from '../server-action.ts'
import type { DiskWish } from './disk.ts'

/* The image of a server that boots from a volume: no data, but snapshots of its volumes, of which another is made. */

/** As Nova writes it among the properties of the image (nova/compute/api.py, `snapshot_volume_backed`). */
interface Mapped {
  source_type: string
  destination_type: string
  snapshot_id?: string | null
  boot_index?: number | null
  volume_size?: number | null
  volume_type?: string | null
  delete_on_termination?: boolean | null
  tag?: string | null
}

/**
 * Makes it: a snapshot of every volume and the image that names them, in one batch. Throws `Refused` (`quota`, guards
 * `server-moved`, `volume-size`).
 */
export const imageOfDisks = async (
  context: Context,
  server: ServerRow,
  name: string,
  properties: Record<string, string>,
): Promise<string> => {
  const { db } = context
  const attached = await attachmentsOf(db, everyProject, server.id)
  const volumes = await volumesById(
    db,
    attached.map(({ volumeId }) => volumeId),
  )
  const writes: Write[] = []
  const mapping: Mapped[] = []
  for (const { volumeId, bootIndex, deleteOnTermination, tag } of attached) {
    // What is in a server is somewhere.
    const volume = volumes.filter(isPlaced).find(({ id }) => id === volumeId)!
    const wish = { name: `snapshot for ${name}`.slice(0, 255), description: '', metadata: {} }
    const snapshot = planSnapshot(context, volume, wish)
    writes.push(...snapshot.writes)
    mapping.push({
      ...{ source_type: 'snapshot', destination_type: 'volume', snapshot_id: snapshot.row.id },
      ...{ boot_index: bootIndex, volume_size: volume.sizeGib, volume_type: null },
      ...{ delete_on_termination: deleteOnTermination, tag },
    })
  }
  const source = server.imageId ? await readImage(db, context.scope, server.imageId) : null
  const disks = { bdm_v2: 'True', root_device_name: '/dev/vda', block_device_mapping: JSON.stringify(mapping) }
  const row: ImageRow = {
    ...imageOfServer(context, server, source, name, { ...properties, ...disks }),
    ...{ status: 'active', sizeBytes: 0, containerFormat: null, diskFormat: null, minDiskGib: 0, serverId: null },
  }
  await commit(
    context,
    { action: 'createImage', kind: 'server', resourceId: server.id, detail: { image_id: row.id } },
    [
      guard(context, 'server-moved', serverMoved(server.id, server)),
      ...withinImageLimits(context, server.projectId, { image_count_total: 1 }),
      ...writes,
      insertImage(db, row),
      insertServerAction(db, {
        ...who(context, server),
        action: 'createImage',
        args: { image_id: row.id },
        state: 'done',
        now: context.now(),
      }),
    ],
  )
  return row.id
}

/** The disks of a server of such an image; none: it is another. What is written there may have been written by anybody. */
export const disksOfImage = ({ properties }: Pick<ImageRow, 'properties'>): DiskWish[] => {
  const listed = parsed(properties.block_device_mapping)
  return listed.flatMap((each): DiskWish[] => {
    const { source_type, destination_type, snapshot_id, boot_index, volume_size, delete_on_termination } = each
    if (source_type !== 'snapshot' || destination_type !== 'volume' || typeof snapshot_id !== 'string') return []
    return [
      {
        source: { kind: 'snapshot', id: snapshot_id },
        sizeGib: Number.isInteger(volume_size) && volume_size! > 0 ? volume_size! : null,
        volumeType: typeof each.volume_type === 'string' ? each.volume_type : null,
        bootIndex: Number.isInteger(boot_index) && boot_index! >= 0 ? boot_index! : null,
        device: null,
        tag: typeof each.tag === 'string' ? each.tag : null,
        deleteOnTermination: delete_on_termination === true,
      },
    ]
  })
}

const parsed = (text: string | undefined): Mapped[] => {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list.filter((each) => typeof each === 'object' && each !== null) : []
  } catch {
    return []
  }
}
