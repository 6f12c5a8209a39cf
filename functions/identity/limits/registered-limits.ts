import * as z from 'zod'
import {
  deleteRegistered,
  insertRegistered,
  isReplaced,
  listRegistered,
  type RegisteredRow,
  registeredById,
  updateRegistered,
} from '../../../db/queries/limits/limits.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { inexactly } from '../filters.ts'
import { MANAGING_ALL } from '../reach.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink } from '../views.ts'
import {
  descriptionField,
  limitSchema,
  MOST_AT_ONCE,
  resourceFields,
  resourceFilter,
  resourceOf,
  resourcesHold,
  resourceView,
} from './resources.ts'

/* What each project has of a resource of an operator's own service, unless a limit says otherwise. */

const fields = { ...resourceFields, default_limit: limitSchema, description: descriptionField }
const creation = z.object({ registered_limits: z.array(z.strictObject(fields)).min(1).max(MOST_AT_ONCE) })
const change = z.object({ registered_limit: z.strictObject(fields).partial() })

const MANY = '/v3/registered_limits'
const ONE = `${MANY}/:id`
const TARGET = 'registered_limit'

const view = (row: RegisteredRow, base: string) => ({
  ...{ id: row.id, ...resourceView(row), default_limit: row.defaultLimit, description: row.description },
  links: selfLink(base, `/registered_limits/${row.id}`),
})

const registeredOf = async ({ db }: Pick<Context, 'db'>, id: string): Promise<RegisteredRow> => {
  const row = await registeredById(db, id)
  if (!row) throw notFound(`Could not find registered limit for ${id}.`)
  return row
}
const taken = () => conflict('Conflict occurred attempting to store registered_limit - Duplicate entry.')
/** Keystone changes none that something stands in the place of (keystone/limit/backends/sql.py). */
const unreplaced = (id: string) => ({
  violated: isReplaced(id),
  refusal: forbidden(
    `Unable to update or delete registered limit ${id} because there are project limits associated with it.`,
  ),
})

export const registeredLimitOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'registered_limit.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary:
      "What each project has of resources of an operator's own services; filters `service_id`, `region_id` and `resource_name`, exact or not.",
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const views = (await listRegistered(context.db, resourceFilter(query))).map((row) => view(row, base))
      const left = inexactly(queries, ['service_id', 'region_id', 'resource_name'], views)
      return collection('registered_limits', left, base, '/registered_limits')
    },
  }),
  operation({
    name: 'registered_limit.create',
    method: 'POST',
    path: MANY,
    ...MANAGING_ALL,
    summary:
      'Says what each project has of resources, for services that an operator added and that ask for it. What projects have of services of this broker is said by their quotas.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { registered_limits: asked }, base }) => {
      const rows = asked.map(
        (each): RegisteredRow => ({
          ...{ id: context.newId().replaceAll('-', ''), ...resourceOf(each) },
          ...{ defaultLimit: each.default_limit, description: each.description ?? null },
        }),
      )
      const rules = await resourcesHold(context, services(), rows, TARGET)
      const entry = { action: 'create', kind: TARGET, resourceId: rows[0]!.id, detail: { count: rows.length } }
      await commitIf(
        context,
        rules,
        entry,
        rows.map((row) => insertRegistered(context.db, row)),
      )
      return { body: { registered_limits: rows.map((row) => view(row, base)) } }
    },
    refuse: (error) => (isTaken(error) ? taken() : undefined),
  }),
  operation({
    name: 'registered_limit.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'What each project has of one resource.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { registered_limit: view(await registeredOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'registered_limit.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Changes what each project has, while no limit stands in its place.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { registered_limit: asked }, base }) => {
      const row = await registeredOf(context, params.id!)
      const changed: RegisteredRow = {
        ...row,
        serviceId: asked.service_id ?? row.serviceId,
        regionId: asked.region_id === undefined ? row.regionId : (asked.region_id ?? ''),
        resourceName: asked.resource_name ?? row.resourceName,
        defaultLimit: asked.default_limit ?? row.defaultLimit,
        description: asked.description === undefined ? row.description : asked.description,
      }
      const rules = [unreplaced(row.id), ...(await resourcesHold(context, services(), [changed], TARGET))]
      const entry = { action: 'update', kind: TARGET, resourceId: row.id }
      await commitIf(context, rules, entry, [updateRegistered(context.db, changed)])
      return { body: { registered_limit: view(changed, base) } }
    },
    refuse: (error) => (isTaken(error) ? taken() : undefined),
  }),
  operation({
    name: 'registered_limit.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Says no more what each project has of a resource.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id } = await registeredOf(context, params.id!)
      const entry = { action: 'delete', kind: TARGET, resourceId: id }
      await commitIf(context, [unreplaced(id)], entry, [deleteRegistered(context.db, id)])
      return {}
    },
  }),
]
