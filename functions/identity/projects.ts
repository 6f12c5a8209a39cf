import * as z from 'zod'
import {
  deleteProject,
  domainById,
  insertProject,
  listProjects,
  type ProjectRow,
  projectById,
  raiseProjectEpoch,
  updateProject,
} from '../../db/queries/identity/identity.ts'
import { forgetListeners } from '../../db/queries/line/webhooks.ts'
import { commit } from '../broker/line/commit.ts'
import { isTaken } from '../broker/line/refused.ts'
import { openObject } from '../http/dictionary.ts'
import { notImplemented } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { inexactly } from './filters.ts'
import { extraOf, noOptions } from './properties.ts'
import { duplicate, ownOrAdmin, unknown } from './refusals.ts'
import { collection, flagOf, selfLink } from './views.ts'

const tag = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^,/]*$/, 'must not contain commas or slashes')
const fields = {
  name: z.string().trim().min(1).max(64),
  description: z.string().max(16_384).nullish(),
  enabled: z.boolean().optional(),
  domain_id: z.string().nullish(),
  parent_id: z.string().nullish(),
  is_domain: z.boolean().optional(),
  tags: z.array(tag).max(80).optional(),
  options: noOptions,
}
const KNOWN = [...Object.keys(fields), 'id', 'links']
const creation = z.object({ project: openObject(z.looseObject(fields)) })
const change = z.object({ project: openObject(z.looseObject({ ...fields, name: fields.name.optional() })) })

/** A project as Keystone shows it. */
export const projectView = (row: ProjectRow, base: string) => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domainId,
  description: row.description,
  enabled: row.enabled,
  parent_id: row.domainId,
  is_domain: false,
  tags: row.tags,
  options: {},
  links: selfLink(base, `/projects/${row.id}`),
})

/** Projects stand directly below their domain. */
const refuseHierarchy = (
  body: { is_domain?: boolean | undefined; parent_id?: string | null | undefined },
  domainId: string,
) => {
  if (body.is_domain) throw notImplemented('Projects that act as domains are not offered.')
  if (body.parent_id && body.parent_id !== domainId) throw notImplemented('Projects below projects are not offered.')
}

export const projectOperations: Operation[] = [
  operation({
    name: 'project.list',
    method: 'GET',
    path: '/v3/projects',
    who: 'admin',
    summary: 'Every project; filters `name`, `domain_id`, `parent_id`, `enabled` and `is_domain`, exact or not.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const { domain_id: domainId = query.parent_id, parent_id: parentId = domainId } = query
      const filter = { name: query.name, domainId, enabled: flagOf(query.enabled) }
      // A project's parent is its domain.
      const rows = flagOf(query.is_domain) || parentId !== domainId ? [] : await listProjects(context.db, filter)
      return collection(
        'projects',
        inexactly(
          queries,
          ['name', 'domain_id', 'parent_id'],
          rows.map((row) => projectView(row, base)),
        ),
        base,
        '/projects',
      )
    },
  }),
  operation({
    name: 'project.create',
    method: 'POST',
    path: '/v3/projects',
    who: 'admin',
    summary: 'Makes a project. It reaches no cloud before an admin maps it to one.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { project }, base }) => {
      const domainId = project.domain_id ?? context.caller!.projectDomainId
      refuseHierarchy(project, domainId)
      if (!(await domainById(context.db, domainId))) throw unknown('domain', domainId)
      const row: ProjectRow = {
        id: context.newId().replaceAll('-', ''),
        domainId,
        name: project.name,
        description: project.description ?? '',
        enabled: project.enabled ?? true,
        tags: [...new Set(project.tags)],
        extra: extraOf(project, KNOWN),
        epoch: 0,
        policy: null,
        createdAt: context.now(),
      }
      const entry = { action: 'create', kind: 'project', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [insertProject(context.db, row)])
      return { body: { project: projectView(row, base) } }
    },
    refuse: (error, { context, body: { project } }) =>
      isTaken(error)
        ? duplicate('project', project.name, project.domain_id ?? context.caller!.projectDomainId)
        : undefined,
  }),
  operation({
    name: 'project.get',
    method: 'GET',
    path: '/v3/projects/:id',
    who: 'authenticated',
    summary: 'One project; users see the one of their token.',
    status: 200,
    handle: async ({ context, params, base }) => {
      ownOrAdmin(context.caller, (caller) => caller.projectId === params.id, 'project.get')
      const row = await projectById(context.db, params.id!)
      if (!row) throw unknown('project', params.id!)
      return { body: { project: projectView(row, base) } }
    },
  }),
  operation({
    name: 'project.update',
    method: 'PATCH',
    path: '/v3/projects/:id',
    who: 'admin',
    summary: 'Changes a project; a disabled one loses its tokens.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { project }, base }) => {
      const row = await projectById(context.db, params.id!)
      if (!row) throw unknown('project', params.id!)
      refuseHierarchy(project, row.domainId)
      if (project.domain_id && project.domain_id !== row.domainId)
        throw notImplemented('A project stays in its domain.')
      const changed: ProjectRow = {
        ...row,
        name: project.name ?? row.name,
        description: project.description === undefined ? row.description : (project.description ?? ''),
        enabled: project.enabled ?? row.enabled,
        tags: project.tags ? [...new Set(project.tags)] : row.tags,
        extra: { ...row.extra, ...extraOf(project, KNOWN) },
      }
      const { epoch: _, ...set } = changed
      const entry = { action: 'update', kind: 'project', resourceId: row.id }
      const revoked = row.enabled && !changed.enabled ? [raiseProjectEpoch(context.db, row.id)] : []
      await commit(context, entry, [updateProject(context.db, row.id, set), ...revoked])
      return { body: { project: projectView(changed, base) } }
    },
    refuse: async (error, { context, params, body: { project } }) =>
      isTaken(error)
        ? duplicate('project', project.name!, (await projectById(context.db, params.id!))?.domainId)
        : undefined,
  }),
  operation({
    name: 'project.delete',
    method: 'DELETE',
    path: '/v3/projects/:id',
    who: 'admin',
    summary:
      'Removes a project with its role assignments and application credentials. What it still has on clouds stays, for an admin to remove.',
    status: 204,
    handle: async ({ context, params }) => {
      const id = params.id!
      if (!(await projectById(context.db, id))) throw unknown('project', id)
      const entry = { action: 'delete', kind: 'project', resourceId: id }
      await commit(context, entry, [...deleteProject(context.db, id), ...forgetListeners(context.db, id)])
      return {}
    },
  }),
]
