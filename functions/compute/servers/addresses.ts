import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { shownServer } from './server.ts'
import { addressesOf } from './view.ts'

/** https://docs.openstack.org/api-ref/compute/#servers-ips-servers-ips */
export const addressOperations: Operation[] = [
  operation({
    name: 'server-address.list',
    method: 'GET',
    path: '/servers/:id/ips',
    who: 'reader',
    summary: 'Addresses by the name of their network.',
    status: 200,
    handle: async (input) => ({ body: { addresses: addressesOf(await shownServer(input), false) } }),
  }),
  operation({
    name: 'server-address.show',
    method: 'GET',
    path: '/servers/:id/ips/:network',
    who: 'reader',
    summary: 'Addresses in one network, by its name.',
    status: 200,
    handle: async (input) => {
      const network = input.params.network!
      const addresses = addressesOf(await shownServer(input), false)[network]
      if (!addresses) throw notFound('Instance is not a member of specified network')
      return { body: { [network]: addresses } }
    },
  }),
]
