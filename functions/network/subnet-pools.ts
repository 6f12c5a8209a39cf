import { missing } from '../broker/network/network-refusal.ts'
import { type Operation, operation } from '../http/operation.ts'
import { overQuota } from './refusals.ts'

/* Subnet pools: https://docs.openstack.org/api-ref/network/v2/#subnet-pools-extension-subnetpools. Nobody may have one. */

const absent = ['GET', 'PUT', 'DELETE'] as const
const verbs = { GET: 'get', PUT: 'update', DELETE: 'delete' }

export const subnetPoolOperations: Operation[] = [
  operation({
    name: 'subnetpool.list',
    method: 'GET',
    path: '/v2.0/subnetpools',
    who: 'reader',
    summary: 'Lists subnet pools: there are none.',
    status: 200,
    handle: () => ({ body: { subnetpools: [] } }),
  }),
  operation({
    name: 'subnetpool.create',
    method: 'POST',
    path: '/v2.0/subnetpools',
    who: 'member',
    summary: 'Refused: the limit of subnet pools is zero.',
    status: 409,
    handle: () => {
      throw overQuota('subnetpool')
    },
  }),
  ...absent.map((method) =>
    operation({
      name: `subnetpool.${verbs[method]}`,
      method,
      path: '/v2.0/subnetpools/:id',
      who: method === 'GET' ? 'reader' : 'member',
      summary: 'Not found: there are no subnet pools.',
      status: 404,
      handle: ({ params }) => {
        throw missing('SubnetPool', params.id!)
      },
    }),
  ),
]
