import { type Operation, operation } from '../http/operation.ts'
import { ownOrAdmin, unknown } from './refusals.ts'
import { collection } from './views.ts'

/** There are no groups: roles are granted to users one by one. Clients that look for some find none. */
export const groupOperations: Operation[] = [
  operation({
    name: 'group.list',
    method: 'GET',
    path: '/v3/groups',
    who: 'admin',
    summary: 'Always empty.',
    status: 200,
    handle: ({ base }) => collection('groups', [], base, '/groups'),
  }),
  operation({
    name: 'group.get',
    method: 'GET',
    path: '/v3/groups/:id',
    who: 'admin',
    summary: 'Always 404.',
    status: 200,
    handle: ({ params }) => {
      throw unknown('group', params.id!)
    },
  }),
  operation({
    name: 'user_group.list',
    method: 'GET',
    path: '/v3/users/:id/groups',
    who: 'authenticated',
    summary: 'Always empty; of somebody else only to admins.',
    status: 200,
    handle: ({ context, params, base }) => {
      ownOrAdmin(context.caller, (caller) => caller.userId === params.id, 'user_group.list')
      return collection('groups', [], base, `/users/${params.id}/groups`)
    },
  }),
]
