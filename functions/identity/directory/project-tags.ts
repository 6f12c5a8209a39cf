import * as z from 'zod'
import { type ProjectRow, projectById, updateProject } from '../../../db/queries/identity/identity.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { assertReach, MANAGING, ownOr } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { selfLink } from '../views.ts'

/* Tags of projects: https://docs.openstack.org/api-ref/identity/v3/#project-tags */

const tag = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^[^,/]*$/)
export const tagList = z
  .array(tag)
  .max(80)
  .refine((tags) => new Set(tags).size === tags.length, 'must not repeat a tag')
const replacement = z.object({ tags: tagList })

const split = (text: string | null): string[] | null => text?.split(',') ?? null

/**
 * What the filters by tags let stand: `tags` has all of them, `tags-any` one of them, `not-tags` not all of them,
 * `not-tags-any` none. Of what is there, without a statement of their own.
 */
export const tagged = <T extends { tags: string[] }>(queries: URLSearchParams, items: T[]): T[] => {
  const [all, any] = [split(queries.get('tags')), split(queries.get('tags-any'))]
  const [notAll, none] = [split(queries.get('not-tags')), split(queries.get('not-tags-any'))]
  return items.filter(
    ({ tags }) =>
      (!all || all.every((each) => tags.includes(each))) &&
      (!any || any.some((each) => tags.includes(each))) &&
      !notAll?.every((each) => tags.includes(each)) &&
      !none?.some((each) => tags.includes(each)),
  )
}

const readable = async ({ context, params }: Input, name: string): Promise<ProjectRow> => {
  const caller = context.caller!
  const own = caller.projectId === params.id
  if (!own && !caller.isAdmin && !caller.system && !caller.domain) ownOr(caller, 'reader', false, null, name)
  const row = await projectById(context.db, params.id!)
  ownOr(caller, 'reader', own, row?.domainId, name)
  if (!row) throw unknown('project', params.id!)
  return row
}

const changeable = async ({ context, params }: Input, name: string): Promise<ProjectRow> => {
  const row = await projectById(context.db, params.id!)
  assertReach(context.caller!, row?.domainId, name)
  if (!row) throw unknown('project', params.id!)
  return row
}

const write = (context: Context, { id }: ProjectRow, tags: string[]) =>
  commit(context, { action: 'update', kind: 'project', resourceId: id }, [updateProject(context.db, id, { tags })])

const absent = (name: string) => notFound(`Could not find project tag: ${name}.`)

const MANY = '/v3/projects/:id/tags'
const ONE = `${MANY}/:tag`

export const projectTagOperations: Operation[] = [
  operation({
    name: 'project_tag.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary: 'The tags of a project; users see those of the one of their token.',
    status: 200,
    handle: async (input) => {
      const { tags, id } = await readable(input, 'project_tag.list')
      return { body: { tags, links: selfLink(input.base, `/projects/${id}/tags`) } }
    },
  }),
  operation({
    name: 'project_tag.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'Whether a project has a tag.',
    status: 204,
    handle: async (input) => {
      const { tags } = await readable(input, 'project_tag.get')
      if (!tags.includes(input.params.tag!)) throw absent(input.params.tag!)
      return {}
    },
  }),
  operation({
    name: 'project_tags.update',
    method: 'PUT',
    path: MANY,
    ...MANAGING,
    summary: 'Replaces the tags of a project.',
    status: 200,
    body: replacement,
    handle: async (input) => {
      const { context, body, base } = input
      const row = await changeable(input, 'project_tags.update')
      await write(context, row, body.tags)
      return { body: { tags: body.tags, links: selfLink(base, `/projects/${row.id}/tags`) } }
    },
  }),
  operation({
    name: 'project_tag.create',
    method: 'PUT',
    path: ONE,
    ...MANAGING,
    summary: 'Gives a project a tag.',
    status: 201,
    handle: async (input) => {
      const { context, base } = input
      const row = await changeable(input, 'project_tag.create')
      const given = tag.safeParse(input.params.tag)
      if (!given.success) throw badRequest(`Invalid project tag: ${given.error.issues[0]!.message}.`)
      const tags = [...new Set([...row.tags, given.data])]
      if (!tagList.safeParse(tags).success) throw badRequest('A project has at most 80 tags.')
      await write(context, row, tags)
      return { headers: { Location: `${base}/v3/projects/${row.id}/tags/${encodeURIComponent(given.data)}` } }
    },
  }),
  operation({
    name: 'project_tags.delete',
    method: 'DELETE',
    path: MANY,
    ...MANAGING,
    summary: 'Takes all tags from a project.',
    status: 204,
    handle: async (input) => {
      await write(input.context, await changeable(input, 'project_tags.delete'), [])
      return {}
    },
  }),
  operation({
    name: 'project_tag.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING,
    summary: 'Takes a tag from a project.',
    status: 204,
    handle: async (input) => {
      const row = await changeable(input, 'project_tag.delete')
      const name = input.params.tag!
      if (!row.tags.includes(name)) throw absent(name)
      const left = row.tags.filter((each) => each !== name)
      await write(input.context, row, left)
      return {}
    },
  }),
]
