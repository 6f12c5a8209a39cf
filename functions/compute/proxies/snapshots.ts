import * as z from 'zod'
import { listSnapshots, type SnapshotRow } from '../../../db/queries/block-storage/snapshots.ts'
import { createSnapshot, deleteSnapshot, snapshotFor } from '../../broker/block-storage/snapshot.ts'
import { notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { nakedTime } from '../links.ts'
import { boolean, text } from '../parameters.ts'
import { LAST, pageOf } from './listing.ts'
import { volumeOf } from './volumes.ts'

/* nova/api/openstack/compute/volumes.py, `SnapshotController` */

const view = (snapshot: SnapshotRow) => ({
  id: snapshot.id,
  volumeId: snapshot.volumeId,
  status: snapshot.status,
  size: snapshot.sizeGib,
  createdAt: nakedTime(snapshot.createdAt),
  displayName: snapshot.name,
  displayDescription: snapshot.description,
})

const snapshotOf = async ({ context, params }: Input) => {
  const snapshot = await snapshotFor(context, params.id!)
  if (!snapshot) throw notFound(`Snapshot ${params.id} could not be found.`)
  return snapshot
}

const wish = z.strictObject({
  snapshot: z.strictObject({
    volume_id: text(),
    display_name: text().nullish(),
    display_description: text().nullish(),
    force: boolean().optional(),
  }),
})
type Wish = z.infer<typeof wish>

const create = async ({ context, body }: Input<Wish>) => {
  const { volume_id, display_name, display_description, force = false } = body.snapshot
  const row = await createSnapshot(context, await volumeOf(context, volume_id), {
    name: display_name ?? null,
    description: display_description ?? null,
    metadata: {},
    force,
  })
  return { body: { snapshot: view(row) } }
}

const list = async ({ context, query }: Input) => {
  const projectId = context.caller?.projectId ?? ''
  const snapshots = await listSnapshots(context.db, { projectId }, {}, pageOf(query))
  return { body: { snapshots: (snapshots ?? []).map(view) } }
}

/** https://docs.openstack.org/api-ref/compute/#volume-extension-os-volumes-os-snapshots-deprecated */
export const snapshotOperations: Operation[] = [
  ...(['', '/detail'] as const).map((path) =>
    operation({
      name: path ? 'snapshot.list_detail' : 'snapshot.list',
      method: 'GET',
      path: `/os-snapshots${path}`,
      who: 'reader',
      summary: 'Snapshots of volumes of the project.',
      status: 200,
      until: LAST,
      handle: list,
    }),
  ),
  operation<Wish>({
    name: 'snapshot.create',
    method: 'POST',
    path: '/os-snapshots',
    who: 'member',
    summary: 'Copies a volume as it is now; with `force` one that a server uses, too.',
    status: 200,
    until: LAST,
    body: wish,
    handle: create,
  }),
  operation({
    name: 'snapshot.show',
    method: 'GET',
    path: '/os-snapshots/:id',
    who: 'reader',
    summary: 'One snapshot.',
    status: 200,
    until: LAST,
    handle: async (input) => ({ body: { snapshot: view(await snapshotOf(input)) } }),
  }),
  operation({
    name: 'snapshot.delete',
    method: 'DELETE',
    path: '/os-snapshots/:id',
    who: 'member',
    summary: 'Deletes a snapshot.',
    status: 202,
    until: LAST,
    handle: async (input) => {
      await deleteSnapshot(input.context, await snapshotOf(input))
      return {}
    },
  }),
]
