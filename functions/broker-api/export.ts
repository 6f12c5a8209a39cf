import { exportObjects } from '../broker/adopt/export.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed } from './lookup.ts'
import { pieceOf } from './pieces.ts'

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
      const { limit, after } = pieceOf(query)
      const cloud = query.cloud || undefined
      const body = await exportObjects(context, {
        cloud,
        kind: query.kind || undefined,
        projectId: query.project_id || undefined,
        after,
        limit,
      })
      if (!body.objects.length && cloud) await cloudNamed(context, cloud)
      return { body }
    },
  }),
]
