import { type Input, type Operation, operation } from '../http/operation.ts'

/** What Nova's extension of HTTP is called here: every minor version in between is spoken. */
export const MICROVERSIONS = {
  major: 2,
  min: 1,
  max: 96,
  name: 'compute',
  legacyHeader: 'X-OpenStack-Nova-API-Version',
}

const VERSIONS = {
  'v2.0': {
    status: 'DEPRECATED',
    path: '/v2/',
    updated: '2011-01-21T11:33:21Z',
    version: '',
    min_version: '',
    type: 'version=2',
  },
  'v2.1': {
    status: 'CURRENT',
    path: '/v2.1/',
    updated: '2013-07-23T11:33:21Z',
    version: `${MICROVERSIONS.major}.${MICROVERSIONS.max}`,
    min_version: `${MICROVERSIONS.major}.${MICROVERSIONS.min}`,
    type: 'version=2.1',
  },
} as const
type Id = keyof typeof VERSIONS

const entry = (origin: string, id: Id) => {
  const { status, updated, version, min_version, path } = VERSIONS[id]
  return { id, status, version, min_version, updated, links: [{ rel: 'self', href: `${origin}/compute${path}` }] }
}

const document = ({ origin }: Pick<Input, 'origin'>, id: Id) => {
  const { links, ...rest } = entry(origin, id)
  const describedBy = { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/api-ref/compute/' }
  const media = { base: 'application/json', type: `application/vnd.openstack.compute+json;${VERSIONS[id].type}` }
  return { version: { ...rest, links: [...links, describedBy], 'media-types': [media] } }
}

const list = {
  method: 'GET',
  who: 'public',
  summary: 'The versions of this service, the oldest first.',
  status: 200,
  handle: ({ origin }: Input) => ({ body: { versions: [entry(origin, 'v2.0'), entry(origin, 'v2.1')] } }),
} as const
const show = (id: Id) =>
  ({
    method: 'GET',
    who: 'public',
    summary: `Version ${id.slice(1)} of this service, with the range of its microversions.`,
    status: 200,
    handle: (input: Input) => ({ body: document(input, id) }),
  }) as const

/**
 * Outside of microversions. Tempest follows every self link and expects it to lead to itself, so 2.0 has a document too,
 * though nothing below it: every client of today speaks 2.1.
 */
export const rootOperations: Operation[] = [
  operation({ ...list, name: 'version.list', path: '' }),
  operation({ ...list, name: 'version.list_at_slash', path: '/' }),
  operation({ ...show('v2.0'), name: 'version.show_first', path: '/v2' }),
  operation({ ...show('v2.0'), name: 'version.show_first_at_slash', path: '/v2/' }),
]

/** GET / below the version's own prefix. https://docs.openstack.org/api-ref/compute/#show-details-of-specific-api-version */
export const versionOperations: Operation[] = [
  operation({ ...show('v2.1'), name: 'version.show', path: '' }),
  operation({ ...show('v2.1'), name: 'version.show_at_slash', path: '/' }),
]
