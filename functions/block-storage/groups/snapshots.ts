import * as z from 'zod'
import {
  GROUP_SNAPSHOT_SORT,
  type GroupSnapshotRead,
  groupSnapshotById,
  listGroupSnapshots,
} from '../../../db/queries/block-storage/groups.ts'
import { removeGroupSnapshot, resetGroupSnapshot, snapGroup } from '../../broker/block-storage/groups.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { allowedFilters, nextLinks, sliceOf } from '../listing.ts'
import { invalidVolume, whenStatus } from '../refusals.ts'
import { listScope } from '../routes.ts'
import { label, time, uuid } from '../shapes.ts'
import { groupOf } from './groups.ts'

const SINCE = 14

const noShot = (id: string) => notFound(`GroupSnapshot ${id} could not be found.`)
const shotOf = async ({ context, params }: Input): Promise<GroupSnapshotRead> => {
  const shot = await groupSnapshotById(context.db, context.scope, params.id!)
  if (!shot) throw noShot(params.id!)
  return shot
}

const summary = (_: Input, { id, name, groupTypeId }: GroupSnapshotRead) => ({ id, name, group_type_id: groupTypeId })
const fullView = (input: Input, s: GroupSnapshotRead) => ({
  ...summary(input, s),
  group_id: s.groupId,
  description: s.description,
  status: s.status,
  created_at: time(s.createdAt),
  ...(input.version >= 58 ? { project_id: s.projectId } : {}),
})

const list = (view: (input: Input, shot: GroupSnapshotRead) => unknown) => async (input: Input) => {
  const { context, query } = input
  const { name, group_id, status } = allowedFilters(input, 'group_snapshot')
  const filter = { name, groupId: group_id }
  const found = await listGroupSnapshots(
    context.db,
    listScope(context, query),
    filter,
    sliceOf(query, GROUP_SNAPSHOT_SORT),
  )
  if (!found) throw noShot(query.marker!)
  const page = status === undefined ? found : found.filter((shot) => shot.status === status)
  const links = nextLinks(input, found)
  return {
    body: {
      group_snapshots: page.map((each) => view(input, each)),
      ...(links ? { group_snapshots_links: links } : {}),
    },
  }
}

const fields = { group_id: uuid, name: label, description: label }
type Create = { group_snapshot: z.infer<z.ZodObject<typeof fields>> }
const createBody = z.strictObject({ group_snapshot: z.strictObject(fields) }) as unknown as z.ZodType<Create>
type Action = { reset_status: { status: string } }
const actionBody = z.strictObject({
  reset_status: z.strictObject({ status: z.enum(['creating', 'available', 'deleting', 'error', 'error_deleting']) }),
}) as unknown as z.ZodType<Action>

/** https://docs.openstack.org/api-ref/block-storage/v3/#group-snapshots-group-snapshots */
export const groupSnapshotOperations: Operation[] = [
  operation({
    name: 'group_snapshot.list',
    method: 'GET',
    path: '/group_snapshots',
    who: 'reader',
    summary: 'Snapshots of groups.',
    status: 200,
    since: SINCE,
    handle: list(summary),
  }),
  operation({
    name: 'group_snapshot.list_detail',
    method: 'GET',
    path: '/group_snapshots/detail',
    who: 'reader',
    summary: 'Snapshots of groups in full.',
    status: 200,
    since: SINCE,
    handle: list(fullView),
  }),
  operation<Create>({
    name: 'group_snapshot.create',
    method: 'POST',
    path: '/group_snapshots',
    who: 'member',
    summary: 'Makes a snapshot of each volume of a group, one by one.',
    status: 202,
    since: SINCE,
    body: createBody,
    handle: async (input) => {
      const { group_id, name, description } = input.body.group_snapshot
      const group = await groupOf(input, group_id)
      const shot = await snapGroup(input.context, group, { name: name ?? null, description: description ?? null })
      return { body: { group_snapshot: summary(input, shot) } }
    },
    refuse: whenStatus(({ status, allowed }) =>
      invalidVolume(`Volume in group must be ${allowed.join(' or ')}, but is ${status}.`),
    ),
  }),
  operation({
    name: 'group_snapshot.show',
    method: 'GET',
    path: '/group_snapshots/:id',
    who: 'reader',
    summary: 'One snapshot of a group: what its snapshots are together.',
    status: 200,
    since: SINCE,
    handle: async (input) => ({ body: { group_snapshot: fullView(input, await shotOf(input)) } }),
  }),
  operation({
    name: 'group_snapshot.delete',
    method: 'DELETE',
    path: '/group_snapshots/:id',
    who: 'member',
    summary: 'Deletes the snapshots of a group.',
    status: 202,
    since: SINCE,
    handle: async (input) => {
      const shot = await shotOf(input)
      if (!['available', 'error'].includes(shot.status))
        throw badRequest('Invalid GroupSnapshot: GroupSnapshot status must be available or error')
      await removeGroupSnapshot(input.context, shot)
      return {}
    },
  }),
  operation<Action>({
    name: 'group_snapshot.action',
    method: 'POST',
    path: '/group_snapshots/:id/action',
    who: 'admin',
    summary: 'Says what a snapshot of a group is.',
    status: 202,
    since: 19,
    body: actionBody,
    handle: async (input) => {
      await resetGroupSnapshot(input.context, await shotOf(input), input.body.reset_status.status)
      return {}
    },
  }),
]
