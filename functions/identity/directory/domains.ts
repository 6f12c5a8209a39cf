import * as z from 'zod'
import {
  DEFAULT_DOMAIN,
  type DomainRow,
  deleteDomain,
  domainById,
  insertDomain,
  listDomains,
  raiseDomainEpochs,
  updateDomain,
} from '../../../db/queries/identity/domains.ts'
import { isOpen } from '../../../db/queries/identity/holding.ts'
import { projectById } from '../../../db/queries/identity/identity.ts'
import { commit } from '../../broker/line/commit.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { openObject } from '../../http/dictionary.ts'
import { Fault, forbidden } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { inexactly } from '../filters.ts'
import { extraOf } from '../properties.ts'
import { MANAGING_ALL, READING } from '../reach.ts'
import { actionDenied, actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, flagOf, selfLink } from '../views.ts'
import { extended, named, textOf } from './named.ts'
import { assertMutable, assertRemovable, mergedOptions, resourceOptions } from './options.ts'
import { tagged, tagList } from './project-tags.ts'

const fields = {
  name: z.string().trim().min(1).max(64),
  description: z.string().max(16_384).nullish(),
  enabled: z.boolean().optional(),
  tags: tagList.optional(),
  options: resourceOptions,
}
const KNOWN = [...Object.keys(fields), 'id', 'links', 'explicit_domain_id', 'domain_id', 'parent_id', 'is_domain']
const explicit_domain_id = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be a UUID without dashes')
  .optional()
const creation = z.object({ domain: openObject(z.looseObject({ ...fields, explicit_domain_id })) })
const change = z.object({ domain: openObject(z.looseObject({ ...fields, name: fields.name.optional() })) })

/** A domain as Keystone shows it. */
export const domainView = ({ extra, id, name, description, enabled, tags, options }: DomainRow, base: string) => ({
  ...extra,
  id,
  name,
  description,
  enabled,
  tags,
  options,
  links: selfLink(base, `/domains/${id}`),
})

const takenBy = (name: string): Fault =>
  new Fault(
    409,
    `Conflict occurred attempting to store project - it is not permitted to have two projects acting as domains with the same name: ${name}.`,
  )

type Wish = z.infer<typeof creation>['domain']
/** The row of a domain that is to be made. */
export const newDomain = (context: Context, asked: Wish): DomainRow => ({
  id: asked.explicit_domain_id ?? context.newId().replaceAll('-', ''),
  name: asked.name,
  description: asked.description ?? '',
  enabled: asked.enabled ?? true,
  tags: [...new Set(asked.tags)],
  options: mergedOptions({}, asked.options),
  extra: extraOf(asked, KNOWN),
  epoch: 0,
  projects: 0,
})

/** Makes a domain. 409 for an id that a project or a domain has. */
export const makeDomain = async (context: Context, asked: Wish): Promise<DomainRow> => {
  const row = newDomain(context, asked)
  const { id } = row
  if (asked.explicit_domain_id && ((await domainById(context.db, id)) ?? (await projectById(context.db, id))))
    throw new Fault(409, `Conflict occurred attempting to store project - Duplicate entry found with ID ${id}.`)
  const entry = { action: 'create', kind: 'domain', resourceId: id, detail: { name: row.name } }
  await commit(context, entry, [insertDomain(context.db, row)])
  return row
}

type Change = z.infer<typeof change>['domain']
/** Changes a domain; disabled, its tokens end. 403 for one that is immutable. */
export const changeDomain = async (context: Context, row: DomainRow, asked: Change): Promise<DomainRow> => {
  assertMutable('domain', row, asked)
  const set = named<DomainRow>({
    name: asked.name,
    description: textOf(asked.description),
    enabled: asked.enabled,
    tags: asked.tags && [...new Set(asked.tags)],
    options: asked.options && mergedOptions(row.options, asked.options),
    extra: extended(row.extra, extraOf(asked, KNOWN)),
  })
  const entry = { action: 'update', kind: 'domain', resourceId: row.id }
  await commit(context, entry, [
    ...(Object.keys(set).length ? [updateDomain(context.db, row.id, set)] : []),
    ...(set.enabled === false ? raiseDomainEpochs(context.db, row.id) : []),
  ])
  return { ...row, ...set }
}

/** Removes a domain with all that is in it. 403 for that of the first start, and for one that is enabled or immutable. */
export const removeDomain = async (context: Context, row: DomainRow): Promise<void> => {
  if (row.id === DEFAULT_DOMAIN) throw forbidden(actionRefused('delete the default domain'))
  assertRemovable('domain', row)
  const enabled = forbidden('Cannot delete a domain that is enabled, please disable it first.')
  if (row.enabled) throw enabled
  const entry = { action: 'delete', kind: 'domain', resourceId: row.id, detail: { name: row.name } }
  const rules = [{ violated: isOpen(row.id), refusal: enabled }]
  await commitIf(context, rules, entry, [...deleteDomain(context.db, row.id)])
}

/** What a name that is taken is refused with. */
export const refuseDomain = (error: unknown, name: string): Fault | undefined =>
  isTaken(error) ? takenBy(name) : undefined

/** 404 for a domain that there is not, whoever asks: Keystone looks before it asks who may. */
const domainThere: Operation['absent'] = async ({ db, params }) => {
  if (!(await domainById(db, params.id!))) throw unknown('domain', params.id!)
}

/** Domains: disabled before they are removed. */
export const domainOperations: Operation[] = [
  operation({
    name: 'domain.list',
    method: 'GET',
    path: '/v3/domains',
    ...READING,
    summary: 'Every domain; filters `name` and `enabled`, exact or not, and by tags.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const { domain } = context.caller!
      const rows = await listDomains(context.db, { id: domain?.id, name: query.name, enabled: flagOf(query.enabled) })
      const views = tagged(queries, rows).map((row) => domainView(row, base))
      return collection('domains', inexactly(queries, ['name'], views), base, '/domains')
    },
  }),
  operation({
    name: 'domain.create',
    method: 'POST',
    path: '/v3/domains',
    ...MANAGING_ALL,
    summary: 'Makes a domain, of an id of its own or of that in `explicit_domain_id`.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { domain }, base }) => ({
      body: { domain: domainView(await makeDomain(context, domain), base) },
    }),
    refuse: (error, { body: { domain } }) => refuseDomain(error, domain.name),
  }),
  operation({
    name: 'domain.get',
    method: 'GET',
    path: '/v3/domains/:id',
    who: 'authenticated',
    summary: 'One domain: that of the token or of its project, and any to those who read all of identity.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const { isAdmin, system, ...caller } = context.caller!
      const own = [caller.projectDomainId, caller.domain?.id].includes(params.id)
      if (!isAdmin && !system && !own) throw forbidden(actionDenied('domain.get'))
      const row = await domainById(context.db, params.id!)
      if (!row) throw unknown('domain', params.id!)
      return { body: { domain: domainView(row, base) } }
    },
  }),
  operation({
    name: 'domain.update',
    method: 'PATCH',
    path: '/v3/domains/:id',
    ...MANAGING_ALL,
    absent: domainThere,
    summary: 'Changes a domain. Disabling it ends the tokens of its users, and those for it and its projects.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { domain }, base }) => {
      const row = await domainById(context.db, params.id!)
      if (!row) throw unknown('domain', params.id!)
      const changed = await changeDomain(context, row, domain)
      return { body: { domain: domainView(changed, base) } }
    },
    refuse: (error, { body: { domain } }) => refuseDomain(error, domain.name!),
  }),
  operation({
    name: 'domain.delete',
    method: 'DELETE',
    path: '/v3/domains/:id',
    ...MANAGING_ALL,
    absent: domainThere,
    summary:
      'Removes a disabled domain with its users, groups, projects and roles. What projects still have on clouds stays, for an admin to remove.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await domainById(context.db, params.id!)
      if (!row) throw unknown('domain', params.id!)
      await removeDomain(context, row)
      return {}
    },
  }),
]
