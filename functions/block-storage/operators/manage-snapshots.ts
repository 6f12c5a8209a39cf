import * as z from 'zod'
import { manageSnapshot, unmanagedSnapshots } from '../../broker/adopt/manage-snapshot.ts'
import { changeSnapshot } from '../../broker/block-storage/snapshot.ts'
import { projectOf, volumeFor } from '../../broker/block-storage/volume.ts'
import { withoutKey } from '../../broker/line/commit.ts'
import { badRequest, notImplemented } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { invalidInput, noVolume } from '../refusals.ts'
import { label, metadata, uuid } from '../shapes.ts'
import { fullView } from '../snapshots.ts'
import { nativeIdIn, placeOf, reference } from './manage.ts'

const fields = {
  volume_id: uuid,
  ref: reference,
  name: label,
  description: label,
  metadata: metadata.nullish(),
}
type Manage = { snapshot: z.infer<z.ZodObject<typeof fields>> }
const manageBody = z.strictObject({ snapshot: z.strictObject(fields) }) as unknown as z.ZodType<Manage>

const manage = async (input: Input<Manage>) => {
  const { context, body } = input
  const { volume_id, ref, name, description, metadata: items } = body.snapshot
  const nativeId = nativeIdIn(ref)
  const volume = await volumeFor(context, volume_id)
  if (!volume) throw noVolume(volume_id)
  const { snapshot, why } = await manageSnapshot(withoutKey(context), volume, nativeId)
  if (!snapshot)
    throw badRequest(`Manage existing snapshot failed due to invalid backend reference ${nativeId}: ${why}`)
  const shown = await changeSnapshot(withoutKey(context), snapshot, {
    ...(name == null ? {} : { name }),
    ...(description == null ? {} : { description }),
    ...(items == null ? {} : { metadata: items }),
  })
  return { body: { snapshot: fullView(input, shown) } }
}

const list = (full: boolean) => async (input: Input) => {
  const { context, query } = input
  if (!query.host) throw invalidInput('Host field is missing.')
  const { row } = await placeOf(input, query.host)
  const found = await unmanagedSnapshots(context, row, projectOf(context))
  if (!found) throw notImplemented(`Cloud ${row.name} does not tell of which volume a snapshot is.`)
  return {
    body: {
      'manageable-snapshots': found.map(({ nativeId, sizeGib, volume, name, known }) => ({
        reference: { 'source-name': nativeId },
        source_reference: { 'source-name': volume },
        size: sizeGib,
        safe_to_manage: known,
        ...(full
          ? { reason_not_safe: known ? null : 'Its volume is not managed here.', cinder_id: null, extra_info: name }
          : {}),
      })),
    },
  }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#snapshot-manage-extension-manageable-snapshots */
export const manageSnapshotOperations: Operation[] = [
  ...(
    [
      ['', false],
      ['/detail', true],
    ] as const
  ).map(([path, full]) =>
    operation({
      name: full ? 'manageable_snapshot.list_detail' : 'manageable_snapshot.list',
      method: 'GET',
      path: `/manageable_snapshots${path}`,
      who: 'admin',
      summary:
        'Snapshots of a cloud (`host`) that nobody manages here, the first 50, each with the volume that it is of.',
      status: 200,
      since: 8,
      handle: list(full),
    }),
  ),
  ...(
    [
      ['manageable_snapshot.create', '/manageable_snapshots', 8],
      ['os_snapshot_manage.create', '/os-snapshot-manage', 0],
    ] as const
  ).map(([name, path, since]) =>
    operation<Manage>({
      name,
      method: 'POST',
      path,
      who: 'admin',
      summary: 'Adopts a snapshot of a volume, by its own id on the cloud.',
      status: 202,
      since,
      body: manageBody,
      handle: manage,
    }),
  ),
]
