import { type Operation, operation } from '../http/operation.ts'

/** Hosts are grouped by the clouds that they belong to, not by hand. https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates */
export const aggregateOperations: Operation[] = [
  operation({
    name: 'aggregate.list',
    method: 'GET',
    path: '/os-aggregates',
    who: 'admin',
    summary: 'Host aggregates: there are none.',
    status: 200,
    handle: () => ({ body: { aggregates: [] } }),
  }),
]
