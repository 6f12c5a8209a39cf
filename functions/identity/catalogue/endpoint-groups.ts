import * as z from 'zod'
import {
  deleteEndpointGroup,
  type EndpointFilters,
  type EndpointGroupRow,
  endpointGroupAndEndpoints,
  endpointGroupById,
  insertEndpointGroup,
  listEndpointGroups,
  noEndpointGroup,
  updateEndpointGroup,
} from '../../../db/queries/identity/endpoint-filter.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { named, textOf } from '../directory/named.ts'
import { inexactly } from '../filters.ts'
import { nameText } from '../properties.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink } from '../views.ts'
import { endpointViews } from './endpoints.ts'
import { fits } from './fits.ts'
import { forgetOwn } from './own.ts'

/** keystone/catalog/schema.py */
const filters = z.strictObject({
  service_id: z.string().max(64).optional(),
  region_id: z.string().max(255).optional(),
  interface: z.enum(['admin', 'internal', 'public']).optional(),
})
const fields = { name: nameText, description: z.string().max(16_384).nullish(), filters }
const creation = z.object({ endpoint_group: z.strictObject(fields) })
const change = z.object({ endpoint_group: z.strictObject(fields).partial() })

const MANY = '/v3/OS-EP-FILTER/endpoint_groups'
const ONE = `${MANY}/:id`

/** A group of endpoints as Keystone shows it. */
export const endpointGroupView = ({ id, name, description, filters: asked }: EndpointGroupRow, base: string) => ({
  ...{ id, name, description, filters: asked },
  links: selfLink(base, `/OS-EP-FILTER/endpoint_groups/${id}`),
})

/** A group of endpoints; 404 for none. */
export const endpointGroupOf = async ({ db }: Pick<Context, 'db'>, id: string): Promise<EndpointGroupRow> => {
  const row = await endpointGroupById(db, id)
  if (!row) throw unknown('Endpoint Group', id)
  return row
}

const given = (asked: z.infer<typeof filters>): EndpointFilters => {
  const said = Object.entries(asked).filter(([, value]) => value !== undefined)
  if (!said.length) throw badRequest('filters field is required and cannot be empty')
  return Object.fromEntries(said) as EndpointFilters
}

/** Endpoints that are alike: https://docs.openstack.org/api-ref/identity/v3-ext/#os-ep-filter-api */
export const endpointGroupOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'endpoint_group.list',
    method: 'GET',
    path: MANY,
    ...READING_ALL,
    summary: 'Groups of endpoints that are alike; filter `name`, exact or not.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const views = (await listEndpointGroups(context.db, query.name)).map((row) => endpointGroupView(row, base))
      return collection('endpoint_groups', inexactly(queries, ['name'], views), base, '/OS-EP-FILTER/endpoint_groups')
    },
  }),
  operation({
    name: 'endpoint_group.create',
    method: 'POST',
    path: MANY,
    ...MANAGING_ALL,
    summary: 'Makes a group of the endpoints of a service, a region or an interface.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { endpoint_group: asked }, base }) => {
      const row: EndpointGroupRow = {
        id: context.newId().replaceAll('-', ''),
        name: asked.name,
        description: asked.description ?? '',
        filters: given(asked.filters),
      }
      const entry = { action: 'create', kind: 'endpoint_group', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [insertEndpointGroup(context.db, row)])
      return { body: { endpoint_group: endpointGroupView(row, base) } }
    },
  }),
  operation({
    name: 'endpoint_group.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'One group of endpoints.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { endpoint_group: endpointGroupView(await endpointGroupOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'endpoint_group.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Changes a group of endpoints.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { endpoint_group: asked }, base }) => {
      const row = await endpointGroupOf(context, params.id!)
      const set = named<EndpointGroupRow>({
        name: asked.name ?? undefined,
        description: textOf(asked.description),
        filters: asked.filters ? given(asked.filters) : undefined,
      })
      const entry = { action: 'update', kind: 'endpoint_group', resourceId: row.id }
      const rules = [{ violated: noEndpointGroup(row.id), refusal: unknown('Endpoint Group', row.id) }]
      const writes = Object.keys(set).length ? [updateEndpointGroup(context.db, row.id, set)] : []
      await commitIf(context, rules, entry, writes)
      forgetOwn(context)
      return { body: { endpoint_group: endpointGroupView({ ...row, ...set }, base) } }
    },
  }),
  operation({
    name: 'endpoint_group.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Removes a group of endpoints, from the projects that have it too.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await endpointGroupOf(context, params.id!)
      const entry = { action: 'delete', kind: 'endpoint_group', resourceId: row.id }
      await commit(context, entry, [...deleteEndpointGroup(context.db, row.id)])
      forgetOwn(context)
      return {}
    },
  }),
  operation({
    name: 'endpoint_group_endpoint.list',
    method: 'GET',
    path: `${ONE}/endpoints`,
    ...READING_ALL,
    denial: actionRefused('identity:list_endpoints_associated_with_endpoint_group'),
    summary: 'The endpoints of a group.',
    status: 200,
    handle: async (input) => {
      const id = input.params.id!
      const found = await endpointGroupAndEndpoints(input.context.db, id)
      if (!found) throw unknown('Endpoint Group', id)
      const all = await endpointViews(services(), input, found.endpoints)
      const within = all.filter((each) => fits(found.group.filters, each))
      return collection('endpoints', within, input.base, `/OS-EP-FILTER/endpoint_groups/${id}/endpoints`)
    },
  }),
]
