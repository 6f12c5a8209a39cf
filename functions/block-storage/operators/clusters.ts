import * as z from 'zod'
import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { text } from '../shapes.ts'

const SINCE = 7

const noCluster = (name: string) => notFound(`Cluster ${name} could not be found.`)
const change = z.strictObject({
  name: text().min(1),
  binary: text().nullish(),
  disabled_reason: text().nullish(),
})

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
      throw noCluster(params.id!)
    },
  }),
  operation<{ name: string }>({
    name: 'clusters.change',
    method: 'PUT',
    path: '/clusters/:action',
    who: 'admin',
    summary:
      'Enables or disables a cluster of processes by its name: none is found, as clouds are served by whoever asks.',
    status: 200,
    since: SINCE,
    body: change as unknown as z.ZodType<{ name: string }>,
    handle: ({ params, body }) => {
      if (params.action !== 'enable' && params.action !== 'disable') throw notFound('The resource could not be found.')
      throw noCluster(body.name)
    },
  }),
]
