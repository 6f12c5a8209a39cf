import { uuid5 } from '../broker/line/uuid.ts'
import type { Caller } from '../context.ts'
import { forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { actionDenied, unknown } from './refusals.ts'
import { collection, selfLink } from './views.ts'

/** Stands for the caller's project in the path of an endpoint. */
const PROJECT = '{project_id}'
const INTERFACES = ['public', 'internal', 'admin']
/** Ids as Keystone has them, the same in every answer and after every start. */
const idOf = (...names: string[]) => uuid5(`catalog/${names.join('/')}`).replaceAll('-', '')

interface Place {
  origin: string
  region: string
}

interface Entry {
  id: string
  type: string
  name: string
  /** Path below the origin; `{project_id}` stands for the caller's project. */
  path: string
  endpointIds: string[]
}

const known = new WeakMap<Service[], Entry[]>()
/** Made once: an id is a hash of its names. */
const entries = (services: Service[]): Entry[] => {
  const made =
    known.get(services) ??
    services.flatMap(({ types, name, endpoint }) =>
      types.map((type) => ({
        id: idOf('service', type),
        type,
        name,
        path: endpoint,
        endpointIds: INTERFACES.map((each) => idOf('endpoint', type, each)),
      })),
    )
  known.set(services, made)
  return made
}

/** A token that is for no project has none of those whose URL names one. */
const endpoints = ({ path, endpointIds }: Entry, { origin, region }: Place, projectId: string) => {
  if (projectId === '' && path.includes(PROJECT)) return []
  const url = origin + path.replace(PROJECT, () => projectId)
  return INTERFACES.map((each, i) => ({ id: endpointIds[i]!, interface: each, region_id: region, region, url }))
}

/** The catalogue as a token carries it. */
const catalogFor = (services: Service[], place: Place, projectId: string) =>
  entries(services).map((entry) => ({
    id: entry.id,
    type: entry.type,
    name: entry.name,
    endpoints: endpoints(entry, place, projectId),
  }))

/** So many origins are remembered: who asks chooses, where nobody says which names are served. */
const ORIGINS = 20
const texts = new WeakMap<Service[], Map<string, string>>()

/** The same as JSON. Most of it is the same for every project. */
export const catalogText = (services: Service[], place: Place, projectId: string): string => {
  const known = texts.get(services) ?? new Map<string, string>()
  texts.set(services, known)
  const key = `${place.region} ${place.origin}${projectId === '' ? ' none' : ''}`
  let text = known.get(key)
  if (text === undefined) {
    text = JSON.stringify(catalogFor(services, place, projectId === '' ? '' : PROJECT))
    if (known.size >= ORIGINS) known.clear()
    known.set(key, text)
  }
  return text.replaceAll(PROJECT, () => JSON.stringify(projectId).slice(1, -1))
}

const placeOf = ({ origin, context }: Input): Place => ({ origin, region: context.settings.region })
const regionOf = (input: Input) => ({
  id: input.context.settings.region,
  description: '',
  parent_region_id: null,
  links: selfLink(input.base, `/regions/${input.context.settings.region}`),
})

/** GET /auth/catalog, and the parts of the catalogue one by one. */
export const catalogOperations = (services: () => Service[]): Operation[] => {
  const serviceViews = ({ base }: Input) =>
    entries(services()).map(({ id, type, name }) => ({
      id,
      type,
      name,
      enabled: true,
      links: selfLink(base, `/services/${id}`),
    }))
  const endpointViews = (input: Input) =>
    entries(services()).flatMap((entry) =>
      endpoints(entry, placeOf(input), '$(project_id)s').map((endpoint) => ({
        ...endpoint,
        service_id: entry.id,
        enabled: true,
        links: selfLink(input.base, `/endpoints/${endpoint.id}`),
      })),
    )
  const find = <T extends { id: string }>(kind: string, items: T[], id: string): T => {
    const item = items.find((each) => each.id === id)
    if (!item) throw unknown(kind, id)
    return item
  }

  return [
    operation({
      name: 'auth_catalog.get',
      method: 'GET',
      path: '/v3/auth/catalog',
      who: 'authenticated',
      summary: 'The catalogue of a token that is for a project, a domain or the system.',
      status: 200,
      handle: (input) => {
        const { projectId, domain, system } = input.context.caller as Caller
        if (!projectId && !domain && !system) throw forbidden(actionDenied('auth_catalog.get'))
        const catalog = catalogText(services(), placeOf(input), projectId)
        return { json: `{"catalog":${catalog},"links":${JSON.stringify(selfLink(input.base, '/auth/catalog'))}}` }
      },
    }),
    operation({
      name: 'service.list',
      method: 'GET',
      path: '/v3/services',
      who: 'admin',
      summary: 'Every service; filters `type` and `name`.',
      status: 200,
      handle: (input) => {
        const { type, name } = input.query
        const wanted = serviceViews(input).filter((s) => (!type || s.type === type) && (!name || s.name === name))
        return collection('services', wanted, input.base, '/services')
      },
    }),
    operation({
      name: 'service.get',
      method: 'GET',
      path: '/v3/services/:id',
      who: 'admin',
      summary: 'One service.',
      status: 200,
      handle: (input) => ({ body: { service: find('service', serviceViews(input), input.params.id!) } }),
    }),
    operation({
      name: 'endpoint.list',
      method: 'GET',
      path: '/v3/endpoints',
      who: 'admin',
      summary: 'Every endpoint; filters `service_id`, `interface` and `region_id`.',
      status: 200,
      handle: (input) => {
        const { service_id, interface: side, region_id } = input.query
        const wanted = endpointViews(input).filter(
          (e) =>
            (!service_id || e.service_id === service_id) &&
            (!side || e.interface === side) &&
            (!region_id || e.region_id === region_id),
        )
        return collection('endpoints', wanted, input.base, '/endpoints')
      },
    }),
    operation({
      name: 'endpoint.get',
      method: 'GET',
      path: '/v3/endpoints/:id',
      who: 'admin',
      summary: 'One endpoint.',
      status: 200,
      handle: (input) => ({ body: { endpoint: find('endpoint', endpointViews(input), input.params.id!) } }),
    }),
    operation({
      name: 'region.list',
      method: 'GET',
      path: '/v3/regions',
      who: 'authenticated',
      summary: 'The one region of this broker.',
      status: 200,
      handle: (input) => collection('regions', [regionOf(input)], input.base, '/regions'),
    }),
    operation({
      name: 'region.get',
      method: 'GET',
      path: '/v3/regions/:id',
      who: 'authenticated',
      summary: 'One region.',
      status: 200,
      handle: (input) => ({ body: { region: find('region', [regionOf(input)], input.params.id!) } }),
    }),
  ]
}
