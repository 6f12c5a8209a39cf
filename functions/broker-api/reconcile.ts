import { z } from 'zod'
import { allClouds } from '../../db/queries/clouds.ts'
import { allDrift } from '../../db/queries/drift.ts'
import { lastSweeps } from '../../db/queries/sweeps.ts'
import { reconcile, type SweepReport } from '../broker/reconcile.ts'
import { type Operation, operation } from '../http/operation.ts'
import { iso } from './lookup.ts'

/** How long a sweep that somebody waits for may take, in milliseconds. */
const PATIENCE = 25_000

const shown = (names: Map<string, string>, { cloudId, ...report }: SweepReport) => ({
  cloud: names.get(cloudId) ?? cloudId,
  ...report,
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
      const names = new Map((await allClouds(context.db)).map(({ id, name }) => [id, name]))
      const units = (await lastSweeps(context.db)).map(({ startedAt, durationMs, report }) => ({
        ...shown(names, report as unknown as SweepReport),
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
    summary: 'Sweeps every cloud now; `dry_run=true` only reports what it would have found and done.',
    status: 200,
    query: z.object({ dry_run: z.enum(['true', 'false']).optional() }) as never,
    handle: async ({ context, query }) => {
      const names = new Map((await allClouds(context.db)).map(({ id, name }) => [id, name]))
      const reports = await reconcile(context, PATIENCE, { all: true, dryRun: query.dry_run === 'true' })
      return { body: { units: reports.map((report) => shown(names, report)) } }
    },
  }),
  operation({
    name: 'drift.list',
    method: 'GET',
    path: '/v1/drift',
    who: 'reader',
    summary: 'Where a cloud is not as it was asked to be: what, since when, intent and observation.',
    status: 200,
    handle: async ({ context }) => {
      const names = new Map((await allClouds(context.db)).map(({ id, name }) => [id, name]))
      const drift = (await allDrift(context.db, context.scope)).map((d) => ({
        kind: d.kind,
        resource_id: d.resourceId,
        project_id: d.projectId,
        cloud: names.get(d.cloudId) ?? d.cloudId,
        what: d.what,
        intent: d.intent,
        observed: d.observed,
        first_seen_at: iso(d.firstSeenAt),
      }))
      return { body: { drift } }
    },
  }),
]
