import { kinOf } from '../../../db/queries/compute/forks.ts'
import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

/** So many forks of a server are told. */
const MOST = 1_000

/** Where a server stands among its forks. */
export const forkOperations: Operation[] = [
  operation({
    name: 'server_fork.list',
    method: 'GET',
    path: '/v1/servers/:id/forks',
    who: 'reader',
    summary:
      'The server that one is a fork of, null for none or one that is gone, and its own forks, oldest first, 1000 at most.',
    status: 200,
    handle: async ({ context, params }) => {
      const { id = '' } = params
      const kin = await kinOf(context.db, context.scope, id, MOST)
      if (!kin) throw notFound(`There is no server ${id}.`)
      return { body: kin }
    },
  }),
]
