import * as z from 'zod'
import {
  deleteService,
  insertService,
  ownServices,
  type ServiceRow,
  updateService,
} from '../../../db/queries/identity/catalogue.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import { openObject } from '../../http/dictionary.ts'
import { forbidden } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { type Entry, entries } from '../catalog.ts'
import { inexactly } from '../filters.ts'
import { extraOf } from '../properties.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { collection, selfLink } from '../views.ts'
import { forgetOwn } from './own.ts'

const fields = {
  type: z.string().min(1).max(255),
  name: z.string().min(1).max(255).optional(),
  description: z.string().max(16_384).nullish(),
  enabled: z.boolean().optional(),
}
const KNOWN = [...Object.keys(fields), 'id', 'links']
const creation = z.object({ service: openObject(z.looseObject(fields)) })
const change = z.object({ service: openObject(z.looseObject({ ...fields, type: fields.type.optional() })) })

const view = ({ extra, id, type, name, description, enabled }: ServiceRow, base: string) => ({
  ...extra,
  ...{ id, type, name, enabled, ...(description === null ? {} : { description }) },
  links: selfLink(base, `/services/${id}`),
})
const builtIn = ({ id, type, name }: Entry): ServiceRow => ({
  ...{ id, type, name, description: null, enabled: true, extra: {} },
})

/** Every service: those of this broker, which no one changes, and those of an operator. @param own those, where they were read */
export const servicesOf = async (context: Context, services: Service[], own?: ServiceRow[]): Promise<ServiceRow[]> => [
  ...entries(services).map(builtIn),
  ...(own ?? (await ownServices(context.db))),
]

/** The operator's service of an id. 404 for none, 403 for one of this broker. */
const changeable = async (context: Context, services: Service[], id: string): Promise<ServiceRow> => {
  if (entries(services).some((each) => each.id === id))
    throw forbidden(`Service ${id} is one of this broker, and stays as it is.`)
  const row = (await ownServices(context.db)).find((each) => each.id === id)
  if (!row) throw unknown('service', id)
  return row
}

export const serviceOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'service.list',
    method: 'GET',
    path: '/v3/services',
    ...READING_ALL,
    summary: 'Every service; filters `type` and `name`, exact or not.',
    status: 200,
    handle: async ({ context, query: { type, name }, queries, base }) => {
      const rows = (await servicesOf(context, services())).filter(
        (each) => (!type || each.type === type) && (!name || each.name === name),
      )
      const views = rows.map((row) => view(row, base))
      return collection('services', inexactly(queries, ['type', 'name'], views), base, '/services')
    },
  }),
  operation({
    name: 'service.create',
    method: 'POST',
    path: '/v3/services',
    ...MANAGING_ALL,
    summary: 'Adds a service to the catalogue, beside those of this broker.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { service }, base }) => {
      const row: ServiceRow = {
        id: context.newId().replaceAll('-', ''),
        type: service.type,
        name: service.name ?? '',
        description: service.description ?? null,
        enabled: service.enabled ?? true,
        extra: extraOf(service, KNOWN),
      }
      const entry = { action: 'create', kind: 'service', resourceId: row.id, detail: { type: row.type } }
      await commit(context, entry, [insertService(context.db, row)])
      forgetOwn(context)
      return { body: { service: view(row, base) } }
    },
  }),
  operation({
    name: 'service.get',
    method: 'GET',
    path: '/v3/services/:id',
    ...READING_ALL,
    summary: 'One service.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const row = (await servicesOf(context, services())).find(({ id }) => id === params.id)
      if (!row) throw unknown('service', params.id!)
      return { body: { service: view(row, base) } }
    },
  }),
  operation({
    name: 'service.update',
    method: 'PATCH',
    path: '/v3/services/:id',
    ...MANAGING_ALL,
    summary: 'Changes a service that an operator added.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { service }, base }) => {
      const row = await changeable(context, services(), params.id!)
      const changed: ServiceRow = {
        ...row,
        type: service.type ?? row.type,
        name: service.name ?? row.name,
        description: service.description === undefined ? row.description : service.description,
        enabled: service.enabled ?? row.enabled,
        extra: { ...row.extra, ...extraOf(service, KNOWN) },
      }
      const entry = { action: 'update', kind: 'service', resourceId: row.id }
      await commit(context, entry, [updateService(context.db, row.id, changed)])
      forgetOwn(context)
      return { body: { service: view(changed, base) } }
    },
  }),
  operation({
    name: 'service.delete',
    method: 'DELETE',
    path: '/v3/services/:id',
    ...MANAGING_ALL,
    summary: 'Removes a service that an operator added, with its endpoints.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await changeable(context, services(), params.id!)
      const entry = { action: 'delete', kind: 'service', resourceId: row.id, detail: { type: row.type } }
      await commit(context, entry, [...deleteService(context.db, row.id)])
      forgetOwn(context)
      return {}
    },
  }),
]
