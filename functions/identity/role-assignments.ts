import { assignRole, grantsIn, listAssignments, unassignRole } from '../../db/queries/identity/identity.ts'
import { commit } from '../broker/line/commit.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { unknown } from './refusals.ts'
import { collection, flagOf, selfLink } from './views.ts'

/** The place of the path, and the roles that the user has there. 404 in the order in which Keystone looks: user, project, role. */
const placeOf = async ({ db }: Context, params: Input['params']) => {
  const { project, user, role } = params as { project: string; user: string; role: string }
  const grants = await grantsIn(db, { user, project, role })
  if (!grants.user) throw unknown('user', user)
  if (!grants.project) throw unknown('project', project)
  if (!grants.role) throw unknown('role', role)
  return { project, user, role, roles: grants.roles }
}

const assertAssigned = ({ project, user, role, roles }: Awaited<ReturnType<typeof placeOf>>): void => {
  if (!roles.some(({ id }) => id === role))
    throw notFound(
      `Could not find role assignment with role: ${role}, user or group: ${user}, project, domain, or system: ${project}.`,
    )
}

type Assignment = Awaited<ReturnType<typeof listAssignments>>[number]
const view = (a: Assignment, names: boolean, base: string) => ({
  role: { id: a.roleId, ...(names ? { name: a.role } : {}) },
  user: { id: a.userId, ...(names ? { name: a.user, domain: domainView(a.userDomainId, a.userDomain) } : {}) },
  scope: {
    project: {
      id: a.projectId,
      ...(names ? { name: a.project, domain: domainView(a.projectDomainId, a.projectDomain) } : {}),
    },
  },
  links: { assignment: `${base}/v3/projects/${a.projectId}/users/${a.userId}/roles/${a.roleId}` },
})
const domainView = (id: string, name: string | null) => ({ id, name: name ?? id })

const ONE = '/v3/projects/:project/users/:user/roles/:role'

export const roleAssignmentOperations: Operation[] = [
  operation({
    name: 'role_assignment.list',
    method: 'GET',
    path: '/v3/role_assignments',
    who: 'admin',
    summary: 'Who has which role where; filters `user.id`, `scope.project.id`, `role.id`; `include_names`.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      // No role is granted to a group, on a domain or on the system.
      const elsewhere = ['group.id', 'scope.domain.id', 'scope.system'].some((key) => queries.has(key))
      const filter = { userId: query['user.id'], projectId: query['scope.project.id'], roleId: query['role.id'] }
      const rows = elsewhere ? [] : await listAssignments(context.db, filter)
      const names = flagOf(query.include_names) ?? false
      return collection(
        'role_assignments',
        rows.map((row) => view(row, names, base)),
        base,
        '/role_assignments',
      )
    },
  }),
  operation({
    name: 'grant.list',
    method: 'GET',
    path: '/v3/projects/:project/users/:user/roles',
    who: 'admin',
    summary: 'The roles that a user was given in a project.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const { roles } = await placeOf(context, params)
      const views = roles.map(({ id, name }) => ({ id, name, links: selfLink(base, `/roles/${id}`) }))
      return collection('roles', views, base, `/projects/${params.project}/users/${params.user}/roles`)
    },
  }),
  operation({
    name: 'grant.check',
    method: 'GET',
    path: ONE,
    who: 'admin',
    summary: 'Whether a user has a role in a project.',
    status: 204,
    handle: async ({ context, params }) => {
      assertAssigned(await placeOf(context, params))
      return {}
    },
  }),
  operation({
    name: 'grant.create',
    method: 'PUT',
    path: ONE,
    who: 'admin',
    summary: 'Gives a user a role in a project. A token has what it was issued with, as far as that still holds.',
    status: 204,
    handle: async ({ context, params }) => {
      const { project, user, role } = await placeOf(context, params)
      const entry = { action: 'assign_role', kind: 'user', resourceId: user, detail: { project, role } }
      await commit(context, entry, [assignRole(context.db, user, project, role)])
      return {}
    },
  }),
  operation({
    name: 'grant.revoke',
    method: 'DELETE',
    path: ONE,
    who: 'admin',
    summary:
      'Takes a role in a project from a user, and from tokens for that project; one without any role left is revoked. The application credentials that the user has there are deleted.',
    status: 204,
    handle: async ({ context, params }) => {
      const place = await placeOf(context, params)
      assertAssigned(place)
      const { project, user, role } = place
      const entry = { action: 'unassign_role', kind: 'user', resourceId: user, detail: { project, role } }
      const writes = [...unassignRole(context.db, user, project, role)]
      await commit(context, entry, writes)
      return {}
    },
  }),
]
