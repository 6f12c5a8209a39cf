import { projectOf } from '../broker/block-storage/volume.ts'
import { imageLimits } from '../broker/image/image-quota.ts'
import { formatsTaken } from '../broker/image/image-takers.ts'
import { OWN_STORE, storeClouds } from '../broker/imports/stores.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

/** Glance's names of the ways in beside `PUT /file`; none where there is nowhere to keep data. */
export const importMethods = ({ blobs }: Pick<Context, 'blobs'>): string[] =>
  blobs ? ['glance-direct', 'web-download', 'copy-image'] : []

/** glance/api/v2/discovery.py, get_stores and get_stores_detail */
const storesOf = async (context: Context) => {
  if (!context.blobs) throw notFound('Multi backend is not supported at this site.')
  const clouds = (await storeClouds(context, projectOf(context))).map(async ({ name, type }) => {
    const brief = { id: name, description: `Cloud ${name}: what is copied there boots at once.` }
    const properties = { formats: await formatsTaken({ type }) }
    return { brief, whole: { ...brief, type, properties, weight: 0 } }
  })
  const own = { id: OWN_STORE, description: 'The broker, from which clouds get what they need.', default: 'true' }
  const type = context.settings.runtime === 'node' ? 'file' : 's3'
  return [...(await Promise.all(clouds)), { brief: own, whole: { ...own, type, properties: {}, weight: 0 } }]
}

/** https://docs.openstack.org/api-ref/image/v2/#image-service-info-discovery */
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
    summary: 'Stores that data of images can be in: the clouds of the project, by name, and the broker itself.',
    status: 200,
    handle: async ({ context }) => ({ body: { stores: (await storesOf(context)).map(({ brief }) => brief) } }),
  }),
  operation({
    name: 'info.stores_detail',
    method: 'GET',
    path: '/v2/info/stores/detail',
    who: 'admin',
    summary: 'The same with what each takes.',
    status: 200,
    handle: async ({ context }) => ({ body: { stores: (await storesOf(context)).map(({ whole }) => whole) } }),
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
]
