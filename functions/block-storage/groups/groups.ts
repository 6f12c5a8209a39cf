import * as z from 'zod'
import {
  GROUP_SORT,
  type GroupRow,
  groupById,
  groupSnapshotById,
  listGroups,
  volumeIdsOf,
  volumesInGroup,
} from '../../../db/queries/block-storage/groups.ts'
import { changeGroup, copyGroup, createGroup, removeGroup } from '../../broker/block-storage/groups.ts'
import { isTrue } from '../../http/boolean.ts'
import { badRequest, forbidden, notFound, notImplemented } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { allowedFilters, nextLinks, sliceOf } from '../listing.ts'
import { invalidVolume, whenStatus } from '../refusals.ts'
import { listScope } from '../routes.ts'
import { boolean, label, text, time, uuid } from '../shapes.ts'
import { typeOf } from '../types/types.ts'
import { groupTypeOf } from './types.ts'

const SINCE = 13

const noGroup = (id: string) => notFound(`Group ${id} could not be found.`)
/** The group; 404 in Cinder's words. */
export const groupOf = async ({ context }: Pick<Input, 'context'>, id: string): Promise<GroupRow> => {
  const group = await groupById(context.db, context.scope, id)
  if (!group) throw noGroup(id)
  return group
}

const summary = (_: Input, { id, name }: GroupRow) => ({ id, name })
const summaries = (input: Input, groups: GroupRow[]) => groups.map((group) => summary(input, group))

const fullView = (input: Input, g: GroupRow, inside: string[] | null) => ({
  id: g.id,
  name: g.name,
  description: g.description,
  status: g.status,
  ...(g.zone === null ? {} : { availability_zone: g.zone }),
  created_at: time(g.createdAt),
  group_type: g.groupTypeId,
  volume_types: g.volumeTypes,
  ...(input.version >= 14 ? { group_snapshot_id: g.groupSnapshotId, source_group_id: g.sourceGroupId } : {}),
  ...(inside ? { volumes: inside } : {}),
  ...(input.version >= 38 ? { replication_status: 'disabled' } : {}),
  ...(input.version >= 58 ? { project_id: g.projectId } : {}),
})

const fullViews = async (input: Input, groups: GroupRow[]) => {
  const asked = input.version >= 25 && isTrue(input.query.list_volume)
  const inside = asked
    ? await volumeIdsOf(
        input.context.db,
        groups.map(({ id }) => id),
      )
    : null
  return groups.map((group) => fullView(input, group, inside && (inside.get(group.id) ?? [])))
}

const list = (views: (input: Input, groups: GroupRow[]) => unknown) => async (input: Input) => {
  const { context, query } = input
  const queries = new URLSearchParams(input.queries)
  // It says what is shown of a group, and filters nothing.
  queries.delete('list_volume')
  const { name, status } = allowedFilters({ ...input, queries }, 'group')
  const page = await listGroups(context.db, listScope(context, query), { name, status }, sliceOf(query, GROUP_SORT))
  if (!page) throw noGroup(query.marker!)
  const links = nextLinks(input, page)
  const groups = await views(input, page)
  return { body: { groups, ...(links ? { groups_links: links } : {}) } }
}

const createFields = {
  name: label,
  description: label,
  group_type: text().min(1),
  volume_types: z.array(text().min(1)).min(1).max(64),
  availability_zone: text().nullish(),
}
type Create = { group: z.infer<z.ZodObject<typeof createFields>> }
const createBody = z.strictObject({ group: z.strictObject(createFields) }) as unknown as z.ZodType<Create>

const updateFields = {
  name: label,
  description: label,
  add_volumes: z.string().max(4000).nullish(),
  remove_volumes: z.string().max(4000).nullish(),
}
type Update = { group: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = z.strictObject({ group: z.strictObject(updateFields) }) as unknown as z.ZodType<Update>

const sourceFields = {
  name: label,
  description: label,
  group_snapshot_id: uuid.nullish(),
  source_group_id: uuid.nullish(),
}
type FromSource = { 'create-from-src': z.infer<z.ZodObject<typeof sourceFields>> }
const fromSourceBody = z.strictObject({
  'create-from-src': z.strictObject(sourceFields),
}) as unknown as z.ZodType<FromSource>

type Action = { delete?: { 'delete-volumes'?: boolean }; reset_status?: { status: string } } & Record<string, unknown>
const actionBody = z
  .strictObject({
    delete: z.strictObject({ 'delete-volumes': boolean.optional() }),
    reset_status: z.strictObject({
      status: z.enum(['creating', 'available', 'deleting', 'error', 'error_deleting', 'updating']),
    }),
    enable_replication: z.unknown(),
    disable_replication: z.unknown(),
    failover_replication: z.unknown(),
    list_replication_targets: z.unknown(),
  })
  .partial()
  .refine((body) => Object.keys(body).length === 1, {
    error: 'There is no such action.',
  }) as unknown as z.ZodType<Action>

const ids = (given: string | null | undefined): string[] => [
  ...new Set(
    (given ?? '')
      .split(',')
      .map((id) => id.trim())
      .filter(Boolean),
  ),
]

const update = async (input: Input<Update>) => {
  const group = await groupOf(input, input.params.id!)
  const { name, description, add_volumes, remove_volumes } = input.body.group
  const [add, remove] = [ids(add_volumes), ids(remove_volumes)]
  if (name === undefined && description === undefined && !add.length && !remove.length)
    throw badRequest('Name, description, add_volumes, and remove_volumes can not be all empty in the request body.')
  const inside = remove.length ? (await volumesInGroup(input.context.db, group.id)).map(({ id }) => id) : []
  const stranger = remove.find((id) => !inside.includes(id))
  if (stranger !== undefined)
    throw invalidVolume(`Cannot remove volume ${stranger} from group ${group.id} because it is not in the group.`)
  await changeGroup(
    input.context,
    group,
    { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) },
    { add, remove },
  )
  return {}
}

const act = async (input: Input<Action>) => {
  const { context, body, params } = input
  const group = await groupOf(input, params.id!)
  if (body.delete) {
    await removeGroup(context, group, body.delete['delete-volumes'] ?? false)
    return {}
  }
  if (!body.reset_status)
    throw notImplemented('Groups are not replicated: no cloud copies volumes to another by itself.')
  if (!context.caller?.isAdmin) throw forbidden("Policy doesn't allow group:reset_status to be performed.")
  await changeGroup(context, group, { status: body.reset_status.status })
  return {}
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#generic-volume-groups-groups */
export const groupOperations: Operation[] = [
  operation({
    name: 'group.list',
    method: 'GET',
    path: '/groups',
    who: 'reader',
    summary: 'Groups of volumes.',
    status: 200,
    since: SINCE,
    handle: list(summaries),
  }),
  operation({
    name: 'group.list_detail',
    method: 'GET',
    path: '/groups/detail',
    who: 'reader',
    summary: 'Groups of volumes in full.',
    status: 200,
    since: SINCE,
    handle: list(fullViews),
  }),
  operation<Create>({
    name: 'group.create',
    method: 'POST',
    path: '/groups',
    who: 'member',
    summary: 'Makes a group, to which volumes of some types may be added.',
    status: 202,
    since: SINCE,
    body: createBody,
    handle: async (input) => {
      const { context } = input
      const { name, description, group_type, volume_types, availability_zone } = input.body.group
      const type = await groupTypeOf(context, group_type)
      const types = await Promise.all(volume_types.map((each) => typeOf(context, each)))
      const group = await createGroup(context, type, {
        name: name ?? null,
        description: description ?? null,
        groupTypeId: type.id,
        volumeTypes: [...new Set(types.map(({ id }) => id))],
        zone: availability_zone ?? null,
      })
      return { body: { group: summary(input, group) } }
    },
  }),
  operation<FromSource>({
    name: 'group.create_from_source',
    method: 'POST',
    path: '/groups/action',
    who: 'member',
    summary: 'Makes a group with volumes of the snapshots, or of the volumes, of another.',
    status: 202,
    since: 14,
    body: fromSourceBody,
    handle: async (input) => {
      const { context } = input
      const { name, description, group_snapshot_id: shotId, source_group_id: sourceId } = input.body['create-from-src']
      if (!shotId === !sourceId)
        throw badRequest(
          "Either 'group_snapshot_id' or 'source_group_id' must be provided to create group from source.",
        )
      const shot = shotId ? await groupSnapshotById(context.db, context.scope, shotId) : null
      if (shotId && !shot) throw notFound(`GroupSnapshot ${shotId} could not be found.`)
      const source = await groupOf(input, shot?.groupId ?? sourceId!)
      const type = await groupTypeOf(context, source.groupTypeId)
      const named = { name: name ?? null, description: description ?? null }
      return { body: { group: summary(input, await copyGroup(context, type, source, shot, named)) } }
    },
  }),
  operation({
    name: 'group.show',
    method: 'GET',
    path: '/groups/:id',
    who: 'reader',
    summary: 'One group; since 3.25 with its volumes (`list_volume`).',
    status: 200,
    since: SINCE,
    handle: async (input) => {
      const [group] = await fullViews(input, [await groupOf(input, input.params.id!)])
      return { body: { group } }
    },
  }),
  operation<Update>({
    name: 'group.update',
    method: 'PUT',
    path: '/groups/:id',
    who: 'member',
    summary: 'Changes name and description, and which volumes are in it.',
    status: 202,
    since: SINCE,
    body: updateBody,
    handle: update,
  }),
  operation<Action>({
    name: 'group.action',
    method: 'POST',
    path: '/groups/:id/action',
    who: 'member',
    summary: 'Deletes a group, with its volumes where that is said, or (administrators) says what it is.',
    status: 202,
    since: SINCE,
    body: actionBody,
    handle: act,
    refuse: whenStatus(({ status, allowed }) =>
      invalidVolume(`Volume in group is ${status}, and must be ${allowed.join(' or ')}.`),
    ),
  }),
]
