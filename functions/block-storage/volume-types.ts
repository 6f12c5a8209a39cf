import { uuid5 } from '../broker/uuid.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { isTrue } from './shapes.ts'

/** The one type: what each cloud takes when nothing else is said. The same id in every deployment. */
export const DEFAULT_TYPE = {
  id: uuid5('volume-type/default'),
  name: 'default',
  description: 'What the cloud of the volume takes by default',
}

/** Throws 404 in Cinder's words, which tell an id from a name. */
export const typeOf = (idOrName: string): typeof DEFAULT_TYPE => {
  if (idOrName === DEFAULT_TYPE.id || idOrName === DEFAULT_TYPE.name) return DEFAULT_TYPE
  throw notFound(
    /^[0-9a-f-]{32,36}$/i.test(idOrName)
      ? `Volume type ${idOrName} could not be found.`
      : `Volume type with name ${idOrName} could not be found.`,
  )
}

const view = ({ context }: Input) => ({
  id: DEFAULT_TYPE.id,
  name: DEFAULT_TYPE.name,
  is_public: true,
  description: DEFAULT_TYPE.description,
  'os-volume-type-access:is_public': true,
  extra_specs: {},
  ...(context.caller?.isAdmin ? { qos_specs_id: null } : {}),
})

/** `is_public=none`: public and private ones; there are no private ones. */
const lists = ({ query, queries }: Input): boolean => {
  const asked = query.is_public?.toLowerCase()
  if (
    asked !== undefined &&
    asked !== 'none' &&
    !['true', 'false', '1', '0', 'yes', 'no', 'on', 'off', 't', 'f', 'y', 'n'].includes(asked)
  )
    throw badRequest(`Invalid is_public filter [${query.is_public}]`)
  const wanted = asked === undefined || asked === 'none' || isTrue(asked)
  const named = query.name === undefined || query.name === DEFAULT_TYPE.name
  const specs = queries.get('extra_specs')
  return wanted && named && (specs === null || specs === '{}') && query.marker === undefined && query.limit !== '0'
}

const FIXED = 'Volume types cannot be made or changed here: a volume has what its cloud takes by default.'
const refused = (name: string, method: Operation['method'], path: string, summary: string, find?: string) =>
  operation({
    name,
    method,
    path,
    who: 'admin',
    summary,
    status: 200,
    handle: ({ params }) => {
      if (find) typeOf(params[find]!)
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
    summary: 'The volume types: there is one.',
    status: 200,
    handle: (input) => ({ body: { volume_types: lists(input) ? [view(input)] : [] } }),
  }),
  operation({
    name: 'volume_type.show',
    method: 'GET',
    path: '/types/:id',
    who: 'reader',
    summary: 'One volume type; `default` is the one that is taken when none is named.',
    status: 200,
    handle: (input) => {
      typeOf(input.params.id!)
      return { body: { volume_type: view(input) } }
    },
  }),
  operation({
    name: 'volume_type.extra_specs',
    method: 'GET',
    path: '/types/:id/extra_specs',
    who: 'reader',
    summary: 'Extra specs of a type: it has none.',
    status: 200,
    handle: ({ params }) => {
      typeOf(params.id!)
      return { body: { extra_specs: {} } }
    },
  }),
  operation({
    name: 'volume_type.extra_spec',
    method: 'GET',
    path: '/types/:id/extra_specs/:key',
    who: 'reader',
    summary: 'One extra spec of a type.',
    status: 200,
    handle: ({ params }) => {
      typeOf(params.id!)
      throw notFound(`Volume Type ${params.id} has no extra specs with key ${params.key}.`)
    },
  }),
  operation({
    name: 'volume_type.access',
    method: 'GET',
    path: '/types/:id/os-volume-type-access',
    who: 'admin',
    summary: 'Projects that a private type is given to.',
    status: 200,
    handle: ({ params }) => {
      typeOf(params.id!)
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
    handle: ({ params }) => {
      typeOf(params.id!)
      return { body: {} }
    },
  }),
  refused('volume_type.create', 'POST', '/types', 'Refused: types cannot be made.'),
  refused('volume_type.update', 'PUT', '/types/:id', 'Refused: types cannot be changed.', 'id'),
  refused('volume_type.delete', 'DELETE', '/types/:id', 'Refused: the one type stays.', 'id'),
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
