import { type Assignment, listAssignments } from '../../../db/queries/identity/assignments.ts'
import { projectById } from '../../../db/queries/identity/identity.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { assertReach, READING } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { flagOf, LIST_LIMIT, truncated } from '../views.ts'

const named = (id: string, name: string, domain: { id: string; name: string | null } | null, names: boolean) => ({
  id,
  ...(names ? { name, ...(domain ? { domain: { id: domain.id, name: domain.name ?? domain.id } } : {}) } : {}),
})

const scopeOf = (a: Assignment, names: boolean) => ({
  ...(a.target === 'system' ? { system: { all: true } } : {}),
  ...(a.target === 'domain' ? { domain: named(a.targetId, a.targetName, null, names) } : {}),
  ...(a.target === 'project'
    ? { project: named(a.targetId, a.targetName, { id: a.targetDomainId, name: a.targetDomain }, names) }
    : {}),
  ...(a.inherited ? { 'OS-INHERIT:inherited_to': 'projects' } : {}),
})

const linksOf = (a: Assignment, base: string) => {
  const target = a.fromTarget === 'system' ? 'system' : `${a.fromTarget}s/${a.fromTargetId}`
  const path = `${target}/${a.fromActor}s/${a.fromActorId}/roles/${a.priorId ?? a.roleId}`
  return {
    assignment: a.inherited ? `${base}/v3/OS-INHERIT/${path}/inherited_to_projects` : `${base}/v3/${path}`,
    ...(a.fromActor === a.actor ? {} : { membership: `${base}/v3/groups/${a.fromActorId}/users/${a.actorId}` }),
    ...(a.priorId === null ? {} : { prior_role: `${base}/v3/roles/${a.priorId}/implies/${a.roleId}` }),
  }
}

const view = (a: Assignment, names: boolean, base: string) => ({
  role: named(a.roleId, a.role, a.roleDomainId ? { id: a.roleDomainId, name: a.roleDomain } : null, names),
  [a.actor]: named(a.actorId, a.actorName, { id: a.actorDomainId, name: a.actorDomain }, names),
  scope: scopeOf(a, names),
  links: linksOf(a, base),
})

/** What a query asks for; 400 for what cannot be together (keystone/api/role_assignments.py). */
const filterOf = ({ query, context }: Pick<Input, 'query' | 'context'>) => {
  const [userId, groupId, roleId] = [query['user.id'], query['group.id'], query['role.id']]
  const [projectId, domainId] = [query['scope.project.id'], query['scope.domain.id']]
  const effective = flagOf(query.effective) ?? false
  const subtree = flagOf(query.include_subtree) ?? false
  const system = query['scope.system'] !== undefined
  const inherited = query['scope.OS-INHERIT:inherited_to'] !== undefined
  if (query['scope.OS-INHERIT:inherited_to'] !== 'projects' && inherited)
    throw badRequest('The value of scope.OS-INHERIT:inherited_to is projects.')
  if ([projectId !== undefined, domainId !== undefined, system].filter(Boolean).length > 1)
    throw badRequest('Specify a domain, project, or system, but not more than one')
  if (userId !== undefined && groupId !== undefined) throw badRequest('Specify a user or group, not both')
  if (effective && groupId !== undefined)
    throw badRequest('Combining effective and group filter will always result in an empty list.')
  if (effective && inherited && domainId !== undefined)
    throw badRequest('Combining effective, domain and inherited filters will always result in an empty list.')
  if (subtree && projectId === undefined)
    throw badRequest('scope.project.id must be specified if include_subtree is also specified')
  return {
    ...{ userId, groupId, roleId, projectId, domainId, withinDomainId: context.caller?.domain?.id },
    most: LIST_LIMIT + 1,
    form: { effective, subtree, system, inherited },
  }
}

/** A tree is of one domain: 403 for one in another than the token is for, and 404 for none. */
const assertTree = async ({ db, caller }: Context, projectId: string): Promise<void> => {
  const project = await projectById(db, projectId)
  if (!project) throw unknown('project', projectId)
  assertReach(caller!, project.domainId, 'role_assignments_for_tree.list')
}

export const roleAssignmentOperations: Operation[] = [
  operation({
    name: 'role_assignment.list',
    method: 'GET',
    path: '/v3/role_assignments',
    ...READING,
    summary:
      'Who has which role where, a thousand at most; filters `user.id`, `group.id`, `role.id`, `scope.project.id` (`include_subtree`), `scope.domain.id`, `scope.system` and `scope.OS-INHERIT:inherited_to`; `effective`, `include_names`.',
    status: 200,
    handle: async (input) => {
      const { context, query, base } = input
      const filter = filterOf(input)
      const { domain, roles } = context.caller!
      // Who administers a domain is told that he has nothing in another by an empty list.
      if (domain && filter.form.subtree && !roles.includes('admin')) await assertTree(context, filter.projectId!)
      const rows = domain && filter.form.system ? [] : await listAssignments(context.db, filter)
      const names = flagOf(query.include_names) ?? false
      return truncated('role_assignments', rows, (row) => view(row, names, base), base, '/role_assignments')
    },
  }),
]
