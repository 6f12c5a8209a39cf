import * as z from 'zod'
import {
  deleteEndpoint,
  type EndpointRow,
  ensureRegion,
  insertEndpoint,
  noRegion,
  noService,
  ownEndpoints,
  updateEndpoint,
} from '../../../db/queries/identity/catalogue.ts'
import { commit } from '../../broker/line/commit.ts'
import { openObject } from '../../http/dictionary.ts'
import { badRequest, forbidden } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { endpoints, entries, placeOf } from '../catalog.ts'
import { extraOf } from '../properties.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { missing, unknown } from '../refusals.ts'
import { commitIf, type Rule } from '../rules.ts'
import { collection, flagOf, selfLink } from '../views.ts'
import { forgetOwn } from './own.ts'

const fields = {
  interface: z.enum(['admin', 'internal', 'public']),
  url: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^[a-zA-Z0-9+.-]+:.+/, 'must be a URL'),
  service_id: z.string().min(1).max(64),
  region_id: z.string().max(255).nullish(),
  region: z.string().max(255).nullish(),
  name: z.string().max(255).nullish(),
  enabled: z.boolean().optional(),
}
const KNOWN = ['interface', 'url', 'service_id', 'region_id', 'region', 'enabled', 'id', 'links']
const creation = z.object({ endpoint: openObject(z.looseObject(fields)) })
const change = z.object({ endpoint: openObject(z.looseObject({ ...fields }).partial()) })

const NAMES = ['project_id', 'tenant_id']
/** 400 for a URL with a name that no token has a value for (keystone/common/utils.py, `check_endpoint_url`). */
const assertUrl = (url: string | undefined): void => {
  const names = [...(url ?? '').matchAll(/[$%]\(([^()]{0,100})\)(s?)/g)]
  if (names.some(([, name, end]) => end !== 's' || !NAMES.includes(name!)))
    throw badRequest(`Cannot create an endpoint with an invalid URL: ${url}.`)
}

const view = (row: EndpointRow, base: string) => ({
  ...row.extra,
  ...{ id: row.id, service_id: row.serviceId, interface: row.interface, url: row.url, enabled: row.enabled },
  ...{ region_id: row.regionId, region: row.regionId },
  links: selfLink(base, `/endpoints/${row.id}`),
})
export type EndpointView = ReturnType<typeof view>

const builtIn = (services: Service[], input: Input): EndpointView[] =>
  entries(services).flatMap((entry) =>
    endpoints(entry, placeOf(input), '$(project_id)s').map(({ id, interface: side, region_id, url }) =>
      view(
        { id, serviceId: entry.id, interface: side, regionId: region_id, url, enabled: true, extra: {} },
        input.base,
      ),
    ),
  )
/** Every endpoint as it is shown: those of this broker, and those of an operator. @param own those, where they were read */
export const endpointViews = async (
  services: Service[],
  input: Input,
  own?: EndpointRow[],
): Promise<EndpointView[]> => [
  ...builtIn(services, input),
  ...(own ?? (await ownEndpoints(input.context.db))).map((row) => view(row, input.base)),
]

/** The operator's endpoint of an id. 404 for none, 403 for one of this broker. */
const changeable = async (services: Service[], input: Input): Promise<EndpointRow> => {
  const id = input.params.id!
  if (builtIn(services, input).some((each) => each.id === id))
    throw forbidden(`Endpoint ${id} is one of this broker, and stays as it is.`)
  const row = (await ownEndpoints(input.context.db)).find((each) => each.id === id)
  if (!row) throw unknown('endpoint', id)
  return row
}

type Asked = {
  service_id?: string | undefined
  region_id?: string | null | undefined
  region?: string | null | undefined
}
/** 400 for a service or a region that there is not when it is written. `region`, of the second version of the API, makes its region. */
const placeHolds = (services: Service[], { context: { settings } }: Input, asked: Asked): Rule[] => {
  const { service_id, region_id } = asked
  const own = service_id !== undefined && !entries(services).some(({ id }) => id === service_id)
  const other = region_id != null && region_id !== settings.region
  return [
    ...(own ? [{ violated: noService(service_id), refusal: missing('endpoint service_id', 'service table') }] : []),
    ...(other ? [{ violated: noRegion(region_id), refusal: missing('endpoint region_id', 'region table') }] : []),
  ]
}
const regionOf = ({ region_id, region }: Asked): string | null | undefined => region_id ?? region
const regionOfOld = ({ context: { db, settings } }: Input, { region_id, region }: Asked) =>
  region_id == null && region != null && region !== settings.region ? [ensureRegion(db, region)] : []

export const endpointOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'endpoint.list',
    method: 'GET',
    path: '/v3/endpoints',
    ...READING_ALL,
    summary: 'Every endpoint; filters `service_id`, `interface`, `region_id` and `enabled`.',
    status: 200,
    handle: async (input) => {
      const { service_id, interface: side, region_id } = input.query
      const enabled = flagOf(input.query.enabled)
      const wanted = (await endpointViews(services(), input)).filter(
        (e) =>
          (!service_id || e.service_id === service_id) &&
          (!side || e.interface === side) &&
          (!region_id || e.region_id === region_id) &&
          (enabled === undefined || e.enabled === enabled),
      )
      return collection('endpoints', wanted, input.base, '/endpoints')
    },
  }),
  operation({
    name: 'endpoint.create',
    method: 'POST',
    path: '/v3/endpoints',
    ...MANAGING_ALL,
    summary: 'Adds an endpoint to a service, beside those of this broker; tokens show it within five seconds.',
    status: 201,
    body: creation,
    handle: async (input) => {
      const { context, body, base } = input
      const { endpoint } = body
      assertUrl(endpoint.url)
      const rules = placeHolds(services(), input as Input, endpoint)
      const row: EndpointRow = {
        id: context.newId().replaceAll('-', ''),
        serviceId: endpoint.service_id,
        interface: endpoint.interface,
        regionId: regionOf(endpoint) ?? null,
        url: endpoint.url,
        enabled: endpoint.enabled ?? true,
        extra: extraOf(endpoint, KNOWN),
      }
      const entry = { action: 'create', kind: 'endpoint', resourceId: row.id, detail: { service: row.serviceId } }
      const writes = [...regionOfOld(input as Input, endpoint), insertEndpoint(context.db, row)]
      await commitIf(context, rules, entry, writes)
      forgetOwn(context)
      return { body: { endpoint: view(row, base) } }
    },
  }),
  operation({
    name: 'endpoint.get',
    method: 'GET',
    path: '/v3/endpoints/:id',
    ...READING_ALL,
    summary: 'One endpoint.',
    status: 200,
    handle: async (input) => {
      const endpoint = (await endpointViews(services(), input)).find(({ id }) => id === input.params.id)
      if (!endpoint) throw unknown('endpoint', input.params.id!)
      return { body: { endpoint } }
    },
  }),
  operation({
    name: 'endpoint.update',
    method: 'PATCH',
    path: '/v3/endpoints/:id',
    ...MANAGING_ALL,
    summary: 'Changes an endpoint that an operator added.',
    status: 200,
    body: change,
    handle: async (input) => {
      const { context, body, base } = input
      const { endpoint } = body
      const row = await changeable(services(), input as Input)
      assertUrl(endpoint.url)
      const rules = placeHolds(services(), input as Input, endpoint)
      const region = regionOf(endpoint)
      const changed: EndpointRow = {
        ...row,
        serviceId: endpoint.service_id ?? row.serviceId,
        interface: endpoint.interface ?? row.interface,
        regionId: region === undefined ? row.regionId : region,
        url: endpoint.url ?? row.url,
        enabled: endpoint.enabled ?? row.enabled,
        extra: { ...row.extra, ...extraOf(endpoint, KNOWN) },
      }
      const entry = { action: 'update', kind: 'endpoint', resourceId: row.id }
      await commitIf(context, rules, entry, [
        ...regionOfOld(input as Input, endpoint),
        updateEndpoint(context.db, row.id, changed),
      ])
      forgetOwn(context)
      return { body: { endpoint: view(changed, base) } }
    },
  }),
  operation({
    name: 'endpoint.delete',
    method: 'DELETE',
    path: '/v3/endpoints/:id',
    ...MANAGING_ALL,
    summary: 'Removes an endpoint that an operator added.',
    status: 204,
    handle: async (input) => {
      const { context } = input
      const row = await changeable(services(), input)
      const entry = { action: 'delete', kind: 'endpoint', resourceId: row.id, detail: { service: row.serviceId } }
      await commit(context, entry, [...deleteEndpoint(context.db, row.id)])
      forgetOwn(context)
      return {}
    },
  }),
]
