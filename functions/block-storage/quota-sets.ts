import * as z from 'zod'
import { quotaDefaults } from '../broker/line/quota.ts'
import { defaultLimits, limitsOf, resetLimits, setDefaultLimits, setLimits } from '../broker/line/quotas.ts'
import { isTrue } from '../http/boolean.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'

/** Cinder's names are the counters' own. */
const RESOURCES = Object.keys(quotaDefaults.volume)
const COUNTED = RESOURCES.filter((name) => name !== 'per_volume_gigabytes')
/** What older clients send along (cinder/quota.py, NON_QUOTA_KEYS). */
const PASSED_OVER = ['tenant_id', 'id', 'class_name']

const quotaSet = <T>(value: (resource: string) => T): Record<string, T> =>
  Object.fromEntries(RESOURCES.map((name) => [name, value(name)]))

/** The project of the path: one's own, for admins any. */
const projectIn = ({ context, params }: Input, verb: string): string => {
  const id = params.id!
  if (id !== context.caller?.projectId && !context.caller?.isAdmin)
    throw forbidden(`Policy doesn't allow volume_extension:quotas:${verb} to be performed.`)
  return id
}

/** A whole number, or its digits (cinder/api/schemas/quotas.py). */
const limit = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^-?[0-9]+$/)
      .transform(Number),
  ])
  .pipe(z.int().min(-1).max(0x7fffffff))

type Change = { quota_set: Record<string, number> }
const limits = () =>
  z
    .record(z.string(), z.unknown())
    .refine((set) => Object.keys(set).length > 0, { error: '{} does not have enough properties' })
    .refine((set) => Object.keys(set).every((key) => RESOURCES.includes(key) || PASSED_OVER.includes(key)), {
      error: (issue) =>
        `Bad key(s) in quota set: ${Object.keys(issue.input as object)
          .filter((key) => !RESOURCES.includes(key))
          .join(', ')}`,
    })
    .transform((set) => Object.fromEntries(Object.entries(set).filter(([key]) => RESOURCES.includes(key))))
    .pipe(z.record(z.string(), limit))
const change = z.strictObject({ quota_set: limits() }) as unknown as z.ZodType<Change>

type ClassChange = { quota_class_set: Record<string, number> }
const classChange = z.strictObject({ quota_class_set: limits() }) as unknown as z.ZodType<ClassChange>

const update = async (input: Input<Change>) => {
  const { context, body } = input
  const id = projectIn(input, 'update')
  const current = await limitsOf(context, id)
  for (const [key, limit] of Object.entries(body.quota_set)) {
    const { used } = current(key)
    if (limit !== -1 && COUNTED.includes(key) && limit < used)
      throw badRequest(
        `Quota ${key} limit must be equal or greater than existing resources. Current usage is ${used} and the requested limit is ${limit}.`,
      )
  }
  await setLimits(context, id, body.quota_set)
  const limits = await limitsOf(context, id)
  return { body: { quota_set: quotaSet((name) => limits(name).limit) } }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#quota-sets-extension-os-quota-sets */
export const quotaSetOperations: Operation[] = [
  operation({
    name: 'quota_set.show',
    method: 'GET',
    path: '/os-quota-sets/:id',
    who: 'reader',
    summary: 'Limits of a project; with `usage=True` what it uses beside them.',
    status: 200,
    handle: async (input) => {
      const id = projectIn(input, 'show')
      const limits = await limitsOf(input.context, id)
      const value = (name: string) => {
        const { limit, used } = limits(name)
        return isTrue(input.query.usage) ? { limit, in_use: used, reserved: 0 } : limit
      }
      return { body: { quota_set: { id, ...quotaSet<unknown>(value) } } }
    },
  }),
  operation({
    name: 'quota_set.defaults',
    method: 'GET',
    path: '/os-quota-sets/:id/defaults',
    who: 'reader',
    summary: 'Limits of a project for which nobody has set others.',
    status: 200,
    handle: async (input) => {
      const id = projectIn(input, 'show')
      return { body: { quota_set: { id, ...quotaSet(await defaultLimits(input.context, id)) } } }
    },
  }),
  operation<Change>({
    name: 'quota_set.update',
    method: 'PUT',
    path: '/os-quota-sets/:id',
    who: 'admin',
    summary: 'Sets limits of a project; -1 is unlimited.',
    status: 200,
    body: change,
    handle: update,
  }),
  operation({
    name: 'quota_set.delete',
    method: 'DELETE',
    path: '/os-quota-sets/:id',
    who: 'admin',
    summary: 'Sets the limits of a project back to the defaults.',
    status: 200,
    handle: async (input) => {
      await resetLimits(input.context, projectIn(input, 'delete'), RESOURCES)
      return {}
    },
  }),
  operation({
    name: 'quota_class_set.show',
    method: 'GET',
    path: '/os-quota-class-sets/:id',
    who: 'admin',
    summary: 'The limits that projects start with; there is one class, `default`.',
    status: 200,
    handle: async ({ context, params }) => ({
      body: { quota_class_set: { id: params.id, ...quotaSet(await defaultLimits(context, null)) } },
    }),
  }),
  operation<ClassChange>({
    name: 'quota_class_set.update',
    method: 'PUT',
    path: '/os-quota-class-sets/:id',
    who: 'admin',
    summary: 'Says what projects start with, and all have for which nobody said something else.',
    status: 200,
    body: classChange,
    handle: async ({ context, params, body }) => {
      if (params.id !== 'default') throw badRequest(`There is one quota class, default, and no ${params.id}.`)
      await setDefaultLimits(context, body.quota_class_set)
      return { body: { quota_class_set: quotaSet(await defaultLimits(context, null)) } }
    },
  }),
]
