import * as z from 'zod'
import type { ProjectRow } from '../../../db/queries/identity/identity.ts'
import { Fault } from '../../http/fault.ts'

/* Keystone's resource options (keystone/common/resource_options): null takes one away. */

type Options = ProjectRow['options']
const flag = z.boolean().nullish()

/** Of roles, projects and domains. */
export const resourceOptions = z.strictObject({ immutable: flag }).optional()

const unlike = <T>(items: T[]) => new Set(items.map((item) => JSON.stringify(item))).size === items.length
const rule = z.array(z.string().min(1).max(64)).min(1).max(8).refine(unlike, 'must not name a method twice')

/** Of users. No account here ends by not being used, so that what is told to ignore this is so. */
export const userOptions = z
  .strictObject({
    ignore_change_password_upon_first_use: flag,
    ignore_lockout_failure_attempts: flag,
    ignore_password_expiry: flag,
    ignore_user_inactivity: flag,
    lock_password: flag,
    multi_factor_auth_enabled: flag,
    multi_factor_auth_rules: z.array(rule).max(32).refine(unlike, 'must not have a rule twice').nullish(),
  })
  .optional()

/** The options that are left when some are set and others (null) taken away. */
export const mergedOptions = (had: Options, given: Record<string, unknown> | undefined): Options =>
  Object.fromEntries(
    Object.entries({ ...had, ...given }).filter(([, value]) => value !== null && value !== undefined),
  ) as Options

const protectedBy = (verb: string, kind: string, id: string): Fault =>
  new Fault(
    403,
    `Unable to ${verb} immutable ${kind} resource: \`${id}. Set resource option "immutable" to false first.`,
  )

/** 403 for a change of what is immutable, but for the one that ends it, alone. */
export const assertMutable = (
  kind: 'role' | 'project' | 'domain',
  { id, options }: { id: string; options: Options },
  change: { options?: { immutable?: boolean | null | undefined } | undefined },
): void => {
  if (options.immutable !== true) return
  const given = change.options
  const ends = Object.keys(change).length === 1 && given && 'immutable' in given && given.immutable !== true
  if (!ends) throw protectedBy('update', kind, id)
}

/** 403 for the removal of what is immutable. */
export const assertRemovable = (
  kind: 'role' | 'project' | 'domain',
  { id, options }: { id: string; options: Options },
): void => {
  if (options.immutable === true) throw protectedBy('delete', kind, id)
}
