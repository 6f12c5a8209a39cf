import { domainsOfUser, isOnSystem, projectsOfUser } from '../../db/queries/identity/grants.ts'
import { userById } from '../../db/queries/identity/identity.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { domainView } from './directory/domains.ts'
import { projectView } from './directory/projects.ts'
import { ownOr } from './reach.ts'
import { collection, selfLink } from './views.ts'

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
    name: 'federation_project.list',
    method: 'GET',
    path: '/v3/OS-FEDERATION/projects',
    who: 'authenticated',
    summary: 'The projects in which the caller has a role, by the name that federated clients ask for.',
    status: 200,
    handle: async ({ context, base }) =>
      collection(
        'projects',
        await enabledProjects(context, context.caller!.userId, base),
        base,
        '/OS-FEDERATION/projects',
      ),
  }),
  operation({
    name: 'federation_domain.list',
    method: 'GET',
    path: '/v3/OS-FEDERATION/domains',
    who: 'authenticated',
    summary: 'The domains on which the caller has a role, by the name that federated clients ask for.',
    status: 200,
    handle: async ({ context, base }) => {
      const rows = await domainsOfUser(context.db, context.caller!.userId)
      const views = rows.filter(({ enabled }) => enabled).map((row) => domainView(row, base))
      return collection('domains', views, base, '/OS-FEDERATION/domains')
    },
  }),
  operation({
    name: 'auth_domain.list',
    method: 'GET',
    path: '/v3/auth/domains',
    who: 'authenticated',
    summary: 'The domains on which the caller has a role.',
    status: 200,
    handle: async ({ context, base }) => {
      const rows = await domainsOfUser(context.db, context.caller!.userId)
      const views = rows.filter(({ enabled }) => enabled).map((row) => domainView(row, base))
      return collection('domains', views, base, '/auth/domains')
    },
  }),
  operation({
    name: 'auth_system.get',
    method: 'GET',
    path: '/v3/auth/system',
    who: 'authenticated',
    summary: 'Whether the caller has a role on the system.',
    status: 200,
    handle: async ({ context, base }) => {
      const has = await isOnSystem(context.db, context.caller!.userId)
      return { body: { system: has ? [{ all: true }] : [], links: selfLink(base, '/auth/system') } }
    },
  }),
  operation({
    name: 'user_project.list',
    method: 'GET',
    path: '/v3/users/:id/projects',
    who: 'authenticated',
    summary: 'The projects in which a user has a role; of somebody else only to those who may read users.',
    status: 200,
    handle: async ({ context, base, params }) => {
      const id = params.id!
      const caller = context.caller!
      const domainId = caller.domain ? (await userById(context.db, id))?.domainId : null
      ownOr(caller, 'reader', caller.userId === id, domainId, 'user_project.list')
      return collection('projects', await enabledProjects(context, id, base), base, `/users/${id}/projects`)
    },
  }),
]
