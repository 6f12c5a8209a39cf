import * as z from 'zod'
import { domainById } from '../../../db/queries/identity/domains.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { projectById } from '../../../db/queries/identity/identity.ts'
import {
  deleteLimit,
  insertLimit,
  type LimitRow,
  type ListedLimit,
  limitById,
  listLimits,
  listRegistered,
  noRegistered,
  updateLimit,
} from '../../../db/queries/limits/limits.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Caller, Context } from '../../context.ts'
import { conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { inexactly } from '../filters.ts'
import { MANAGING_ALL, ownOr } from '../reach.ts'
import { missing } from '../refusals.ts'
import { commitIf, type Rule } from '../rules.ts'
import { LIST_LIMIT, selfLink, truncated } from '../views.ts'
import {
  descriptionField,
  limitSchema,
  MOST_AT_ONCE,
  resourceFields,
  resourceFilter,
  resourceOf,
  resourcesHold,
  resourceView,
} from './resources.ts'

/* What one project, or one domain, has in the place of what is registered: keystone/api/limits.py */

const id = z.string().min(1).max(64)
const fields = { ...resourceFields, resource_limit: limitSchema, description: descriptionField }
const limit = z.union([z.strictObject({ ...fields, project_id: id }), z.strictObject({ ...fields, domain_id: id })])
const creation = z.object({ limits: z.array(limit).min(1).max(MOST_AT_ONCE) })
const change = z.object({
  limit: z.strictObject({ resource_limit: limitSchema.optional(), description: descriptionField }),
})

const MANY = '/v3/limits'
const ONE = `${MANY}/:id`
const TARGET = 'limit'

const view = (row: ListedLimit, base: string) => ({
  ...{ id: row.id, ...resourceView(row), project_id: row.projectId || null, domain_id: row.domainId || null },
  ...{ resource_limit: row.resourceLimit, description: row.description },
  links: selfLink(base, `/limits/${row.id}`),
})

const unknownLimit = (id: string) => notFound(`Could not find limit for ${id}.`)

const limitOf = async ({ db }: Pick<Context, 'db'>, wanted: string): Promise<ListedLimit> => {
  const row = await limitById(db, wanted)
  if (!row) throw unknownLimit(wanted)
  return row
}

/** 404 for a limit that there is not, whoever asks: Keystone looks before it asks who may. */
const limitThere: Operation['absent'] = ({ db, params }) => limitOf({ db }, params.id!)

/** The project or the domain that a limit is for, and that it stays there. 400 for none. */
const holderOf = async (
  { db }: Pick<Context, 'db'>,
  asked: z.infer<typeof limit>,
): Promise<Pick<LimitRow, 'projectId' | 'domainId'> & { rule: Rule }> => {
  if ('project_id' in asked) {
    const refusal = missing('project_id', TARGET)
    if (!(await projectById(db, asked.project_id))) throw refusal
    return {
      projectId: asked.project_id,
      domainId: '',
      rule: { violated: isGone('project', asked.project_id), refusal },
    }
  }
  const refusal = missing('domain_id', TARGET)
  if (!(await domainById(db, asked.domain_id))) throw refusal
  return { projectId: '', domainId: asked.domain_id, rule: { violated: isGone('domain', asked.domain_id), refusal } }
}
const unreferenced = () => forbidden('Unable to create a limit that has no corresponding registered limit.')

/** Whose limits a caller is shown; null: nobody's. */
const shownTo = (caller: Caller): { projectId?: string; withinId?: string } | null => {
  if (caller.domain) return { withinId: caller.domain.id }
  if (caller.isAdmin || caller.system) return {}
  return caller.projectId ? { projectId: caller.projectId } : null
}

export const limitOperations = (services: () => Service[]): Operation[] => [
  operation({
    name: 'limit_model.get',
    method: 'GET',
    path: `${MANY}/model`,
    who: 'authenticated',
    summary: 'How limits of projects in a tree count: each by itself.',
    status: 200,
    handle: async () => ({
      body: {
        model: {
          name: 'flat',
          description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
        },
      },
    }),
  }),
  operation({
    name: 'limit.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary:
      "Limits that the caller's scope reaches; filters `service_id`, `region_id`, `resource_name`, `project_id` and `domain_id`, exact or not.",
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const shown = shownTo(context.caller!)
      const { project_id, domain_id } = query
      const none = !shown || (shown.projectId && project_id && shown.projectId !== project_id)
      const filter = { projectId: shown?.projectId ?? project_id, domainId: domain_id, withinId: shown?.withinId }
      const rows = none
        ? []
        : await listLimits(context.db, { ...filter, ...resourceFilter(query), most: LIST_LIMIT + 1 })
      const views = rows.map((row) => view(row, base))
      const names = ['service_id', 'region_id', 'resource_name', 'project_id', 'domain_id'] as const
      return truncated('limits', inexactly(queries, [...names], views), (each) => each, base, '/limits')
    },
  }),
  operation({
    name: 'limit.create',
    method: 'POST',
    path: MANY,
    ...MANAGING_ALL,
    summary: 'Says what one project, or one domain, has in the place of what is registered.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { limits: asked }, base }) => {
      const rules = await resourcesHold(context, services(), asked.map(resourceOf), TARGET)
      const rows: ListedLimit[] = []
      for (const each of asked) {
        const { rule, ...holder } = await holderOf(context, each)
        const resource = resourceOf(each)
        const registered = (await listRegistered(context.db, { ...resource, regionId: undefined })).find(
          ({ regionId }) => regionId === resource.regionId,
        )
        if (!registered) throw unreferenced()
        rules.push(rule, { violated: noRegistered(registered.id), refusal: unreferenced() })
        rows.push({
          ...{ id: context.newId().replaceAll('-', ''), registeredId: registered.id, ...holder, ...resource },
          ...{ resourceLimit: each.resource_limit, description: each.description ?? null },
        })
      }
      const entry = { action: 'create', kind: TARGET, resourceId: rows[0]!.id, detail: { count: rows.length } }
      const writes = rows.map(({ serviceId: _s, regionId: _r, resourceName: _n, ...row }) =>
        insertLimit(context.db, row),
      )
      await commitIf(context, rules, entry, writes)
      return { body: { limits: rows.map((row) => view(row, base)) } }
    },
    refuse: (error) =>
      isTaken(error) ? conflict('Conflict occurred attempting to store limit - Duplicate entry.') : undefined,
  }),
  operation({
    name: 'limit.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'One limit: of the own project, or one that the scope reaches.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const caller = context.caller!
      const row = await limitById(context.db, params.id!)
      const own = !!row?.projectId && row.projectId === caller.projectId
      const project = row?.projectId && !own && caller.domain ? await projectById(context.db, row.projectId) : null
      ownOr(caller, 'reader', own, project?.domainId ?? (row?.domainId || null), 'limit.get')
      if (!row) throw unknownLimit(params.id!)
      return { body: { limit: view(row, base) } }
    },
  }),
  operation({
    name: 'limit.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    absent: limitThere,
    summary: 'Changes what one project, or one domain, has.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { limit: asked }, base }) => {
      const row = await limitOf(context, params.id!)
      const set = {
        resourceLimit: asked.resource_limit ?? row.resourceLimit,
        description: asked.description === undefined ? row.description : asked.description,
      }
      const entry = { action: 'update', kind: TARGET, resourceId: row.id }
      await commitIf(context, [], entry, [updateLimit(context.db, row.id, set)])
      return { body: { limit: view({ ...row, ...set }, base) } }
    },
  }),
  operation({
    name: 'limit.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    absent: limitThere,
    summary: 'Gives a project, or a domain, what is registered again.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await limitOf(context, params.id!)
      const entry = { action: 'delete', kind: TARGET, resourceId: row.id }
      await commitIf(context, [], entry, [deleteLimit(context.db, row.id)])
      return {}
    },
  }),
]
