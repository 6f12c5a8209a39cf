import * as z from 'zod'
import type { ProjectRow } from '../../../db/queries/identity/identity.ts'
import { Fault } from '../../http/fault.ts'

/* Keystone's resource options (keystone/common/resource_options): null takes one away. */

type Options = ProjectRow['options']
const flag = z.boolean().nullish()

/** Of roles, projects and domains. */
export const resourceOptions = z.strictObject({ immutable: flag }).optional()

/**
 * Of users. No password here expires, has to be changed at first, or ends by not being used, so that what is told to ignore this
 * is so. Rules of several methods and exemption from locks are not offered: to take them would promise what does not hold.
 */
export const userOptions = z
  .strictObject({
    ignore_change_password_upon_first_use: flag,
    ignore_password_expiry: flag,
    ignore_user_inactivity: flag,
    lock_password: flag,
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
