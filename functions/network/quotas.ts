import * as z from 'zod'
import { quotaDefaults } from '../broker/line/quota.ts'
import { defaultLimits, limitsOf, limitsOfAll, resetLimits, setLimits } from '../broker/line/quotas.ts'
import type { Context } from '../context.ts'
import { badRequest, Fault } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { flag, python, read } from './attributes.ts'
import { changeOf, given } from './body.ts'

/* Quotas: https://docs.openstack.org/api-ref/network/v2/#quotas-extension-quotas */

const resources = Object.keys(quotaDefaults.network)

const limit = () =>
  read((value) => {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isInteger(number) && number >= -1 && number <= 2 ** 31 - 1) return number
    throw badRequest(`Invalid input for limit. Reason: '${python(value)}' is not an integer of -1 or more.`)
  })
const update = z.strictObject({
  ...Object.fromEntries(resources.map((name) => [name, limit().optional()])),
  // What Neutron does of itself since 2025.1; it is taken, and changes nothing.
  check_limit: flag().optional(),
  force: z.unknown().optional(),
})

/** What a project starts with. */
const defaultsOf = async (context: Context, projectId: string): Promise<Record<string, number>> => {
  const limit = await defaultLimits(context, projectId)
  return Object.fromEntries(resources.map((name) => [name, limit(name)]))
}

/** Everybody sees his own project's; all others are for admins. */
const ownOnly = ({ caller }: Context, projectId: string): void => {
  if (!caller?.isAdmin && caller?.projectId !== projectId)
    throw new Fault(403, 'User does not have admin privileges: Only admin can view or configure quota.', {
      type: 'AdminRequired',
    })
}

const show = async (context: Context, projectId: string) => {
  const limits = await limitsOf(context, projectId)
  return Object.fromEntries(resources.map((name) => [name, limits(name).limit]))
}

/** No limit falls below what is used, unless it is forced (neutron/extensions/quotasv2.py, `update`). */
const refuseBelowUsage = async (context: Context, projectId: string, maxima: Record<string, number>): Promise<void> => {
  const limits = await limitsOf(context, projectId)
  for (const [name, most] of Object.entries(maxima)) {
    const { used } = limits(name)
    if (most >= 0 && most < used)
      throw badRequest(`Quota limit ${most} for ${name} must be greater than or equal to already used ${used}`)
  }
}

const details = async ({ context, params }: Input) => {
  ownOnly(context, params.id!)
  const limits = await limitsOf(context, params.id!)
  return { body: { quota: Object.fromEntries(resources.map((name) => [name, { ...limits(name), reserved: 0 }])) } }
}

export const quotaOperations: Operation[] = [
  operation({
    name: 'quota.list',
    method: 'GET',
    path: '/v2.0/quotas',
    who: 'admin',
    summary: 'Lists projects whose limits are not the defaults.',
    status: 200,
    handle: async ({ context }) => {
      const { given: limits, defaults } = await limitsOfAll(context, resources)
      const quotas = new Map<string, Record<string, number | string>>()
      for (const [projectId, resource, maximum] of limits) {
        if (maximum === defaults[resource]) continue
        const known = quotas.get(projectId)
        const set = known ?? { ...defaults, project_id: projectId, tenant_id: projectId }
        set[resource] = maximum
        if (!known) quotas.set(projectId, set)
      }
      return { body: { quotas: [...quotas.values()] } }
    },
  }),
  operation({
    name: 'quota.get',
    method: 'GET',
    path: '/v2.0/quotas/:id',
    who: 'reader',
    summary: 'Shows the limits of a project; of `tenant`, which project the token is for.',
    status: 200,
    handle: async ({ context, params }) => {
      // What neutronclient asks first (neutron/pecan_wsgi/controllers/quota.py, `get_project_quotas`).
      const own = context.caller?.projectId
      if (params.id === 'tenant' && own) return { body: { tenant: { tenant_id: own }, project: { project_id: own } } }
      ownOnly(context, params.id!)
      return { body: { quota: await show(context, params.id!) } }
    },
  }),
  operation({
    name: 'quota.get_default',
    method: 'GET',
    path: '/v2.0/quotas/:id/default',
    who: 'reader',
    summary: 'Shows the limits of a project that nobody has set any for.',
    status: 200,
    handle: async ({ context, params }) => {
      ownOnly(context, params.id!)
      return { body: { quota: await defaultsOf(context, params.id!) } }
    },
  }),
  ...['details', 'details.json'].map((path) =>
    operation({
      name: path === 'details' ? 'quota.get_details' : 'quota.get_details_json',
      method: 'GET',
      path: `/v2.0/quotas/:id/${path}`,
      who: 'reader',
      summary: 'Shows the limits of a project and what is used of them.',
      status: 200,
      handle: details,
    }),
  ),
  operation({
    name: 'quota.update',
    method: 'PUT',
    path: '/v2.0/quotas/:id',
    who: 'admin',
    summary: 'Sets limits of a project; -1 is none. One below what is used is for those who `force` it.',
    status: 200,
    body: changeOf('quota', update),
    handle: async ({ context, params, body }) => {
      const { check_limit: _, force, ...limits } = body
      const maxima = given(limits) as Record<string, number>
      if (force !== true) await refuseBelowUsage(context, params.id!, maxima)
      if (Object.keys(maxima).length) await setLimits(context, params.id!, maxima)
      return { body: { quota: await show(context, params.id!) } }
    },
  }),
  operation({
    name: 'quota.delete',
    method: 'DELETE',
    path: '/v2.0/quotas/:id',
    who: 'admin',
    summary: 'Gives a project the default limits again.',
    status: 204,
    handle: async ({ context, params }) => {
      await resetLimits(context, params.id!, resources)
      return {}
    },
  }),
]
