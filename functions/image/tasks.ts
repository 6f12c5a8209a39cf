import * as z from 'zod'
import { type ImageTask, imageWithTasks, listTasks, TASK_SORT, taskById } from '../../db/queries/image/tasks.ts'
import { everyProject } from '../../db/scope.ts'
import { projectOf } from '../broker/block-storage/volume.ts'
import { createImageRecord, mayChange } from '../broker/image/image.ts'
import { importFault, importFrom } from '../broker/imports/import.ts'
import { check } from '../http/body.ts'
import { dialects } from '../http/dialects.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, Fault, notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { zoned } from '../http/times.ts'
import { architectureOf, columnsOf } from './fields.ts'
import { limitOf } from './image-filters.ts'
import { imageFields, propertiesIn } from './images.ts'
import { importMethods } from './info.ts'
import { found } from './lookup.ts'

const STATUSES = ['pending', 'processing', 'success', 'failure']
const TYPES = ['import', 'api_image_import']

/** glance/api/v2/tasks.py, _format_task_stub and _format_task */
const brief = (task: ImageTask) => ({
  id: task.id,
  type: task.type,
  status: task.status,
  owner: task.projectId,
  ...(task.expiresAt === null ? {} : { expires_at: zoned(task.expiresAt) }),
  created_at: zoned(task.createdAt),
  updated_at: zoned(task.updatedAt),
  self: `/v2/tasks/${task.id}`,
  schema: '/v2/schemas/task',
})
const view = (task: ImageTask) => ({
  ...brief(task),
  input: task.input,
  result: task.result,
  message: task.message,
  image_id: task.imageId,
  request_id: task.requestId,
  user_id: task.userId,
})
/** glance/db/sqlalchemy/api.py, tasks_get_by_image: a row as it is. */
const ofImage = (task: ImageTask) => ({
  id: task.id,
  type: task.type,
  status: task.status,
  owner: task.projectId,
  expires_at: task.expiresAt === null ? null : zoned(task.expiresAt),
  created_at: zoned(task.createdAt),
  updated_at: zoned(task.updatedAt),
  deleted_at: null,
  deleted: false,
  input: task.input,
  result: task.result,
  message: task.message,
  image_id: task.imageId,
  request_id: task.requestId,
  user_id: task.userId,
})

const oneOf = (queries: URLSearchParams, name: string, words: string[]): string | undefined => {
  const value = queries.get(name) ?? undefined
  if (value !== undefined && !words.includes(value)) throw badRequest(`Invalid ${name} value: ${value}`)
  return value
}

const list = async ({ context, queries }: Input) => {
  const key = queries.get('sort_key') ?? 'created_at'
  if (!Object.hasOwn(TASK_SORT, key)) throw badRequest(`Sort key supplied was not valid: ${key}`)
  const direction = oneOf(queries, 'sort_dir', ['asc', 'desc']) ?? 'desc'
  const sort = [...new Set([key, 'created_at', 'id'])].map((each) => ({ key: each, descending: direction === 'desc' }))
  const filter = { status: oneOf(queries, 'status', STATUSES), type: oneOf(queries, 'type', TYPES) }
  const marker = queries.get('marker') ?? undefined
  const tasks = await listTasks(context.db, filter, { sort, limit: limitOf(queries), marker })
  if (!tasks) throw badRequest(`No task found with ID ${marker}`)
  const rest = new URLSearchParams(queries)
  rest.delete('marker')
  const next = new URLSearchParams(rest)
  if (tasks.length) next.set('marker', tasks.at(-1)!.id)
  return {
    body: {
      tasks: tasks.map(brief),
      first: `/v2/tasks${rest.size ? `?${rest}` : ''}`,
      ...(tasks.length && tasks.length === limitOf(queries) ? { next: `/v2/tasks?${next}` } : {}),
      schema: '/v2/schemas/tasks',
    },
  }
}

const taskBody = z.strictObject({
  type: z.enum(['import', 'api_image_import', 'location_import']),
  input: z.object({
    import_from: z.string().max(2_048).optional(),
    import_from_format: z.string().max(255).optional(),
    image_properties: dictionary(z.string(), z.unknown()).optional(),
  }),
})
type TaskBody = z.infer<typeof taskBody>

/** https://docs.openstack.org/api-ref/image/v2/#create-task: an image that is made of what is at an address. */
const create = async (input: Input<TaskBody>) => {
  const { context, body } = input
  if (body.type !== 'import') throw badRequest(`Tasks of type ${body.type} are made by the import of an image alone.`)
  if (!importMethods(context).length) throw notImplemented('There is no place for image data here.')
  const { import_from: url, image_properties: properties = {} } = body.input
  if (url === undefined) throw badRequest("Input does not contain 'import_from' field")
  const fault = await importFault(context, url)
  if (fault) throw badRequest(`URI for import does not pass filtering: ${url}. ${fault}`)
  const said = check(imageFields, properties, dialects.image)
  const { projectId: _, ...columns } = columnsOf(said)
  if (!columns.diskFormat || !columns.containerFormat)
    throw badRequest("Input does not contain 'disk_format' and 'container_format' of the image")
  const own = propertiesIn(said)
  const wish = { ...columns, id: context.newId(), properties: own, arch: architectureOf(own) }
  const image = await createImageRecord(context, projectOf(context), wish)
  const task = await importFrom(context, image, url, { type: 'import', input: body.input, to: [], all: true })
  return { body: view(task), headers: { Location: `/v2/tasks/${task.id}` } }
}

/** https://docs.openstack.org/api-ref/image/v2/#tasks */
export const taskOperations: Operation[] = [
  operation({
    name: 'task.list',
    method: 'GET',
    path: '/v2/tasks',
    who: 'admin',
    summary: 'Imports of images, until two days after they are over.',
    status: 200,
    handle: list,
  }),
  operation<TaskBody>({
    name: 'task.create',
    method: 'POST',
    path: '/v2/tasks',
    who: 'admin',
    summary: 'Makes an image of what is at an address (`import`).',
    status: 201,
    body: taskBody,
    handle: create,
  }),
  operation({
    name: 'task.show',
    method: 'GET',
    path: '/v2/tasks/:id',
    who: 'admin',
    summary: 'One import, and what became of it.',
    status: 200,
    handle: async ({ context, params }) => {
      const task = await taskById(context.db, everyProject, params.id!)
      if (!task) throw notFound(`No task found with ID ${params.id}`)
      return { body: view(task) }
    },
  }),
  operation({
    name: 'task.delete',
    method: 'DELETE',
    path: '/v2/tasks/:id',
    who: 'admin',
    summary: 'Answers 405, as Glance does: tasks go by themselves.',
    status: 204,
    handle: () => {
      throw new Fault(
        405,
        'This operation is currently not permitted on Glance Tasks. They are auto deleted after reaching the time based on their expires_at property.',
        { headers: { Allow: 'GET' } },
      )
    },
  }),
  operation({
    name: 'image.tasks',
    method: 'GET',
    path: '/v2/images/:id/tasks',
    who: 'reader',
    summary: 'Imports of an image, newest first; of others than its owner nobody sees any.',
    status: 200,
    handle: async (input) => {
      const { image, its } = await found(input, imageWithTasks)
      return { body: { tasks: mayChange(input.context, image) ? its.map(ofImage) : [] } }
    },
  }),
]
