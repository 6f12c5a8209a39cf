import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

const refused = {
  who: 'admin',
  summary: 'Refused, as by a Glance without one: the broker has all data itself, and clouds have copies.',
  handle: () => {
    throw notFound('Caching via API is not supported at this site.')
  },
} as const

/** https://docs.openstack.org/api-ref/image/v2/#cache-management */
export const cacheOperations: Operation[] = [
  operation({ ...refused, name: 'cache.list', method: 'GET', path: '/v2/cache', status: 200 }),
  operation({ ...refused, name: 'cache.clear', method: 'DELETE', path: '/v2/cache', status: 204 }),
  operation({ ...refused, name: 'cache.queue', method: 'PUT', path: '/v2/cache/:id', status: 202 }),
  operation({ ...refused, name: 'cache.delete', method: 'DELETE', path: '/v2/cache/:id', status: 204 }),
]
