import * as z from 'zod'
import { beginAsTemplate, isFullOfProjects, stillHolds, templateOf } from '../../../db/queries/clouds/templates.ts'
import { type DomainRow, domainById, listDomains } from '../../../db/queries/identity/domains.ts'
import {
  deleteProject,
  insertProject,
  listProjects,
  type ProjectRow,
  projectById,
  raiseProjectEpoch,
  updateProject,
} from '../../../db/queries/identity/identity.ts'
import { forgetListeners } from '../../../db/queries/line/webhooks.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { openObject } from '../../http/dictionary.ts'
import { badRequest, forbidden } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { inexactly } from '../filters.ts'
import { extraOf } from '../properties.ts'
import { assertDomainSaid, assertReach, domainAsked, MANAGING, ownDomain, ownOr, READING } from '../reach.ts'
import { actionDenied, actionRefused, duplicate, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, flagOf, selfLink } from '../views.ts'
import { changeDomain, makeDomain, refuseDomain, removeDomain } from './domains.ts'
import { extended, named, textOf } from './named.ts'
import { assertMutable, assertRemovable, mergedOptions, resourceOptions } from './options.ts'
import { tagged, tagList } from './project-tags.ts'
import { assertBranch, assertState, branchHolds, isLeaf, stateHolds, treeOf } from './project-tree.ts'

const fields = {
  name: z.string().trim().min(1).max(64),
  description: z.string().max(16_384).nullish(),
  enabled: z.boolean().optional(),
  domain_id: z.string().nullish(),
  parent_id: z.string().nullish(),
  is_domain: z.boolean().optional(),
  tags: tagList.optional(),
  options: resourceOptions,
}
const KNOWN = [...Object.keys(fields), 'id', 'links']
const creation = z.object({ project: openObject(z.looseObject(fields)) })
const change = z.object({ project: openObject(z.looseObject({ ...fields, name: fields.name.optional() })) })
type Wish = z.infer<typeof creation>['project']

/** A project as Keystone shows it. */
export const projectView = (row: ProjectRow, base: string) => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domainId as string | null,
  description: row.description,
  enabled: row.enabled,
  parent_id: (row.parentId ?? row.domainId) as string | null,
  is_domain: false,
  tags: row.tags,
  options: row.options,
  links: selfLink(base, `/projects/${row.id}`),
})

/** A domain as the project that acts as it. */
const actingView = ({ id, name, description, enabled, tags, options, extra }: DomainRow, base: string) => ({
  ...extra,
  ...{ id, name, domain_id: null, description, enabled, parent_id: null, is_domain: true, tags, options },
  links: selfLink(base, `/projects/${id}`),
})

/** Where a new project is: its domain, and the project that it is below. 400 for what does not fit together. */
const placeOf = async (context: Context, asked: Wish): Promise<Pick<ProjectRow, 'domainId' | 'parentId'>> => {
  const parent = asked.parent_id ? await projectById(context.db, asked.parent_id) : null
  if (asked.parent_id && !parent) {
    if (!(await domainById(context.db, asked.parent_id)))
      throw badRequest(`Could not find project: ${asked.parent_id}.`)
    if (asked.domain_id && asked.domain_id !== asked.parent_id)
      throw badRequest(
        `Cannot create project, the parent (${asked.parent_id}) is acting as a domain, but this project's domain id (${asked.domain_id}) does not match the parent's id.`,
      )
    return { domainId: asked.parent_id, parentId: null }
  }
  const domainId = asked.domain_id ?? parent?.domainId ?? ownDomain(context.caller!)
  if (!parent) return { domainId, parentId: null }
  if (parent.domainId !== domainId)
    throw badRequest(
      `Cannot create project, since it specifies its domain_id ${domainId}, but specifies a parent in a different domain (${parent.domainId}).`,
    )
  await assertBranch(context, parent)
  return { domainId, parentId: parent.id }
}

const makeProject = async (context: Context, asked: Wish): Promise<ProjectRow> => {
  assertDomainSaid(context.caller!, asked.domain_id, 'project.create')
  const place = await placeOf(context, asked)
  assertReach(context.caller!, place.domainId, 'project.create')
  const domain = await domainById(context.db, place.domainId)
  if (!domain) throw badRequest(`Could not find domain: ${place.domainId}.`)
  if (!domain.enabled)
    throw badRequest(`cannot create a project in a branch containing a disabled project: ${domain.id}`)
  const row: ProjectRow = {
    id: context.newId().replaceAll('-', ''),
    ...place,
    name: asked.name,
    description: asked.description ?? '',
    enabled: asked.enabled ?? true,
    options: mergedOptions({}, asked.options),
    tags: [...new Set(asked.tags)],
    extra: extraOf(asked, KNOWN),
    epoch: 0,
    policy: null,
    createdAt: context.now(),
  }
  return beginProject(context, row)
}

/** Makes a project as its domain's template has it. 403 where the domain is full of projects. */
export const beginProject = async (context: Context, row: ProjectRow): Promise<ProjectRow> => {
  const entry = { action: 'create', kind: 'project', resourceId: row.id, detail: { name: row.name } }
  const template = await templateOf(context.db, row.domainId)
  const full = {
    violated: isFullOfProjects(row.domainId, row.createdAt),
    refusal: forbidden(
      `Domain ${row.domainId} may have at most ${template?.mostProjects} projects, and make no more in a month.`,
    ),
  }
  await commitIf(context, [...branchHolds(row), ...(template ? [full] : [])], entry, [
    insertProject(context.db, row),
    ...(template ? beginAsTemplate(context.db, row) : []),
  ])
  return row
}

export const projectOperations: Operation[] = [
  operation({
    name: 'project.list',
    method: 'GET',
    path: '/v3/projects',
    ...READING,
    summary:
      'Every project; filters `name`, `domain_id`, `parent_id`, `enabled` and `is_domain`, exact or not, and `tags`, `tags-any`, `not-tags` and `not-tags-any`.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const { name, parent_id: parentId } = query
      const { domainId, nothing } = domainAsked(context.caller!, query.domain_id)
      const enabled = flagOf(query.enabled)
      const shown = async () => {
        if (nothing) return []
        if (flagOf(query.is_domain)) {
          const { domain } = context.caller!
          const acting = domain || domainId || parentId ? [] : await listDomains(context.db, { name, enabled })
          return tagged(queries, acting).map((row) => actingView(row, base))
        }
        const rows = await listProjects(context.db, { name, domainId, parentId, enabled })
        return tagged(queries, rows).map((row) => projectView(row, base))
      }
      const views = inexactly<ReturnType<typeof projectView>>(
        queries,
        ['name', 'domain_id', 'parent_id'],
        await shown(),
      )
      return collection('projects', views, base, '/projects')
    },
  }),
  operation({
    name: 'project.create',
    method: 'POST',
    path: '/v3/projects',
    ...MANAGING,
    summary:
      'Makes a project, below its domain or below another one, or with `is_domain` a domain. It reaches no cloud before an admin maps it to one, but for those of the template of its domain.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { project }, base }) => {
      if (!project.is_domain) return { body: { project: projectView(await makeProject(context, project), base) } }
      if (context.caller!.domain) throw forbidden(actionDenied('project.create'))
      if (project.parent_id || project.domain_id) throw badRequest('only root projects are allowed to act as domains.')
      return {
        body: { project: actingView(await makeDomain(context, { ...project, explicit_domain_id: undefined }), base) },
      }
    },
    refuse: (error, { context, body: { project } }) => {
      if (project.is_domain) return refuseDomain(error, project.name)
      return isTaken(error)
        ? duplicate('project', project.name, project.domain_id ?? ownDomain(context.caller!))
        : undefined
    },
  }),
  operation({
    name: 'project.get',
    method: 'GET',
    path: '/v3/projects/:id',
    who: 'authenticated',
    summary:
      'One project; users see the one of their token. `parents_as_list`, `parents_as_ids`, `subtree_as_list` and `subtree_as_ids` show the tree.',
    status: 200,
    handle: async ({ context, params, query, base }) => {
      const caller = context.caller!
      const id = params.id!
      const own = caller.projectId === id
      const asks = own || caller.isAdmin || caller.system || caller.domain
      const row = asks ? await projectById(context.db, id) : null
      ownOr(caller, 'reader', own, row?.domainId ?? id, 'project.get')
      if (row) {
        const view = (each: ProjectRow) => projectView(each, base)
        return { body: { project: { ...view(row), ...(await treeOf(context, row, query, view)) } } }
      }
      const domain = await domainById(context.db, id)
      if (!domain) throw unknown('project', id)
      return { body: { project: actingView(domain, base) } }
    },
  }),
  operation({
    name: 'project.update',
    method: 'PATCH',
    path: '/v3/projects/:id',
    ...MANAGING,
    summary: 'Changes a project; a disabled one loses its tokens.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { project }, base }) => {
      const row = await projectById(context.db, params.id!)
      assertReach(context.caller!, row?.domainId, 'project.update')
      if (!row) {
        const domain = await domainById(context.db, params.id!)
        if (!domain) throw unknown('project', params.id!)
        return { body: { project: actingView(await changeDomain(context, domain, project), base) } }
      }
      assertMutable('project', row, project)
      if (project.domain_id && project.domain_id !== row.domainId)
        throw badRequest('Update of `domain_id` is not allowed.')
      if (project.parent_id !== undefined && project.parent_id !== (row.parentId ?? row.domainId))
        throw forbidden('Update of `parent_id` is not allowed.')
      if (project.is_domain) throw badRequest('Update of `is_domain` is not allowed.')
      await assertState(context, row, project.enabled ?? row.enabled)
      const set = named<ProjectRow>({
        name: project.name,
        description: textOf(project.description),
        enabled: project.enabled,
        options: project.options && mergedOptions(row.options, project.options),
        tags: project.tags && [...new Set(project.tags)],
        extra: extended(row.extra, extraOf(project, KNOWN)),
      })
      const entry = { action: 'update', kind: 'project', resourceId: row.id }
      const rules = stateHolds(row, set.enabled ?? row.enabled)
      await commitIf(context, rules, entry, [
        ...(Object.keys(set).length ? [updateProject(context.db, row.id, set)] : []),
        ...(set.enabled === false ? [raiseProjectEpoch(context.db, row.id)] : []),
      ])
      return { body: { project: projectView({ ...row, ...set }, base) } }
    },
    refuse: async (error, { context, params, body: { project } }) => {
      if (!isTaken(error)) return undefined
      const row = await projectById(context.db, params.id!)
      return row ? duplicate('project', project.name!, row.domainId) : refuseDomain(error, project.name!)
    },
  }),
  operation({
    name: 'project.delete',
    method: 'DELETE',
    path: '/v3/projects/:id',
    ...MANAGING,
    summary:
      'Removes a project that none is below, with its role assignments and application credentials. What it still has on clouds stays, for an admin to remove; in a domain with a template only an admin removes one that has something there.',
    status: 204,
    handle: async ({ context, params }) => {
      const id = params.id!
      const row = await projectById(context.db, id)
      assertReach(context.caller!, row?.domainId, 'project.delete')
      if (!row) {
        const domain = await domainById(context.db, id)
        if (!domain) throw unknown('project', id)
        await removeDomain(context, domain)
        return {}
      }
      assertRemovable('project', row)
      const entry = { action: 'delete', kind: 'project', resourceId: id }
      const writes = [...deleteProject(context.db, id), ...forgetListeners(context.db, id)]
      // Whoever makes projects of a template would have its limits anew, and nobody would look after what runs on.
      const held = {
        violated: stillHolds(id),
        refusal: forbidden(actionRefused('The project still has something on a cloud')),
      }
      await commitIf(context, [isLeaf(id), ...(context.caller!.isAdmin ? [] : [held])], entry, writes)
      return {}
    },
  }),
]
