import { own } from '../../../adapters/table.ts'
import {
  defaultMaxima,
  deleteUserMaxima,
  type QuotaRows,
  quotasOf,
  quotasOfAll,
  quotasOfKnown,
  setDefaultMaxima,
  setMaxima,
  setUserMaxima,
  unsetMaxima,
  userQuotasOf,
} from '../../../db/queries/quotas.ts'
import type { Context } from '../../context.ts'
import { commit } from './commit.ts'
import { defaultMaximum } from './quota.ts'

export interface Limit {
  /** -1: unlimited. */
  limit: number
  used: number
}

export type Limits = (resource: string) => Limit

const defaultLimit = (said: Record<string, number>, resource: string): number =>
  own(said, resource) ?? defaultMaximum[resource] ?? -1

const limitsIn = ({ rows, defaults }: QuotaRows): Limits => {
  const byResource = new Map(rows.map(([resource, limit, used]) => [resource, { limit, used }]))
  return (resource) => byResource.get(resource) ?? { limit: defaultLimit(defaults, resource), used: 0 }
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

/** What a project starts with: as the template of its domain says, else an administrator, else the program. Null: any project. */
export const defaultLimits = async (
  { db }: Pick<Context, 'db'>,
  projectId: string | null,
): Promise<(resource: string) => number> => {
  const said = await defaultMaxima(db, projectId)
  return (resource) => defaultLimit(said, resource)
}

/** Limits of some resources that were given to any project, and what each starts with. */
export const limitsOfAll = async (
  { db }: Pick<Context, 'db'>,
  resources: string[],
): Promise<{ given: [projectId: string, resource: string, maximum: number][]; defaults: Record<string, number> }> => {
  const { rows, defaults } = await quotasOfAll(db, resources)
  return { given: rows, defaults: Object.fromEntries(resources.map((name) => [name, defaultLimit(defaults, name)])) }
}

/** Says what projects start with; it holds at once for all for which nobody said something else. */
export const setDefaultLimits = (context: Context, maxima: Record<string, number>): Promise<void> =>
  commit(context, { action: 'set_quota', kind: 'quota_class', resourceId: 'default', detail: maxima }, [
    setDefaultMaxima(context.db, maxima),
  ])

/** What one user of a project may have, and has: of what nobody limits for him as much as the project. */
export const limitsOfUser = async (context: Context, projectId: string, userId: string): Promise<Limits> => {
  const [ofProject, own] = await Promise.all([
    limitsOf(context, projectId),
    userQuotasOf(context.db, projectId, userId),
  ])
  const byResource = new Map(own.map(([resource, limit, used]) => [resource, { limit, used }]))
  return (resource) => {
    const his = byResource.get(resource)
    const whole = ofProject(resource)
    return his ? { limit: his.limit ?? whole.limit, used: his.used } : whole
  }
}

/** Sets limits of one user of a project. */
export const setUserLimits = (
  context: Context,
  projectId: string,
  userId: string,
  maxima: Record<string, number>,
): Promise<void> => {
  const detail = { user_id: userId, ...maxima }
  return commit(context, { action: 'set_quota', kind: 'project', resourceId: projectId, detail }, [
    setUserMaxima(context.db, projectId, userId, maxima),
  ])
}

/** One user of a project has no limits of his own any more. */
export const resetUserLimits = (context: Context, projectId: string, userId: string): Promise<void> =>
  commit(context, { action: 'reset_quota', kind: 'project', resourceId: projectId, detail: { user_id: userId } }, [
    deleteUserMaxima(context.db, projectId, userId),
  ])

/** Back to what it began with. */
export const resetLimits = (context: Context, projectId: string, resources: string[]): Promise<void> => {
  const maxima = Object.fromEntries(resources.map((resource) => [resource, defaultMaximum[resource] ?? -1]))
  return commit(context, { action: 'reset_quota', kind: 'project', resourceId: projectId, detail: { resources } }, [
    unsetMaxima(context.db, projectId, maxima),
  ])
}
