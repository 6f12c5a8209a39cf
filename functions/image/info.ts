import { projectOf } from '../broker/block-storage/volume.ts'
import { imageLimits } from '../broker/image/image-quota.ts'
import type { Context } from '../context.ts'
import { notFound, notImplemented } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { imageOf } from './lookup.ts'

/** Glance's names of the ways in beside `PUT /file`; none where there is nowhere to keep data. */
export const importMethods = ({ blobs }: Pick<Context, 'blobs'>): string[] => (blobs ? ['glance-direct'] : [])

/** https://docs.openstack.org/api-ref/image/v2/#image-service-info-discovery and #tasks */
export const infoOperations: Operation[] = [
  operation({
    name: 'info.import',
    method: 'GET',
    path: '/v2/info/import',
    who: 'reader',
    summary: 'Ways to import image data.',
    status: 200,
    handle: ({ context }) => ({
      body: {
        'import-methods': { description: 'Import methods available.', type: 'array', value: importMethods(context) },
      },
    }),
  }),
  operation({
    name: 'info.stores',
    method: 'GET',
    path: '/v2/info/stores',
    who: 'reader',
    summary: 'Stores to choose from: there is one, and nothing to choose.',
    status: 200,
    handle: () => {
      throw notFound('Multi backend is not supported at this site.')
    },
  }),
  operation({
    name: 'info.usage',
    method: 'GET',
    path: '/v2/info/usage',
    who: 'reader',
    summary: 'What the project may have of images, and has; sizes in MiB.',
    status: 200,
    handle: async ({ context }) => {
      const { limits } = await imageLimits(context, projectOf(context))
      const usage = Object.entries(limits).map(([name, { limit, used }]) => [name, { limit, usage: used }])
      return { body: { usage: Object.fromEntries(usage) } }
    },
  }),
  operation({
    name: 'task.list',
    method: 'GET',
    path: '/v2/tasks',
    who: 'admin',
    summary: 'Tasks: none.',
    status: 200,
    handle: () => ({ body: { tasks: [], first: '/v2/tasks', schema: '/v2/schemas/tasks' } }),
  }),
  operation({
    name: 'task.show',
    method: 'GET',
    path: '/v2/tasks/:id',
    who: 'admin',
    summary: 'There is none.',
    status: 200,
    handle: ({ params }) => {
      throw notFound(`No task found with ID ${params.id}`)
    },
  }),
  operation({
    name: 'task.create',
    method: 'POST',
    path: '/v2/tasks',
    who: 'admin',
    summary: 'Refused: images are imported by themselves.',
    status: 201,
    handle: () => {
      throw notImplemented('Tasks are not offered: images are uploaded, come from the clouds, or are made of servers.')
    },
  }),
  operation({
    name: 'image.tasks',
    method: 'GET',
    path: '/v2/images/:id/tasks',
    who: 'reader',
    summary: 'Tasks of an image: none.',
    status: 200,
    handle: async (input) => {
      await imageOf(input)
      return { body: { tasks: [] } }
    },
  }),
]
