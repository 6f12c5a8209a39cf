import {
  assignRole,
  type DomainRow,
  listAssignments,
  listDomains,
  projectById,
  roleById,
  rolesOn,
  unassignRole,
  userById,
} from '../../db/queries/identity/identity.ts'
import { commit } from '../broker/line/commit.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { unknown } from './refusals.ts'
import { collection, flagOf, selfLink } from './views.ts'

type Params = Record<string, string>

/** 404 in the order in which Keystone looks: user, project, role. */
const assertKnown = async ({ db }: Context, { project, user, role }: Params): Promise<void> => {
  if (!(await userById(db, user!))) throw unknown('user', user!)
  if (!(await projectById(db, project!))) throw unknown('project', project!)
  if (role !== undefined && !(await roleById(db, role))) throw unknown('role', role)
}

const assertAssigned = async ({ db }: Context, { project, user, role }: Params): Promise<void> => {
  if (!(await rolesOn(db, user!, project!)).some(({ id }) => id === role))
    throw notFound(
      `Could not find role assignment with role: ${role}, user or group: ${user}, project, domain, or system: ${project}.`,
    )
}

type Assignment = Awaited<ReturnType<typeof listAssignments>>[number]
const view = ({ user, project, role }: Assignment, domains: DomainRow[] | null, base: string) => {
  const names = domains !== null
  const domain = (id: string) => ({ id, name: domains?.find((d) => d.id === id)?.name ?? id })
  return {
    role: { id: role.id, ...(names ? { name: role.name } : {}) },
    user: { id: user.id, ...(names ? { name: user.name, domain: domain(user.domainId) } : {}) },
    scope: { project: { id: project.id, ...(names ? { name: project.name, domain: domain(project.domainId) } : {}) } },
    links: { assignment: `${base}/v3/projects/${project.id}/users/${user.id}/roles/${role.id}` },
  }
}

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
      const domains = flagOf(query.include_names) ? await listDomains(context.db, {}) : null
      return collection(
        'role_assignments',
        rows.map((row) => view(row, domains, base)),
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
      await assertKnown(context, params)
      const rows = await rolesOn(context.db, params.user!, params.project!)
      const views = rows.map(({ id, name }) => ({ id, name, links: selfLink(base, `/roles/${id}`) }))
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
      await assertKnown(context, params)
      await assertAssigned(context, params)
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
      await assertKnown(context, params)
      const { project, user, role } = params as { project: string; user: string; role: string }
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
      'Takes a role in a project from a user, and from tokens for that project; one without any role left is revoked.',
    status: 204,
    handle: async ({ context, params }) => {
      await assertKnown(context, params)
      await assertAssigned(context, params)
      const { project, user, role } = params as { project: string; user: string; role: string }
      const entry = { action: 'unassign_role', kind: 'user', resourceId: user, detail: { project, role } }
      const writes = [unassignRole(context.db, user, project, role)]
      await commit(context, entry, writes)
      return {}
    },
  }),
]
