import { own, table } from '../../adapters/table.ts'
import { DEFAULT_TYPE, type VolumeType, volumeTypeFor, volumeTypes } from '../broker/block-storage/volume-types.ts'
import type { Context } from '../context.ts'
import { isTrue, strictBoolean } from '../http/boolean.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { dictIn, nextLinks, sliceOf } from './listing.ts'

/** The type as the caller may use it; throws 404 in Cinder's words, which tell an id from a name. */
export const typeOf = async (context: Context, idOrName: string): Promise<VolumeType> => {
  const found = await volumeTypeFor(context, idOrName)
  if (found) return found
  throw notFound(
    /^[0-9a-f-]{32,36}$/i.test(idOrName)
      ? `Volume type ${idOrName} could not be found.`
      : `Volume type with name ${idOrName} could not be found.`,
  )
}

/** Zones are named where Cinder's own scheduler reads them. */
const extraSpecs = ({ zones }: VolumeType): Record<string, string> =>
  zones ? { 'RESKEY:availability_zones': zones.join(',') } : {}

const view = ({ context }: Input, type: VolumeType) => ({
  id: type.id,
  name: type.name,
  is_public: true,
  description: type.name === DEFAULT_TYPE ? 'What the cloud of the volume takes by default' : null,
  'os-volume-type-access:is_public': true,
  extra_specs: extraSpecs(type),
  ...(context.caller?.isAdmin ? { qos_specs_id: null } : {}),
})

/** Which types a list shows. `is_public=none`: public and private ones; there are no private ones. */
const filterOf = ({ query }: Input): ((type: VolumeType) => boolean) => {
  const asked = query.is_public?.toLowerCase()
  if (asked !== undefined && asked !== 'none' && strictBoolean(asked) === null)
    throw badRequest(`Invalid is_public filter [${query.is_public}]`)
  const shows = asked === undefined || asked === 'none' || isTrue(asked)
  const specs = query.extra_specs === undefined ? {} : dictIn(query.extra_specs)
  return (type) =>
    shows &&
    (query.name === undefined || query.name === type.name) &&
    specs !== undefined &&
    Object.entries(specs).every(([key, value]) => own(extraSpecs(type), key) === value)
}

/** Nobody made them at a time, so that among themselves all are equally old: `default` comes first, then it goes by name. */
const SORTS: Record<string, (type: VolumeType) => string> = table({
  id: ({ id }) => id,
  name: ({ name }) => name,
  created_at: () => '',
  updated_at: () => '',
})

/** A page of those that match: https://docs.openstack.org/api-ref/block-storage/v3/#list-all-volume-types */
const list = async (input: Input) => {
  const { context, query } = input
  const { sort, limit, offset = 0, marker } = sliceOf(query, SORTS)
  const wanted = filterOf(input)
  const asked = sort.slice(
    0,
    sort.findIndex(({ key }) => key === 'created_at'),
  )
  const all = (await volumeTypes(context)).toSorted((a, b) => {
    for (const { key, descending } of asked) {
      const [left, right] = [SORTS[key]!(a), SORTS[key]!(b)]
      if (left !== right) return left < right === descending ? 1 : -1
    }
    return 0
  })
  const marked = marker === undefined ? -1 : all.findIndex(({ id }) => id === marker)
  if (marker !== undefined && marked < 0) throw notFound(`Volume type ${marker} could not be found.`)
  const page = all
    .slice(marked + 1)
    .filter(wanted)
    .slice(offset, offset + limit)
  const links = nextLinks(input, page)
  return {
    body: { volume_types: page.map((type) => view(input, type)), ...(links ? { volume_type_links: links } : {}) },
  }
}

const FIXED = 'Volume types cannot be made or changed here: they are what the clouds offer.'
const refused = (name: string, method: Operation['method'], path: string, summary: string, find?: string) =>
  operation({
    name,
    method,
    path,
    who: 'admin',
    summary,
    status: 200,
    handle: async ({ context, params }) => {
      if (find) await typeOf(context, params[find]!)
      throw conflict(FIXED)
    },
  })

/** https://docs.openstack.org/api-ref/block-storage/v3/#volume-types-types */
export const volumeTypeOperations: Operation[] = [
  operation({
    name: 'volume_type.list',
    method: 'GET',
    path: '/types',
    who: 'reader',
    summary: "The volume types: `default`, and what the project's clouds offer.",
    status: 200,
    handle: list,
  }),
  operation({
    name: 'volume_type.show',
    method: 'GET',
    path: '/types/:id',
    who: 'reader',
    summary: 'One volume type; `default` is the one that is taken when none is named.',
    status: 200,
    handle: async (input) => ({
      body: { volume_type: view(input, await typeOf(input.context, input.params.id!)) },
    }),
  }),
  operation({
    name: 'volume_type.extra_specs',
    method: 'GET',
    path: '/types/:id/extra_specs',
    who: 'reader',
    summary: 'Extra specs of a type: the zones that have it.',
    status: 200,
    handle: async ({ context, params }) => ({
      body: { extra_specs: extraSpecs(await typeOf(context, params.id!)) },
    }),
  }),
  operation({
    name: 'volume_type.extra_spec',
    method: 'GET',
    path: '/types/:id/extra_specs/:key',
    who: 'reader',
    summary: 'One extra spec of a type.',
    status: 200,
    handle: async ({ context, params }) => {
      const type = await typeOf(context, params.id!)
      const value = own(extraSpecs(type), params.key!)
      if (value === undefined) throw notFound(`Volume Type ${type.id} has no extra specs with key ${params.key}.`)
      return { body: { [params.key!]: value } }
    },
  }),
  operation({
    name: 'volume_type.access',
    method: 'GET',
    path: '/types/:id/os-volume-type-access',
    who: 'admin',
    summary: 'Projects that a private type is given to.',
    status: 200,
    handle: async ({ context, params }) => {
      await typeOf(context, params.id!)
      throw notFound('Access list not available for public volume types.')
    },
  }),
  operation({
    name: 'volume_type.encryption',
    method: 'GET',
    path: '/types/:id/encryption',
    who: 'admin',
    summary: 'How volumes of a type are encrypted: not by the broker.',
    status: 200,
    handle: async ({ context, params }) => {
      await typeOf(context, params.id!)
      return { body: {} }
    },
  }),
  refused('volume_type.create', 'POST', '/types', 'Refused: types cannot be made.'),
  refused('volume_type.update', 'PUT', '/types/:id', 'Refused: types cannot be changed.', 'id'),
  refused('volume_type.delete', 'DELETE', '/types/:id', 'Refused: types cannot be taken away.', 'id'),
  refused('volume_type.action', 'POST', '/types/:id/action', 'Refused: a public type is given to every project.', 'id'),
  refused('volume_type.set_extra_specs', 'POST', '/types/:id/extra_specs', 'Refused: types cannot be changed.', 'id'),
  refused(
    'volume_type.set_extra_spec',
    'PUT',
    '/types/:id/extra_specs/:key',
    'Refused: types cannot be changed.',
    'id',
  ),
  refused(
    'volume_type.unset_extra_spec',
    'DELETE',
    '/types/:id/extra_specs/:key',
    'Refused: types cannot be changed.',
    'id',
  ),
  refused('volume_type.encrypt', 'POST', '/types/:id/encryption', 'Refused: types cannot be changed.', 'id'),
]
