import { missing } from '../broker/network/network-refusal.ts'
import { Fault } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

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
    summary: 'Refused: subnet pools are not offered.',
    status: 501,
    handle: () => {
      throw new Fault(501, 'Subnet pools are not offered: name the block of a subnet in its cidr.', {
        type: 'NotImplemented',
      })
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
