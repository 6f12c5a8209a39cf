import * as z from 'zod'
import { listVolumes, type VolumeRead } from '../../../db/queries/block-storage/volumes.ts'
import { snapshotFor } from '../../broker/block-storage/snapshot.ts'
import { deleteVolume, projectOf, volumeFor } from '../../broker/block-storage/volume.ts'
import { createVolume } from '../../broker/block-storage/volume-create.ts'
import { asAsked, typeByDefault, volumeTypeFor } from '../../broker/block-storage/volume-types.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { nakedTime } from '../links.ts'
import { integer, text } from '../parameters.ts'
import { metadata } from '../servers/fields.ts'
import { LAST, pageOf } from './listing.ts'

/* nova/api/openstack/compute/volumes.py */

const attached = ({ id, attachment }: VolumeRead) =>
  attachment?.status === 'attached' || attachment?.status === 'detaching'
    ? {
        id,
        volumeId: id,
        serverId: attachment.serverId,
        ...(attachment.device ? { device: attachment.device } : {}),
      }
    : {}

const view = (volume: VolumeRead) => ({
  id: volume.id,
  status: volume.status,
  size: volume.sizeGib,
  availabilityZone: volume.pinnedZone ?? `${volume.cloud}.${volume.zone}`,
  createdAt: nakedTime(volume.createdAt),
  attachments: [attached(volume)],
  displayName: volume.name,
  displayDescription: volume.description,
  volumeType: volume.typeName ?? volume.volumeType,
  snapshotId: volume.snapshotId,
  metadata: volume.metadata,
})

/** A volume by its id, or 404. */
export const volumeOf = async (context: Input['context'], id: string): Promise<VolumeRead> => {
  const volume = await volumeFor(context, id)
  if (!volume) throw notFound(`Volume ${id} could not be found.`)
  return volume
}

const wish = z.strictObject({
  volume: z.strictObject({
    display_name: text().nullish(),
    display_description: text().nullish(),
    volume_type: text().nullish(),
    metadata: metadata().nullish(),
    snapshot_id: text().nullish(),
    size: integer(1).nullish(),
    availability_zone: text().nullish(),
  }),
})
type Wish = z.infer<typeof wish>

const create = async ({ context, body, base }: Input<Wish>) => {
  const asked = body.volume
  const snapshotId = asked.snapshot_id ?? null
  if (snapshotId !== null && !(await snapshotFor(context, snapshotId)))
    throw notFound(`Snapshot ${snapshotId} could not be found.`)
  const size = asked.size ?? null
  if (size === null && snapshotId === null) throw badRequest('Invalid input received: a volume has a size.')
  const named = asked.volume_type ? await volumeTypeFor(context, asked.volume_type) : null
  if (asked.volume_type && !named) throw notFound(`Volume type ${asked.volume_type} could not be found.`)
  const type = named ?? (snapshotId === null ? await typeByDefault(context, projectOf(context)) : null)
  const volume = await createVolume(context, {
    name: asked.display_name ?? null,
    description: asked.display_description ?? null,
    size,
    zone: asked.availability_zone ?? null,
    snapshotId,
    sourceVolumeId: null,
    imageId: null,
    metadata: asked.metadata ?? {},
    type: type && (await asAsked(context, type)),
  })
  return { headers: { Location: `${base}/os-volumes/${volume.id}` }, body: { volume: view(volume) } }
}

const list = async ({ context, query }: Input) => {
  const projectId = context.caller?.projectId ?? ''
  const volumes = await listVolumes(context.db, { projectId }, {}, pageOf(query))
  return { body: { volumes: (volumes ?? []).map(view) } }
}

/** https://docs.openstack.org/api-ref/compute/#volume-extension-os-volumes-os-snapshots-deprecated */
export const volumeOperations: Operation[] = [
  ...(['', '/detail'] as const).map((path) =>
    operation({
      name: path ? 'volume.list_detail' : 'volume.list',
      method: 'GET',
      path: `/os-volumes${path}`,
      who: 'reader',
      summary: 'Volumes of the project.',
      status: 200,
      until: LAST,
      handle: list,
    }),
  ),
  operation<Wish>({
    name: 'volume.create',
    method: 'POST',
    path: '/os-volumes',
    who: 'member',
    summary: 'Creates a volume: empty, or of a snapshot.',
    status: 200,
    until: LAST,
    body: wish,
    handle: create,
  }),
  operation({
    name: 'volume.show',
    method: 'GET',
    path: '/os-volumes/:id',
    who: 'reader',
    summary: 'One volume.',
    status: 200,
    until: LAST,
    handle: async ({ context, params }) => ({ body: { volume: view(await volumeOf(context, params.id!)) } }),
  }),
  operation({
    name: 'volume.delete',
    method: 'DELETE',
    path: '/os-volumes/:id',
    who: 'member',
    summary: 'Deletes a volume.',
    status: 202,
    until: LAST,
    handle: async ({ context, params }) => {
      await deleteVolume(context, await volumeOf(context, params.id!), { cascade: false, force: false })
      return {}
    },
  }),
]
