import { notFound, notImplemented } from '../http/fault.ts'
import { type Operation, operation, type Who } from '../http/operation.ts'
import { RESOURCE_FILTERS } from './listing.ts'

/** What Cinder has and a cloud below has not: nobody has any, and nobody can make one. */
interface Absent {
  path: string
  /** Key of the list. */
  key: string
  /** For 404: what one of them is called. */
  noun: string
  since?: number
  who?: Who
  detail?: true
  /** Why none can be made; null: nobody makes them by hand. */
  reason: string | null
}

const ABSENT: Absent[] = [
  { path: '/clusters', key: 'clusters', noun: 'Cluster', since: 7, who: 'admin', detail: true, reason: null },
  {
    path: '/manageable_volumes',
    key: 'manageable-volumes',
    noun: 'Volume',
    since: 8,
    who: 'admin',
    detail: true,
    reason: 'Taking over volumes that a cloud has already is not offered.',
  },
  {
    path: '/manageable_snapshots',
    key: 'manageable-snapshots',
    noun: 'Snapshot',
    since: 8,
    who: 'admin',
    detail: true,
    reason: 'Taking over snapshots that a cloud has already is not offered.',
  },
]

const operationsFor = ({ path, key, noun, since, who = 'reader', detail, reason }: Absent): Operation[] => {
  const name = path.slice(1).replaceAll('-', '_')
  const common = { ...(since === undefined ? {} : { since }), status: 200 }
  const list = {
    ...common,
    method: 'GET',
    who,
    summary: 'An empty list.',
    handle: () => ({ body: { [key]: [] } }),
  } as const
  const gone = ({ params }: { params: Record<string, string> }) => {
    throw notFound(`${noun} ${params.id} could not be found.`)
  }
  const item = { ...common, path: `${path}/:id`, summary: 'There is none.', handle: gone } as const
  return [
    operation({ ...list, name: `${name}.list`, path }),
    ...(detail ? [operation({ ...list, name: `${name}.list_detail`, path: `${path}/detail` })] : []),
    operation({ ...item, name: `${name}.show`, method: 'GET', who }),
    operation({ ...item, name: `${name}.delete`, method: 'DELETE', who: who === 'admin' ? 'admin' : 'member' }),
    ...(reason === null
      ? []
      : [
          operation({
            ...common,
            name: `${name}.create`,
            method: 'POST',
            path,
            who: who === 'admin' ? 'admin' : 'member',
            summary: 'Refused.',
            handle: () => {
              throw notImplemented(reason)
            },
          }),
        ]),
  ]
}

export const absentOperations: Operation[] = [
  ...ABSENT.flatMap(operationsFor),
  operation({
    name: 'resource_filter.list',
    method: 'GET',
    path: '/resource_filters',
    who: 'reader',
    summary: 'What lists may be filtered by.',
    status: 200,
    since: 33,
    handle: ({ query }) => ({
      body: {
        resource_filters: Object.entries(RESOURCE_FILTERS)
          .filter(([resource]) => query.resource === undefined || query.resource === resource)
          .map(([resource, filters]) => ({ resource, filters })),
      },
    }),
  }),
]
