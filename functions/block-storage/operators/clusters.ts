import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

const SINCE = 7

/** Cinder's processes in one cluster serve one back end; clouds are served by whoever asks, so that there is no cluster. */
export const clusterOperations: Operation[] = [
  ...(['', '/detail'] as const).map((path) =>
    operation({
      name: path ? 'clusters.list_detail' : 'clusters.list',
      method: 'GET',
      path: `/clusters${path}`,
      who: 'admin',
      summary: 'Clusters of processes: there are none.',
      status: 200,
      since: SINCE,
      handle: () => ({ body: { clusters: [] } }),
    }),
  ),
  operation({
    name: 'clusters.show',
    method: 'GET',
    path: '/clusters/:id',
    who: 'admin',
    summary: 'There is none.',
    status: 200,
    since: SINCE,
    handle: ({ params }) => {
      throw notFound(`Cluster ${params.id} could not be found.`)
    },
  }),
]
