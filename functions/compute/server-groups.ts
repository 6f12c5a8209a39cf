import * as z from 'zod'
import { notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { integer, name, oneOf, query } from './parameters.ts'

const creation = (version: number) => {
  const policies =
    version >= 15
      ? (['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'] as const)
      : (['affinity', 'anti-affinity'] as const)
  const policy = oneOf([...policies])
  const rules = z.strictObject({ max_server_per_host: integer(1).optional() })
  return z.strictObject({
    server_group: z.strictObject({
      name: name(),
      ...(version >= 64 ? { policy, rules: rules.optional() } : { policies: z.array(policy).length(1) }),
    }),
  }) as z.ZodType<unknown>
}

const noSuch = ({ params }: Input) => notFound(`Instance group ${params.id} could not be found.`)

/**
 * No cloud below lets itself be told to keep servers together or apart, so there are no groups and making
 * one is refused: no quota would allow it. https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups
 */
export const serverGroupOperations: Operation[] = [
  operation({
    name: 'server_group.list',
    method: 'GET',
    path: '/os-server-groups',
    who: 'reader',
    summary: 'Server groups: there are none.',
    status: 200,
    query: query(['all_projects', 'limit', 'offset']),
    handle: () => ({ body: { server_groups: [] } }),
  }),
  operation({
    name: 'server_group.create',
    method: 'POST',
    path: '/os-server-groups',
    who: 'member',
    summary: 'Refused: no cloud keeps servers together or apart on request.',
    status: 200,
    body: creation,
    handle: () => {
      throw notImplemented('Server groups are not offered: no cloud keeps servers together or apart on request.')
    },
  }),
  operation({
    name: 'server_group.show',
    method: 'GET',
    path: '/os-server-groups/:id',
    who: 'reader',
    summary: 'One server group: there is none.',
    status: 200,
    handle: (input) => {
      throw noSuch(input)
    },
  }),
  operation({
    name: 'server_group.delete',
    method: 'DELETE',
    path: '/os-server-groups/:id',
    who: 'member',
    summary: 'Removes a server group: there is none.',
    status: 204,
    handle: (input) => {
      throw noSuch(input)
    },
  }),
]
