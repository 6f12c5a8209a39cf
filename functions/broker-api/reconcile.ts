import * as z from 'zod'
import { allClouds } from '../../db/queries/clouds/clouds.ts'
import { driftOf } from '../../db/queries/line/drift.ts'
import { lastSweeps } from '../../db/queries/line/sweeps.ts'
import { withoutKey } from '../broker/line/commit.ts'
import type { SweepReport } from '../broker/reconcile/reconcile.ts'
import { reconcileNow } from '../broker/reconcile/reconcile-now.ts'
import { type Operation, operation } from '../http/operation.ts'
import { iso } from './lookup.ts'

/** How long a sweep that somebody waits for may take, in milliseconds. */
const PATIENCE = 25_000

/** So many differences are told at most. */
const MOST = 1_000

/** Which differences are looked for. */
const looked = z.object({
  resource_id: z.string().min(1).max(255).optional(),
  limit: z.coerce.number().int().min(1).max(MOST).optional(),
})

/** A unit by the name of its cloud, or by the id that a cloud had that is no more. */
const shown = <T extends { cloudId: string }>(name: string | null | undefined, { cloudId, ...rest }: T) => ({
  cloud: name ?? cloudId,
  ...rest,
})

export const reconcileOperations: Operation[] = [
  operation({
    name: 'reconcile.list',
    method: 'GET',
    path: '/v1/reconcile',
    who: 'admin',
    summary: 'The last sweep of every unit (cloud, account, kind): when, how long, how many calls, what differed.',
    status: 200,
    handle: async ({ context }) => {
      const units = (await lastSweeps(context.db)).map(({ account, startedAt, durationMs, report, cloud }) => ({
        ...shown(cloud, { ...(report as unknown as SweepReport), account }),
        started_at: iso(startedAt),
        duration_ms: durationMs,
      }))
      return { body: { units } }
    },
  }),
  operation<unknown, { dry_run?: 'true' | 'false' }>({
    name: 'reconcile.run',
    method: 'POST',
    path: '/v1/reconcile',
    who: 'admin',
    summary:
      'Sweeps every cloud now, for 25 s at most; `dry_run=true` only reports what it would have found and done. 200 with the units that were swept, and those that were not with the reason (`out_of_time`, `held`, `breaker_open`, `not_connected`): the next call begins with them.',
    status: 200,
    query: z.object({ dry_run: z.enum(['true', 'false']).optional() }) as never,
    handle: async ({ context, query }) => {
      const names = new Map((await allClouds(context.db)).map(({ id, name }) => [id, name]))
      const { reports, skipped } = await reconcileNow(withoutKey(context), PATIENCE, {
        dryRun: query.dry_run === 'true',
      })
      return {
        body: {
          units: reports.map((report) => shown(names.get(report.cloudId), report)),
          skipped: skipped.map((unit) => shown(names.get(unit.cloudId), unit)),
        },
      }
    },
  }),
  operation<unknown, z.infer<typeof looked>>({
    name: 'drift.list',
    method: 'GET',
    path: '/v1/drift',
    who: 'reader',
    summary:
      'Where a cloud is not as it was asked to be: what, since when, intent and observation; longest known first, of one resource by `resource_id`, 1,000 at most.',
    status: 200,
    query: looked as never,
    handle: async ({ context, query: { resource_id: resourceId, limit = MOST } }) => {
      const drift = (await driftOf(context.db, { scope: context.scope, resourceId, limit })).map((d) => ({
        kind: d.kind,
        resource_id: d.resourceId,
        project_id: d.projectId,
        cloud: d.cloud ?? d.cloudId,
        what: d.what,
        intent: d.intent,
        observed: d.observed,
        first_seen_at: iso(d.firstSeenAt),
        /** Of a network, or a subnet of one that is routed: the parts of it that are concerned. */
        ...(d.segments.length && { segments: d.segments }),
      }))
      return { body: { drift } }
    },
  }),
]
