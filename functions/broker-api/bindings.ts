import { bindingsFor } from '../../db/queries/clouds/clouds.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso } from './lookup.ts'
import { pieceOf } from './pieces.ts'

export const bindingOperations: Operation[] = [
  operation({
    name: 'binding.list',
    method: 'GET',
    path: '/v1/bindings',
    who: 'admin',
    summary:
      'Which object of which cloud stands for a resource; filters `resource_id`, `cloud` and `kind`; `limit`, `marker`.',
    status: 200,
    handle: async ({ context, query }) => {
      const { limit, after } = pieceOf(query)
      const cloud = query.cloud || undefined
      const rows = await bindingsFor(context.db, {
        resourceId: query.resource_id || undefined,
        kind: query.kind || undefined,
        cloud,
        after,
        limit,
      })
      if (!rows.length && cloud) await cloudNamed(context, cloud)
      const bindings = rows.map(({ binding, cloud }) => ({
        kind: binding.kind,
        resource_id: binding.resourceId,
        project_id: binding.projectId || null,
        cloud,
        zone: binding.zone,
        scope: binding.scope || null,
        native_id: binding.nativeId,
        want: binding.want,
        phase: binding.phase,
        token: binding.token,
        revision: binding.revision,
        applied: binding.applied,
        due_at: iso(binding.dueAt),
        seen_at: iso(binding.seenAt),
        missing: binding.missing,
        attempts: binding.attempts,
        error: binding.error,
        created_at: iso(binding.createdAt),
        updated_at: iso(binding.updatedAt),
      }))
      return { body: { bindings, next: rows.length === limit ? String(rows.at(-1)!.row) : null } }
    },
  }),
]
