import * as z from 'zod'
import {
  deleteServiceProvider,
  insertServiceProvider,
  listServiceProviders,
  noServiceProvider,
  type ServiceProviderRow,
  updateServiceProvider,
} from '../../../db/queries/federation/federation.ts'
import { commit } from '../../broker/line/commit.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { badRequest, conflict } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { forgetOwn } from '../catalogue/own.ts'
import { named } from '../directory/named.ts'
import { inexactly } from '../filters.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, flagOf, selfLink } from '../views.ts'

/* Other clouds of an operator's, as an operator lists them: https://docs.openstack.org/api-ref/identity/v3-ext/#service-providers */

const url = z.url().max(256)
const fields = {
  auth_url: url,
  sp_url: url,
  enabled: z.boolean().optional(),
  description: z.string().max(16_384).nullish(),
  relay_state_prefix: z.string().max(256).nullish(),
}
const creation = z.object({ service_provider: z.strictObject(fields) })
const change = z.object({ service_provider: z.strictObject(fields).partial() })

const MANY = '/v3/OS-FEDERATION/service_providers'
const ONE = `${MANY}/:id`
const PREFIX = 'ss:mem:'

const view = (row: ServiceProviderRow, base: string) => ({
  ...{ id: row.id, enabled: row.enabled, description: row.description, auth_url: row.authUrl, sp_url: row.spUrl },
  relay_state_prefix: row.relayStatePrefix,
  links: selfLink(base, `/OS-FEDERATION/service_providers/${row.id}`),
})
const providerOf = async ({ db }: Context, id: string): Promise<ServiceProviderRow> => {
  const row = (await listServiceProviders(db)).find((each) => each.id === id)
  if (!row) throw unknown('Service Provider', id)
  return row
}

export const serviceProviderOperations: Operation[] = [
  operation({
    name: 'service_provider.list',
    method: 'GET',
    path: MANY,
    ...READING_ALL,
    summary: "Other clouds of an operator's; filters `id`, exact or not, and `enabled`.",
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const enabled = flagOf(query.enabled)
      const rows = (await listServiceProviders(context.db)).filter(
        (row) => (query.id === undefined || row.id === query.id) && (enabled === undefined || row.enabled === enabled),
      )
      const views = rows.map((row) => view(row, base))
      const left = inexactly(queries, ['id'], views)
      return collection('service_providers', left, base, '/OS-FEDERATION/service_providers')
    },
  }),
  operation({
    name: 'service_provider.create',
    method: 'PUT',
    path: ONE,
    ...MANAGING_ALL,
    summary:
      'Lists another cloud, which tokens show while it is enabled. Nobody is sent there: assertions of SAML are not made here.',
    status: 201,
    body: creation,
    handle: async ({ context, params, body: { service_provider: asked }, base }) => {
      const id = params.id!
      if (id.length > 64) throw badRequest('The id is too long.')
      const row: ServiceProviderRow = {
        ...{ id, enabled: asked.enabled ?? false, description: asked.description ?? null },
        ...{ authUrl: asked.auth_url, spUrl: asked.sp_url, relayStatePrefix: asked.relay_state_prefix ?? PREFIX },
      }
      const entry = { action: 'create', kind: 'service_provider', resourceId: id }
      await commit(context, entry, [insertServiceProvider(context.db, row)])
      forgetOwn(context)
      return { body: { service_provider: view(row, base) } }
    },
    refuse: (error) =>
      isTaken(error)
        ? conflict('Conflict occurred attempting to store service_provider - Duplicate entry.')
        : undefined,
  }),
  operation({
    name: 'service_provider.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'One other cloud.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { service_provider: view(await providerOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'service_provider.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Changes what is said of another cloud.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { service_provider: asked }, base }) => {
      const row = await providerOf(context, params.id!)
      const set = named<ServiceProviderRow>({
        enabled: asked.enabled ?? undefined,
        description: asked.description,
        authUrl: asked.auth_url ?? undefined,
        spUrl: asked.sp_url ?? undefined,
        relayStatePrefix: asked.relay_state_prefix ?? undefined,
      })
      const entry = { action: 'update', kind: 'service_provider', resourceId: row.id }
      const rules = [{ violated: noServiceProvider(row.id), refusal: unknown('Service Provider', row.id) }]
      const writes = Object.keys(set).length ? [updateServiceProvider(context.db, row.id, set)] : []
      await commitIf(context, rules, entry, writes)
      forgetOwn(context)
      return { body: { service_provider: view({ ...row, ...set }, base) } }
    },
  }),
  operation({
    name: 'service_provider.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Lists another cloud no more.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id } = await providerOf(context, params.id!)
      const entry = { action: 'delete', kind: 'service_provider', resourceId: id }
      await commit(context, entry, [deleteServiceProvider(context.db, id)])
      forgetOwn(context)
      return {}
    },
  }),
]
