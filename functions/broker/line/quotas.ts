import { type QuotaRow, quotasOf, quotasOfKnown, setMaxima } from '../../../db/queries/quotas.ts'
import type { Context } from '../../context.ts'
import { commit } from './commit.ts'
import { defaultMaximum } from './quota.ts'

export interface Limit {
  /** -1: unlimited. */
  limit: number
  used: number
}

export type Limits = (resource: string) => Limit

const limitsIn = (rows: QuotaRow[]): Limits => {
  const byResource = new Map(rows.map(([resource, limit, used]) => [resource, { limit, used }]))
  return (resource) => {
    const { limit = defaultMaximum[resource] ?? -1, used = 0 } = byResource.get(resource) ?? {}
    return { limit, used }
  }
}

/** What a project may have and has of each resource. Another project's are at their defaults to a caller who may not see them. */
export const limitsOf = async (context: Pick<Context, 'db' | 'scope'>, projectId: string): Promise<Limits> =>
  limitsIn(await quotasOf(context.db, context.scope, projectId))

/** The same of whatever project, for administrators; null: there is no such project. */
export const limitsOfKnown = async ({ db }: Pick<Context, 'db'>, projectId: string): Promise<Limits | null> => {
  const rows = await quotasOfKnown(db, projectId)
  return rows && limitsIn(rows)
}

/** Sets limits of a project. A limit below what is used stops growth and takes nothing away. */
export const setLimits = (context: Context, projectId: string, maxima: Record<string, number>): Promise<void> =>
  commit(context, { action: 'set_quota', kind: 'project', resourceId: projectId, detail: maxima }, [
    setMaxima(context.db, projectId, maxima),
  ])

/** Back to the defaults. */
export const resetLimits = (context: Context, projectId: string, resources: string[]): Promise<void> =>
  setLimits(
    context,
    projectId,
    Object.fromEntries(resources.map((resource) => [resource, defaultMaximum[resource] ?? -1])),
  )
