import * as z from 'zod'
import { release } from '../broker/adopt/release.ts'
import { withoutKey } from '../broker/line/commit.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed } from './lookup.ts'

const cloud = z.string().max(64).optional()
const body = z.union([
  z.strictObject({ cloud, resource_ids: z.array(z.string().min(1).max(64)).min(1).max(500) }),
  z.strictObject({ cloud, project_id: z.string().min(1).max(64) }),
])

export const releaseOperations: Operation[] = [
  operation({
    name: 'release.create',
    method: 'POST',
    path: '/v1/release',
    who: 'admin',
    summary:
      'Hands resources back to whoever runs the cloud: rows and tags go, machines, disks and networks stay untouched. Servers take their ports and volumes along. 200 with what is done, what waits for its cloud, and what was refused why; may be repeated.',
    status: 200,
    body,
    handle: async ({ context, body: wish }) => {
      const cloudId = wish.cloud === undefined ? undefined : (await cloudNamed(context, wish.cloud)).id
      const what = 'project_id' in wish ? { projectId: wish.project_id } : { resourceIds: wish.resource_ids }
      const report = await release(withoutKey(context), { cloudId, ...what })
      const shown = ({ kind, resourceId, nativeId }: (typeof report.released)[number]) => ({
        kind,
        resource_id: resourceId,
        native_id: nativeId,
      })
      return {
        body: {
          released: report.released.map(shown),
          waiting: report.waiting.map(({ binding, reason }) => ({ ...shown(binding), reason })),
          refused: report.refused.map(({ id, reason }) => ({ resource_id: id, reason })),
        },
      }
    },
  }),
]
