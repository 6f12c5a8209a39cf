import * as z from 'zod'
import { table } from '../../../adapters/table.ts'
import type { ServerAction } from '../../../db/queries/compute/server-actions.ts'
import { actionByRequest, actionsOf } from '../../../db/queries/compute/server-parts.ts'
import { serverById, serverEver } from '../../../db/queries/compute/servers.ts'
import { hostIdOf } from '../../broker/compute/server-facts.ts'
import { badRequest, type Fault, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { pageRequest } from '../../http/pagination.ts'
import { nakedTime, nextLink } from '../links.ts'
import { noServer } from '../refusals.ts'
import { perVersion } from './fields.ts'
import { timeOf } from './query.ts'

/** Whose history it is: from 2.21 on it outlives the server. */
const serverIn = ({ params, version }: Input) => ({ id: params.id!, deleted: version >= 21 })

/** What was asked by a request. 404 if there is no such server, and in the given words if there is no such action. */
const actionIn = async (input: Input, requestId: string, missing: Fault): Promise<ServerAction> => {
  const { context } = input
  const action = await actionByRequest(context.db, context.scope, serverIn(input), requestId)
  if (action) return action
  await assertServer(input)
  throw missing
}

const assertServer = async ({ context, params, version }: Input): Promise<void> => {
  const find = version >= 21 ? serverEver : serverById
  if (!(await find(context.db, context.scope, params.id!))) throw noServer(params.id!)
}

const actionView = (action: ServerAction, version: number) => ({
  action: action.action,
  instance_uuid: action.serverId,
  request_id: action.requestId,
  user_id: action.userId,
  project_id: action.projectId,
  start_time: nakedTime(action.startedAt),
  message: action.message,
  ...(version >= 58 ? { updated_at: nakedTime(action.updatedAt) } : {}),
})

/** What Nova calls the part of an action that happens on a compute host. */
const EVENTS: Record<string, string> = table({
  create: 'compute__do_build_instance',
  delete: 'compute_terminate_instance',
  start: 'compute_start_instance',
  stop: 'compute_stop_instance',
  reboot: 'compute_reboot_instance',
  pause: 'compute_pause_instance',
  unpause: 'compute_unpause_instance',
  suspend: 'compute_suspend_instance',
  resume: 'compute_resume_instance',
  resize: 'compute_prep_resize',
  confirmResize: 'compute_confirm_resize',
  revertResize: 'compute_revert_resize',
  rebuild: 'compute_rebuild_instance',
  rescue: 'compute_rescue_instance',
  unrescue: 'compute_unrescue_instance',
  shelve: 'compute_shelve_instance',
  unshelve: 'compute_unshelve_instance',
  createImage: 'compute_snapshot_instance',
})

/** An action has one event here: what the cloud did. */
const eventView = (action: ServerAction, { version, context }: Input) => ({
  event: EVENTS[action.action] ?? `compute_${action.action}`,
  start_time: nakedTime(action.startedAt),
  finish_time: action.finishedAt === null ? null : nakedTime(action.finishedAt),
  result: action.state === 'done' ? 'Success' : action.state === 'failed' ? 'Error' : null,
  ...(context.caller?.isAdmin ? { traceback: null } : {}),
  ...(context.caller?.isAdmin && version >= 62 ? { host: '' } : {}),
  ...(version >= 62 ? { hostId: hostIdOf(undefined, action.projectId) } : {}),
  ...(context.caller?.isAdmin && version >= 84 ? { details: action.message } : {}),
})

const listQuery = perVersion((version): z.ZodType<Input['query']> => {
  const names = version >= 58 ? ['limit', 'marker', 'changes-since', ...(version >= 66 ? ['changes-before'] : [])] : []
  const shape = Object.fromEntries(names.map((name) => [name, z.string().optional()]))
  return version >= 58 ? z.strictObject(shape) : z.looseObject(shape)
})

/** https://docs.openstack.org/api-ref/compute/#servers-actions-servers-os-instance-actions */
export const instanceActionOperations: Operation[] = [
  operation({
    name: 'server-history.list',
    method: 'GET',
    path: '/servers/:id/os-instance-actions',
    who: 'reader',
    summary: 'What was asked of a server, newest first.',
    status: 200,
    query: listQuery,
    handle: async (input) => {
      const { context, query, version, params } = input
      const paged = version >= 58
      const { limit, marker } = paged ? pageRequest(query) : { limit: 1000, marker: undefined }
      const since = paged && query['changes-since'] ? timeOf('changes-since', query['changes-since']) : undefined
      const before =
        version >= 66 && query['changes-before'] ? timeOf('changes-before', query['changes-before']) : undefined
      if (since !== undefined && before !== undefined && before < since)
        throw badRequest('The value of changes-since must be less than or equal to changes-before.')
      const page = { limit, marker, changesSince: since, changesBefore: before }
      const actions = await actionsOf(context.db, context.scope, serverIn(input), page)
      if (!actions.length) {
        await assertServer(input)
        if (marker !== undefined) await actionIn(input, marker, badRequest(`Marker ${marker} could not be found.`))
      }
      const path = `/servers/${params.id}/os-instance-actions`
      const next = paged
        ? nextLink(
            input,
            'links',
            path,
            actions.map((action) => action.requestId),
          )
        : {}
      return { body: { instanceActions: actions.map((action) => actionView(action, version)), ...next } }
    },
  }),
  operation({
    name: 'server-history.show',
    method: 'GET',
    path: '/servers/:id/os-instance-actions/:request',
    who: 'reader',
    summary: 'One thing that was asked of a server, by the id of the request, and how it went.',
    status: 200,
    handle: async (input) => {
      const { context, params, version } = input
      const action = await actionIn(input, params.request!, notFound(`Action ${params.request} not found`))
      const events = version >= 51 || context.caller?.isAdmin ? { events: [eventView(action, input)] } : {}
      return { body: { instanceAction: { ...actionView(action, version), ...events } } }
    },
  }),
]
