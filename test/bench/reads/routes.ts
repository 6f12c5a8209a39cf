import { operations } from '../../../functions/app.ts'
import { isAbsent, pathOf, type Route, titleOf, versionHeader, versionOf } from '../../sweep/calls.ts'
import type { World } from '../world.ts'
import type { Estate } from './estate.ts'

/** Reads that no target is for, by method and path: what is measured of them would be somebody else's speed. */
const LEFT_OUT: Record<string, string> = {
  'GET /image/v2/images/:id/file': 'a stream of bytes',
  'GET /broker/v1/events/stream': 'a stream of events',
  'GET /broker/v1/adoptable': 'asks a cloud by design: what is on it and managed by nobody',
  'GET /volume/v3/manageable_volumes': 'asks a cloud by design, as above',
  'GET /volume/v3/manageable_volumes/detail': 'asks a cloud by design, as above',
  'GET /volume/v3/manageable_snapshots': 'asks a cloud by design, as above',
  'GET /volume/v3/manageable_snapshots/detail': 'asks a cloud by design, as above',
  'GET /volume/v3/qos-specs/:id/associate': 'changes something, by GET, as in Cinder',
  'GET /volume/v3/qos-specs/:id/disassociate': 'changes something, by GET, as in Cinder',
  'GET /volume/v3/qos-specs/:id/disassociate_all': 'changes something, by GET, as in Cinder',
  'GET /identity/v3/OS-FEDERATION/identity_providers/:idp/protocols/:protocol/auth': 'a login, by GET, as in Keystone',
  'GET /identity/v3/auth/OS-FEDERATION/websso/:protocol': 'a login, which begins at an identity provider',
  'GET /identity/v3/auth/OS-FEDERATION/identity_providers/:idp/protocols/:protocol/websso': 'a login, as above',
  'GET /identity/v3/auth/OS-FEDERATION/redirect': 'a login, which an identity provider ends',
  'GET /network/v2.0/auto-allocated-topology/:project_id': 'makes a network, by GET, as in Neutron',
  'GET /compute/v2.1/servers/:id/diagnostics': 'asks a cloud by design: how the guest does',
}
const leftOutFor = (route: Route) => LEFT_OUT[titleOf(route).replace('/:project_id{[0-9a-f-]+}', '')]

/** What is to be asked for, where there is no answer without. */
const QUERIES: Record<string, (estate: Estate) => string> = {
  'GET /identity/v3/OS-TRUST/trusts': ({ userId }) => `trustor_user_id=${userId}`,
  'GET /placement/usages': ({ projectId }) => `project_id=${projectId}`,
}

/** Answers that are the same whatever is stored. */
const CONSTANT = /^(version|schema|extension)\.|^info\.import$/

/** What adds up rows of others, as many as there are; sums that are kept beside them are one row each. */
const SUM =
  /^(tenant_usage\.list|resource_provider\.allocations|image_quota\.get|info\.usage|cost\.list|load\.list)$|^volume\.summary/

/**
 * `one`: one resource, a list that is short by nature. `page`: a list of what there may be many of. `sum`: what it adds up is many. `constant`: no
 * look at the database.
 */
export type Class = 'one' | 'page' | 'sum' | 'constant'

/** A GET of the route table that can be sent. */
export interface Read {
  title: string
  url: string
  headers: Record<string, string>
  status: number
  bytes: number
  /** Items of the longest list in the answer. */
  rows: number
  class: Class
}

/** From how many items on a list is a page. */
const MANY = 200

/** Every GET of the route table with `filter` in its path, asked once; and those that are left out, with the reason. */
export const readsOf = async (
  world: World,
  estate: Estate,
  filter: string,
): Promise<{ reads: Read[]; leftOut: [title: string, reason: string][] }> => {
  const routes = operations
    .filter(({ operation: { method } }) => method === 'GET')
    .filter((route) => titleOf(route).includes(filter))
  const reads: Read[] = []
  const refused: string[] = []
  for (const route of routes) {
    if (leftOutFor(route)) continue
    const asked = await askOnce(world, estate, route)
    if (typeof asked === 'string') refused.push(asked)
    else reads.push(asked)
  }
  if (refused.length) throw new Error(`not furnished:\n${refused.join('\n')}`)
  return {
    reads,
    leftOut: routes.flatMap((route) => (leftOutFor(route) ? [[titleOf(route), leftOutFor(route)!]] : [])),
  }
}

/** Those that are pages. Throws when there is none with `filter` in its path. */
export const pagesOf = async (world: World, estate: Estate, filter = ''): Promise<Read[]> => {
  const { reads } = await readsOf(world, estate, filter)
  const pages = reads.filter((read) => read.class === 'page')
  if (!pages.length) throw new Error(`no page has ${filter} in its path`)
  return pages
}

/** What it answered, or that it could not be asked. */
const askOnce = async (world: World, estate: Estate, route: Route): Promise<Read | string> => {
  const { token, admin } = estate
  const headers: Record<string, string> = {
    ...(route.operation.who === 'public'
      ? {}
      : { 'X-Auth-Token': /^(admin|manager)$/.test(route.operation.who) ? admin : token }),
    ...(route.operation.name === 'token.validate' ? { 'X-Subject-Token': token } : {}),
    ...versionHeader(route, versionOf(route)),
  }
  const query = QUERIES[titleOf(route)]?.(estate)
  const path = pathOf(route, (parameter) => parameterOf(estate, route, parameter)) + (query ? `?${query}` : '')
  const ask = async (url: string) => {
    const response = await world.app.fetch(new Request(`http://127.0.0.1${url}`, { headers }))
    return { url, status: response.status, text: await response.text() }
  }
  const plain = await ask(path)
  const whole = /[.:](list|detail|list_detail)/.test(route.operation.name)
    ? await ask(`${path}${query ? '&' : '?'}limit=1000`)
    : plain
  const taken = whole.status === plain.status && rowsIn(whole.text) >= rowsIn(plain.text) ? whole : plain
  const title = titleOf(route)
  if (taken.status >= 400 && !saysNo(route)) return `${title}: ${taken.url}: ${taken.status} ${taken.text}`
  const rows = rowsIn(taken.text)
  return {
    ...{ title, url: taken.url, headers, status: taken.status, bytes: Buffer.byteLength(taken.text), rows },
    class: classOf(route, rows),
  }
}

/** What is known not to be there: the summary of the operation says so. */
const saysNo = (route: Route) =>
  isAbsent(route) ||
  /refused|gone|not found|always 404|none|nothing to choose|projects that a private type/i.test(route.operation.summary)

const classOf = ({ service, operation: { who, name } }: Route, rows: number): Class => {
  // Neutron's extensions are those that the clouds that are connected can.
  const depends = service.name === 'neutron' && name.startsWith('extension.')
  if (who === 'public' || (CONSTANT.test(name) && !depends)) return 'constant'
  // Nova's host tells what is kept of it; Cinder's adds up volumes.
  const adds = SUM.test(name) || (service.name === 'cinder' && name.startsWith('host.show'))
  return rows >= MANY ? 'page' : adds ? 'sum' : 'one'
}

const parameterOf = (
  { named, projectId, userId }: Estate,
  route: Route,
  parameter: { name: string; of: string },
): string => {
  const { name, of } = parameter
  if (name === 'project_id') return projectId
  if (name === 'alias') return ALIASES[route.service.name] ?? 'x'
  if (name === 'pattern') return 'sandbox'
  if (/quota|usage/.test(of) && !named[of]) return projectId
  if (of === 'flavors' && route.operation.name === 'flavor_access.list') return named['os-flavor-access']!
  // Roles were given to one user in one project; whoever is no admin may look at nobody else.
  const granted = /grant|group_user|project_endpoint/.test(route.operation.name)
  if (of === 'users' && !granted) return userId
  if (of === 'projects' && !granted) return projectId
  return encodeURIComponent(named[`${route.service.name}/${of}`] ?? named[of] ?? 'x')
}

const ALIASES: Record<string, string> = { nova: 'os-keypairs', neutron: 'router', cinder: 'os-hosts' }

const rowsIn = (text: string): number => (/^\s*[[{]/.test(text) ? longest(JSON.parse(text)) : 0)

const longest = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0
  const members = Object.values(value)
  return Math.max(Array.isArray(value) ? members.length : 0, ...members.map(longest))
}
