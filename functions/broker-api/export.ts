import { exportObjects } from '../broker/adopt/export.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { cloudNamed } from './lookup.ts'

export const exportOperations: Operation[] = [
  operation({
    name: 'export.list',
    method: 'GET',
    path: '/v1/export',
    who: 'admin',
    summary:
      'Native id and tags of everything that is managed here, so that leaving costs nothing; filters `cloud`, `kind`, `project_id`; `limit`, `marker`.',
    status: 200,
    handle: async ({ context, query }) => {
      const { limit, marker } = pageRequest(query)
      if (marker !== undefined && !/^\d+$/.test(marker))
        throw badRequest('marker: must be one that an earlier page gave')
      const cloudId = query.cloud ? (await cloudNamed(context, query.cloud)).id : undefined
      const filter = { cloudId, kind: query.kind, projectId: query.project_id, after: Number(marker ?? 0), limit }
      return { body: await exportObjects(context, filter) }
    },
  }),
]
