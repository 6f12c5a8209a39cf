import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import { projectById } from '../../db/queries/identity/identity.ts'
import { USER_LIMITS } from '../../db/queries/quotas.ts'
import {
  defaultLimits,
  type Limits,
  limitsOf,
  limitsOfKnown,
  limitsOfUser,
  resetLimits,
  resetUserLimits,
  setDefaultLimits,
  setLimits,
  setUserLimits,
} from '../broker/line/quotas.ts'
import type { Context } from '../context.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { boolean, integer, query } from './parameters.ts'

/**
 * Nova's names, the counter that each shows, and the last microversion that has it. What Nova passed on to the network
 * service is that service's own limit.
 */
const RESOURCES: { name: string; counter: string; until: number }[] = [
  ...['instances', 'cores', 'ram', 'metadata_items', 'key_pairs', 'server_groups', 'server_group_members'].map(
    (name) => ({
      name,
      counter: name,
      until: 999,
    }),
  ),
  { name: 'fixed_ips', counter: 'fixed_ips', until: 35 },
  { name: 'floating_ips', counter: 'floatingip', until: 35 },
  { name: 'security_groups', counter: 'security_group', until: 35 },
  { name: 'security_group_rules', counter: 'security_group_rule', until: 35 },
  ...['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes'].map((name) => ({
    name,
    counter: name,
    until: 56,
  })),
]
const shownIn = (version: number) => RESOURCES.filter(({ until }) => version <= until)

/** One value for each resource that the microversion has. */
const quotaSet = <T>(version: number, value: (counter: string) => T): Record<string, T> =>
  Object.fromEntries(shownIn(version).map(({ name, counter }) => [name, value(counter)]))

/** The project of the path: one's own, or for admins any that exists. */
const mine = ({ context, params }: Input, verb: string): boolean => {
  if (params.project === context.caller?.projectId) return true
  if (context.caller?.isAdmin) return false
  throw forbidden(`Policy doesn't allow os_compute_api:os-quota-sets:${verb} to be performed.`)
}
const noProject = (id: string) => badRequest(`Project ID ${id} is not a valid project.`)

const projectOf = async (input: Input, verb: string): Promise<string> => {
  const id = input.params.project!
  if (!mine(input, verb) && !(await projectById(input.context.db, id))) throw noProject(id)
  return id
}

const limitsIn = async (input: Input, verb: string): Promise<{ id: string; limits: Limits }> => {
  const id = input.params.project!
  const limits = mine(input, verb) ? await limitsOf(input.context, id) : await limitsOfKnown(input.context, id)
  if (!limits) throw noProject(id)
  const { user_id: userId } = input.query
  return { id, limits: userId ? await limitsOfUser(input.context, id, userId) : limits }
}

type Change = { quota_set: Record<string, number | boolean | undefined> }
const change = (version: number) => {
  const limits = Object.fromEntries(shownIn(version).map(({ name }) => [name, integer(-1).optional()]))
  return z.strictObject({ quota_set: z.strictObject({ ...limits, force: boolean().optional() }) }) as z.ZodType<Change>
}

/** In one user's part of a project's limits; undefined: the project's. */
const limitsFor = (context: Context, projectId: string, userId: string | undefined): Promise<Limits> =>
  userId ? limitsOfUser(context, projectId, userId) : limitsOf(context, projectId)

/** A user has at most what his project has (nova/api/openstack/compute/quota_sets.py, `_validate_quota_limit`). */
const refuseBeyondProject = (limits: Limits, { name, counter }: { name: string; counter: string }, limit: number) => {
  if (!USER_LIMITS.includes(counter))
    throw badRequest(`Quota ${name} is not kept for single users; set that of the project.`)
  const most = limits(counter).limit
  if (most >= 0 && (limit < 0 || limit > most))
    throw badRequest(`Quota limit ${limit} for ${name} must be less than or equal to ${most}.`)
}

const update = async (
  context: Context,
  projectId: string,
  userId: string | undefined,
  version: number,
  { quota_set: asked }: Change,
) => {
  const current = await limitsFor(context, projectId, userId)
  const whole = userId && (await limitsOf(context, projectId))
  const maxima: Record<string, number> = table()
  for (const { name, counter } of shownIn(version)) {
    const limit = asked[name]
    if (typeof limit !== 'number') continue
    if (whole) refuseBeyondProject(whole, { name, counter }, limit)
    const { used } = current(counter)
    if (!asked.force && limit !== -1 && limit < used)
      throw badRequest(
        `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${used}.`,
      )
    maxima[counter] = limit
  }
  if (!Object.keys(maxima).length) return
  await (userId ? setUserLimits(context, projectId, userId, maxima) : setLimits(context, projectId, maxima))
}

/** With `user_id` it is about that user's part of what the project may have. */
const ownQuery = query(['user_id'])

/** What a class takes (nova/api/openstack/compute/schemas/quota_classes.py): what network services have has left it in 2.50. */
const classTaken = (version: number) => shownIn(version < 50 ? Math.min(version, 35) : version)
/** And what it shows: server groups, which it always took, from 2.50 on. */
const classShown = (version: number) =>
  classTaken(version).filter(({ name }) => version >= 50 || !name.startsWith('server_group'))
const classSet = async (context: Context, version: number) => {
  const limit = await defaultLimits(context, null)
  return Object.fromEntries(classShown(version).map(({ name, counter }) => [name, limit(counter)]))
}
type ClassChange = { quota_class_set: Record<string, number> }
const classChange = (version: number) =>
  z.strictObject({
    quota_class_set: z.strictObject(
      Object.fromEntries(classTaken(version).map(({ name }) => [name, integer(-1).optional()])),
    ),
  }) as z.ZodType<ClassChange>

/** https://docs.openstack.org/api-ref/compute/#quota-sets-os-quota-sets */
export const quotaOperations: Operation[] = [
  operation({
    name: 'quota_set.show',
    method: 'GET',
    path: '/os-quota-sets/:project',
    who: 'reader',
    summary: 'Limits of a project; with `user_id` those of one user in it.',
    status: 200,
    query: ownQuery,
    handle: async (input) => {
      const { id, limits } = await limitsIn(input, 'show')
      return { body: { quota_set: { id, ...quotaSet(input.version, (counter) => limits(counter).limit) } } }
    },
  }),
  operation({
    name: 'quota_set.defaults',
    method: 'GET',
    path: '/os-quota-sets/:project/defaults',
    who: 'reader',
    summary: 'Limits of a project for which nobody has set others.',
    status: 200,
    handle: async (input) => {
      const id = await projectOf(input, 'defaults')
      const limit = await defaultLimits(input.context, id)
      return { body: { quota_set: { id, ...quotaSet(input.version, limit) } } }
    },
  }),
  operation({
    name: 'quota_set.detail',
    method: 'GET',
    path: '/os-quota-sets/:project/detail',
    who: 'reader',
    summary: 'Limits of a project beside what it uses.',
    status: 200,
    query: ownQuery,
    handle: async (input) => {
      const { id, limits } = await limitsIn(input, 'detail')
      const detail = (counter: string) => {
        const { limit, used } = limits(counter)
        return { limit, in_use: used, reserved: 0 }
      }
      return { body: { quota_set: { id, ...quotaSet(input.version, detail) } } }
    },
  }),
  operation({
    name: 'quota_set.update',
    method: 'PUT',
    path: '/os-quota-sets/:project',
    who: 'admin',
    summary: 'Sets limits of a project, or with `user_id` of one user in it; -1 is unlimited.',
    status: 200,
    query: ownQuery,
    body: change,
    handle: async (input) => {
      const { user_id: userId } = input.query
      const id = await projectOf(input, 'update')
      await update(input.context, id, userId, input.version, input.body)
      const limits = await limitsFor(input.context, id, userId)
      return { body: { quota_set: quotaSet(input.version, (counter) => limits(counter).limit) } }
    },
  }),
  operation({
    name: 'quota_set.delete',
    method: 'DELETE',
    path: '/os-quota-sets/:project',
    who: 'admin',
    summary: 'Sets the limits of a project back to what it began with, or takes those of one user away.',
    status: 202,
    query: ownQuery,
    handle: async (input) => {
      const { user_id: userId } = input.query
      const id = await projectOf(input, 'delete')
      if (userId) {
        await resetUserLimits(input.context, id, userId)
        return {}
      }
      const resources = RESOURCES.filter(({ until }) => until !== 35).map(({ counter }) => counter)
      await resetLimits(input.context, id, resources)
      return {}
    },
  }),
  operation({
    name: 'quota_class_set.show',
    method: 'GET',
    path: '/os-quota-class-sets/:class',
    who: 'admin',
    summary: 'The limits that projects start with; there is one class, `default`.',
    status: 200,
    handle: async ({ context, params, version }) => ({
      body: { quota_class_set: { id: params.class, ...(await classSet(context, version)) } },
    }),
  }),
  operation<ClassChange>({
    name: 'quota_class_set.update',
    method: 'PUT',
    path: '/os-quota-class-sets/:class',
    who: 'admin',
    summary: 'Says what projects start with, and all have for which nobody said something else.',
    status: 200,
    body: classChange,
    handle: async ({ context, params, body, version }) => {
      if (params.class !== 'default') throw badRequest(`There is one quota class, default, and no ${params.class}.`)
      const said = classTaken(version).flatMap(({ name, counter }) => {
        const limit = body.quota_class_set[name]
        return limit === undefined ? [] : [[counter, limit] as const]
      })
      if (said.length) await setDefaultLimits(context, Object.fromEntries(said))
      return { body: { quota_class_set: await classSet(context, version) } }
    },
  }),
]
