import { allOrphans } from '../../db/queries/line/orphans.ts'
import { removeOrphanNow } from '../broker/reconcile/orphans.ts'
import { conflict, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { iso } from './lookup.ts'

const HOUR = 3_600_000

export const orphanOperations: Operation[] = [
  operation({
    name: 'orphan.list',
    method: 'GET',
    path: '/v1/orphans',
    who: 'admin',
    summary: 'Objects with our mark that no resource accounts for, how old they are and what they may have cost.',
    status: 200,
    handle: async ({ context }) => {
      const now = context.now()
      const orphans = (await allOrphans(context.db)).map((o) => ({
        id: o.id,
        cloud: o.cloud,
        kind: o.kind,
        native_id: o.nativeId,
        name: o.name,
        zone: o.zone,
        size: o.size,
        project_id: o.projectId,
        resource_id: o.resourceId,
        first_seen_at: iso(o.firstSeenAt),
        last_seen_at: iso(o.lastSeenAt),
        age_seconds: Math.round((now - o.firstSeenAt) / 1000),
        sweeps: o.sweeps,
        /** Made while this database was not kept: never removed by itself. */
        in_lapse: o.inLapse === 1,
        estimated_cost:
          o.price === null ? null : { amount: (o.price * (now - o.firstSeenAt)) / HOUR, currency: o.currency ?? 'USD' },
      }))
      return { body: { orphans } }
    },
  }),
  operation({
    name: 'orphan.delete',
    method: 'POST',
    path: '/v1/orphans/:id/delete',
    who: 'admin',
    summary: 'Removes an orphan now, after a last look that it is still ours and still accounted for by nothing.',
    status: 204,
    handle: async ({ context, params }) => {
      const outcome = await removeOrphanNow(context, params.id!)
      if (outcome === 'unknown') throw notFound(`There is no orphan ${params.id}.`)
      if (outcome === 'refused')
        throw conflict(
          'It was not removed: it is accounted for by now, bears another mark, or something still uses it.',
        )
      return {}
    },
  }),
]
