import { and, eq, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { bindings } from '../../schema/index.ts'
import type { Binding } from './bindings.ts'

/** What a binding stands for from now on. */
export interface Rebound {
  nativeId: string
  /** Absent: as it was. */
  token?: string
  epoch?: number
  frozen: Json
  /** Digest of what was seen of it. */
  observed: string
}

/**
 * Statement: another object of the cloud stands for the resource, if the one that was seen still does. Whoever works on the
 * binding meanwhile has lost it, and what its user changed since is told to the other object.
 */
export const rebind = (
  db: Database,
  { kind, resourceId, cloudId, scope, nativeId }: Binding,
  to: Rebound,
  now: number,
) =>
  db
    .update(bindings)
    .set({
      ...to,
      phase: 'bound',
      task: null,
      missing: 0,
      attempts: 0,
      error: null,
      boundAt: now,
      seenAt: now,
      revision: sql`${bindings.revision} + 1`,
      fence: sql`${bindings.fence} + 1`,
      leaseUntil: 0,
      dueAt: now,
      updatedAt: now,
    })
    .where(
      and(
        eq(bindings.kind, kind),
        eq(bindings.resourceId, resourceId),
        eq(bindings.cloudId, cloudId),
        eq(bindings.scope, scope),
        eq(bindings.nativeId, nativeId ?? ''),
      ),
    )
