import type { EndpointRow, OwnCatalogue } from '../../db/queries/identity/catalogue.ts'
import { filterOf, type ProjectFilter } from '../../db/queries/identity/endpoint-filter.ts'
import { uuid5 } from '../broker/line/uuid.ts'
import type { Caller, Context } from '../context.ts'
import { forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { fits } from './catalogue/fits.ts'
import { ownOf } from './catalogue/own.ts'
import { actionDenied } from './refusals.ts'
import { selfLink } from './views.ts'

/** Stands for the caller's project in the path of an endpoint. */
const PROJECT = '{project_id}'
const INTERFACES = ['public', 'internal', 'admin']
/** Ids as Keystone has them, the same in every answer and after every start. */
const idOf = (...names: string[]) => uuid5(`catalog/${names.join('/')}`).replaceAll('-', '')

export interface Place {
  origin: string
  region: string
}

export interface Entry {
  id: string
  type: string
  name: string
  /** Path below the origin; `{project_id}` stands for the caller's project. */
  path: string
  endpointIds: string[]
}

const known = new WeakMap<Service[], Entry[]>()
/** Made once: an id is a hash of its names. */
export const entries = (services: Service[]): Entry[] => {
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
export const endpoints = ({ path, endpointIds }: Entry, { origin, region }: Place, projectId: string) => {
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
const ownText = (services: Service[], place: Place, projectId: string): string => {
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

/** An endpoint of an operator's for a project; none for none, where the URL names one. */
const ownEndpoint = ({ id, interface: side, regionId, url }: EndpointRow, projectId: string) => {
  const names = /[$%]\((project|tenant)_id\)s/g
  if (projectId === '' && names.test(url)) return []
  return [{ id, interface: side, region_id: regionId, region: regionId, url: url.replace(names, () => projectId) }]
}

/** What an operator added, where it is enabled, among what this broker serves. */
const withOwn = (catalogue: ReturnType<typeof catalogFor>, own: OwnCatalogue, projectId: string) => {
  const endpointsOf = (id: string) =>
    own.endpoints
      .filter((each) => each.enabled && each.serviceId === id)
      .flatMap((each) => ownEndpoint(each, projectId))
  return [
    ...catalogue.map((entry) => ({ ...entry, endpoints: [...entry.endpoints, ...endpointsOf(entry.id)] })),
    ...own.services
      .filter(({ enabled }) => enabled)
      .map(({ id, type, name }) => ({ id, type, name, endpoints: endpointsOf(id) })),
  ]
}

/** What of a catalogue a project is shown: those endpoints, and the services that have one of them. */
const cutTo = (catalogue: ReturnType<typeof withOwn>, { ids, groups }: ProjectFilter) =>
  catalogue
    .map((entry) => ({
      ...entry,
      endpoints: entry.endpoints.filter(
        (each) => ids.includes(each.id) || groups.some((group) => fits(group, { ...each, service_id: entry.id })),
      ),
    }))
    .filter(({ endpoints: left }) => left.length > 0)

/** So many projects are remembered with their catalogue, as long as what was added to it counts. */
const PROJECTS = 100
const textsWithOwn = new WeakMap<OwnCatalogue, Map<string, string>>()

/** The catalogue of a token for a project, or for none, as JSON. */
export const catalogText = async (
  context: Pick<Context, 'db' | 'now'>,
  services: Service[],
  place: Place,
  projectId: string,
): Promise<string> => {
  const own = await ownOf(context)
  const mayBeCut = own.filtered && projectId !== ''
  if (!mayBeCut && !own.services.length && !own.endpoints.length) return ownText(services, place, projectId)
  const known = textsWithOwn.get(own) ?? new Map<string, string>()
  textsWithOwn.set(own, known)
  const key = `${place.region} ${place.origin} ${projectId}`
  const last = known.get(key)
  if (last !== undefined) return last
  const filter = mayBeCut ? await filterOf(context.db, projectId) : null
  const whole = withOwn(catalogFor(services, place, projectId), own, projectId)
  const text = JSON.stringify(filter ? cutTo(whole, filter) : whole)
  if (known.size >= PROJECTS) known.clear()
  known.set(key, text)
  return text
}

export const placeOf = ({ origin, context }: Input): Place => ({ origin, region: context.settings.region })

/** GET /auth/catalog. */
export const catalogOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'auth_catalog.get',
    method: 'GET',
    path: '/v3/auth/catalog',
    who: 'authenticated',
    summary: 'The catalogue of a token that is for a project, a domain or the system.',
    status: 200,
    handle: async (input) => {
      const { projectId, domain, system } = input.context.caller as Caller
      if (!projectId && !domain && !system) throw forbidden(actionDenied('auth_catalog.get'))
      const catalog = await catalogText(input.context, services(), placeOf(input), projectId)
      return { json: `{"catalog":${catalog},"links":${JSON.stringify(selfLink(input.base, '/auth/catalog'))}}` }
    },
  }),
]
