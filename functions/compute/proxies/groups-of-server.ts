import { groupsOfServer } from '../../../db/queries/network/security/security-groups.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { assertServer } from '../servers/server.ts'
import { groupView } from './group-view.ts'
import { namesFor } from './security-groups.ts'

/** https://docs.openstack.org/api-ref/compute/#list-security-groups-by-server */
export const groupsOfServerOperations: Operation[] = [
  operation({
    name: 'server-security-group.list',
    method: 'GET',
    path: '/servers/:id/os-security-groups',
    who: 'reader',
    summary: 'Security groups of the ports of a server.',
    status: 200,
    handle: async (input) => {
      const { context, params } = input
      const groups = await groupsOfServer(context.db, context.scope, params.id!)
      if (!groups.length) await assertServer(input)
      const names = await namesFor(context, groups)
      const shown = groups.map((group) => groupView(group, names))
      return { body: { security_groups: shown.sort((a, b) => a.name.localeCompare(b.name)) } }
    },
  }),
]
