import { viewAddresses } from '../../../db/queries/compute/server-view.ts'
import { notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { noServer } from '../refusals.ts'
import { addressesOf } from './view.ts'

/** Addresses of the server of the path by the name of their network, or 404. */
const addressesIn = async ({ context, params }: Input) => {
  const row = await viewAddresses(context.db, context.scope, params.id!)
  if (!row) throw noServer(params.id!)
  return addressesOf(row, false)
}

/** https://docs.openstack.org/api-ref/compute/#servers-ips-servers-ips */
export const addressOperations: Operation[] = [
  operation({
    name: 'server-address.list',
    method: 'GET',
    path: '/servers/:id/ips',
    who: 'reader',
    summary: 'Addresses by the name of their network.',
    status: 200,
    handle: async (input) => ({ body: { addresses: await addressesIn(input) } }),
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
      const addresses = (await addressesIn(input))[network]
      if (!addresses) throw notFound('Instance is not a member of specified network')
      return { body: { [network]: addresses } }
    },
  }),
]
