import { type Operation, operation } from '../http/operation.ts'
import { RESOURCE_FILTERS } from './listing.ts'

/** https://docs.openstack.org/api-ref/block-storage/v3/#resource-filters */
export const resourceFilterOperations: Operation[] = [
  operation({
    name: 'resource_filter.list',
    method: 'GET',
    path: '/resource_filters',
    who: 'reader',
    summary: 'What lists may be filtered by.',
    status: 200,
    since: 33,
    handle: ({ query }) => ({
      body: {
        resource_filters: Object.entries(RESOURCE_FILTERS)
          .filter(([resource]) => query.resource === undefined || query.resource === resource)
          .map(([resource, filters]) => ({ resource, filters })),
      },
    }),
  }),
]
