import { projectsOfUser } from '../../db/queries/identity/identity.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { projectView } from './projects.ts'
import { ownOrAdmin } from './refusals.ts'
import { collection } from './views.ts'

const enabledProjects = async (context: Context, userId: string, base: string) =>
  (await projectsOfUser(context.db, userId)).filter(({ enabled }) => enabled).map((row) => projectView(row, base))

/** What a user may ask a token for. */
export const scopeOperations: Operation[] = [
  operation({
    name: 'auth_project.list',
    method: 'GET',
    path: '/v3/auth/projects',
    who: 'authenticated',
    summary: 'The projects in which the caller has a role.',
    status: 200,
    handle: async ({ context, base }) =>
      collection('projects', await enabledProjects(context, context.caller!.userId, base), base, '/auth/projects'),
  }),
  operation({
    name: 'auth_domain.list',
    method: 'GET',
    path: '/v3/auth/domains',
    who: 'authenticated',
    summary: 'The domains on which the caller has a role: none, for roles are granted on projects.',
    status: 200,
    handle: ({ base }) => collection('domains', [], base, '/auth/domains'),
  }),
  operation({
    name: 'auth_system.get',
    method: 'GET',
    path: '/v3/auth/system',
    who: 'authenticated',
    summary: 'Whether the caller has a role on the system: never, for roles are granted on projects.',
    status: 200,
    handle: ({ base }) => collection('system', [], base, '/auth/system'),
  }),
  operation({
    name: 'user_project.list',
    method: 'GET',
    path: '/v3/users/:id/projects',
    who: 'authenticated',
    summary: 'The projects in which a user has a role; of somebody else only to admins.',
    status: 200,
    handle: async ({ context, base, params }) => {
      const id = params.id!
      ownOrAdmin(context.caller, (caller) => caller.userId === id, 'user_project.list')
      return collection('projects', await enabledProjects(context, id, base), base, `/users/${id}/projects`)
    },
  }),
]
