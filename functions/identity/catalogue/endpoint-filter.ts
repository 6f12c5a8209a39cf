import {
  addToProject,
  endpointGroupsOf,
  filterWithEndpoints,
  isInProject,
  type Kind,
  noEndpointGroup,
  projectsWith,
  takeFromProject,
} from '../../../db/queries/identity/endpoint-filter.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { projectById } from '../../../db/queries/identity/identity.ts'
import { notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { projectView } from '../directory/projects.ts'
import { provenBy } from '../proven.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink, truncated } from '../views.ts'
import { endpointGroupOf, endpointGroupView } from './endpoint-groups.ts'
import { endpointViews } from './endpoints.ts'
import { fits } from './fits.ts'
import { forgetOwn } from './own.ts'

/* Which endpoints the catalogue of a project has: https://docs.openstack.org/api-ref/identity/v3-ext/#os-ep-filter-api */

const ROOT = '/v3/OS-EP-FILTER'
const KINDS: { kind: Kind; name: string; said: string; one: string; holders: string; words: string }[] = [
  {
    ...{ kind: 'endpoint', name: 'project_endpoint', said: 'endpoint', words: 'an endpoint' },
    ...{ one: `${ROOT}/projects/:project/endpoints/:id`, holders: `${ROOT}/endpoints/:id/projects` },
  },
  {
    ...{ kind: 'group', name: 'project_endpoint_group', said: 'endpoint_group', words: 'a group of endpoints' },
    ...{ one: `${ROOT}/endpoint_groups/:id/projects/:project`, holders: `${ROOT}/endpoint_groups/:id/projects` },
  },
]

const projectOf = async ({ context, params }: Input): Promise<string> => {
  const id = params.project!
  if (!(await projectById(context.db, id))) throw unknown('project', id)
  return id
}

const operationsOf = (services: () => Service[], { kind, name, said, one, holders, words }: (typeof KINDS)[number]) => {
  const assertThere = async (input: Input): Promise<string> => {
    const id = input.params.id!
    if (kind === 'group') await endpointGroupOf(input.context, id)
    else if (!(await endpointViews(services(), input)).some((each) => each.id === id)) throw unknown('endpoint', id)
    return id
  }
  const absent = (id: string, project: string) =>
    kind === 'group'
      ? notFound('Endpoint Group Project Association not found')
      : notFound(`Endpoint ${id} not found in project ${project}`)
  const entry = (action: string, id: string, project: string) => ({
    ...{ action, kind: said, resourceId: id },
    detail: { project },
  })
  return [
    operation({
      name: `${name}.check`,
      method: 'GET',
      path: one,
      ...READING_ALL,
      denial: actionRefused(`identity:${kind === 'group' ? 'get' : 'check'}_${said}_in_project`),
      summary: `Whether a project has ${words} by itself.`,
      status: kind === 'group' ? 200 : 204,
      handle: async (input) => {
        const { id, project } = input.params as { id: string; project: string }
        if (!(await isInProject(input.context.db, kind, project, id))) {
          await assertThere(input)
          await projectOf(input)
          throw absent(id, project)
        }
        if (kind === 'endpoint') return {}
        const links = selfLink(input.base, `/OS-EP-FILTER/endpoint_groups/${id}/projects/${project}`)
        return { body: { project_endpoint_group: { project_id: project, endpoint_group_id: id, links } } }
      },
    }),
    operation({
      name: `${name}.add`,
      method: 'PUT',
      path: one,
      ...MANAGING_ALL,
      denial: actionRefused(`identity:add_${said}_to_project`),
      summary: `Cuts the catalogue of a project to what it is given: ${words} more.`,
      status: 204,
      handle: async (input) => {
        const { context } = input
        const [id, project] = [await assertThere(input), await projectOf(input)]
        const rules = [
          { violated: isGone('project', project), refusal: unknown('project', project) },
          ...(kind === 'group' ? [{ violated: noEndpointGroup(id), refusal: unknown('Endpoint Group', id) }] : []),
        ]
        await commitIf(context, rules, entry('associate', id, project), [addToProject(context.db, kind, project, id)])
        forgetOwn(context)
        return {}
      },
    }),
    operation({
      name: `${name}.remove`,
      method: 'DELETE',
      path: one,
      ...MANAGING_ALL,
      denial: actionRefused(`identity:remove_${said}_from_project`),
      summary: `Takes ${words} from a project's catalogue; one that was given nothing has everything again.`,
      status: 204,
      handle: async (input) => {
        const { context, params } = input
        const [id, project] = [params.id!, params.project!]
        if (!(await isInProject(context.db, kind, project, id))) throw absent(id, project)
        await commitIf(context, [], entry('dissociate', id, project), [takeFromProject(context.db, kind, project, id)])
        forgetOwn(context)
        return {}
      },
    }),
    operation({
      name: `${name}_holder.list`,
      method: 'GET',
      path: holders,
      ...READING_ALL,
      denial: actionRefused(
        kind === 'group'
          ? 'identity:list_projects_associated_with_endpoint_group'
          : 'identity:list_projects_for_endpoint',
      ),
      summary: `The projects that were given ${words}, a thousand at most.`,
      status: 200,
      handle: async (input) => {
        const id = input.params.id!
        const rows = await provenBy(projectsWith(input.context.db, kind, id), () => assertThere(input))
        const path = holders.slice(3).replace(':id', id)
        return truncated('projects', rows, (row) => projectView(row, input.base), input.base, path)
      },
    }),
  ]
}

export const endpointFilterOperations = (services: () => Service[]): Operation[] => [
  ...KINDS.flatMap((each) => operationsOf(services, each)),
  operation({
    name: 'project_endpoint.list',
    method: 'GET',
    path: `${ROOT}/projects/:project/endpoints`,
    ...READING_ALL,
    denial: actionRefused('identity:list_endpoints_for_project'),
    summary: 'The endpoints that a project was given, by itself and by groups; none: its catalogue has everything.',
    status: 200,
    handle: async (input) => {
      const project = input.params.project!
      const given = await filterWithEndpoints(input.context.db, project)
      if (!given) throw unknown('project', project)
      const { ids, groups, endpoints } = given
      const own = (await endpointViews(services(), input, endpoints)).filter(
        (each) => ids.includes(each.id) || groups.some((group) => fits(group, each)),
      )
      return collection('endpoints', own, input.base, `/OS-EP-FILTER/projects/${project}/endpoints`)
    },
  }),
  operation({
    name: 'project_endpoint_group.list',
    method: 'GET',
    path: `${ROOT}/projects/:project/endpoint_groups`,
    ...READING_ALL,
    denial: actionRefused('identity:list_endpoint_groups_for_project'),
    summary: 'The groups of endpoints that a project was given.',
    status: 200,
    handle: async (input) => {
      const project = input.params.project!
      const rows = await endpointGroupsOf(input.context.db, project)
      if (!rows) throw unknown('project', project)
      const views = rows.map((row) => endpointGroupView(row, input.base))
      return collection('endpoint_groups', views, input.base, `/OS-EP-FILTER/projects/${project}/endpoint_groups`)
    },
  }),
]
