import * as z from 'zod'
import { domainById } from '../../db/queries/identity/domains.ts'
import {
  deleteRole,
  insertRole,
  listRoles,
  type RoleRow,
  roleById,
  updateRole,
} from '../../db/queries/identity/identity.ts'
import { commit } from '../broker/line/commit.ts'
import { isTaken } from '../broker/line/refused.ts'
import type { Caller } from '../context.ts'
import { openObject } from '../http/dictionary.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { assertMutable, assertRemovable, mergedOptions, resourceOptions } from './directory/options.ts'
import { inexactly } from './filters.ts'
import { extraOf, nameText } from './properties.ts'
import { MANAGING_ALL } from './reach.ts'
import { actionDenied, duplicate, unknown } from './refusals.ts'
import { collection, selfLink } from './views.ts'

const fields = {
  name: nameText,
  description: z.string().max(16_384).nullish(),
  domain_id: z.string().nullish(),
  options: resourceOptions,
}
const KNOWN = [...Object.keys(fields), 'id', 'links']
const creation = z.object({ role: openObject(z.looseObject(fields)) })
const change = z.object({ role: openObject(z.looseObject({ ...fields, name: nameText.optional() })) })

/** A role as it is shown within something else. */
export const roleFields = ({ id, name, domainId, description, options }: Omit<RoleRow, 'extra'>) => ({
  id,
  name,
  domain_id: domainId || null,
  description: description || null,
  options,
})

const view = (row: RoleRow, base: string) => ({
  ...row.extra,
  ...roleFields(row),
  links: selfLink(base, `/roles/${row.id}`),
})

/** Roles that count for no more than what they are granted on: whoever is `admin` in a project is one of everything. */
export const HANDED_ON = ['manager', 'member', 'reader']

/** 404 for a role that there is not, whoever asks: Keystone looks before it asks who may. */
const roleThere: Operation['absent'] = async ({ db, params }) => {
  if (!(await roleById(db, params.id!))) throw unknown('role', params.id!)
}

/** 403 to a token for a domain for the roles of domains, and to managers for what is not theirs to hand on. */
const assertShows = ({ isAdmin, system, domain, roles }: Caller, { name, domainId }: RoleRow): void => {
  if (isAdmin || system) return
  if (domainId) throw forbidden(actionDenied('domain_role.get'))
  if (!(domain && roles.includes('admin')) && !HANDED_ON.includes(name)) throw forbidden(actionDenied('role.get'))
}

export const roleOperations: Operation[] = [
  operation({
    name: 'role.list',
    method: 'GET',
    path: '/v3/roles',
    who: 'admin',
    also: { system: 'reader', domain: 'manager' },
    summary:
      'Every role of all domains, or with `domain_id` those of that one, which no token for a domain shows; filter `name`, exact or not.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const { domain_id: domainId = '', name } = query
      if (domainId && context.caller!.domain) throw forbidden(actionDenied('domain_role.list'))
      const rows = await listRoles(context.db, { name, domainId })
      return collection(
        'roles',
        inexactly(
          queries,
          ['name'],
          rows.map((row) => view(row, base)),
        ),
        base,
        '/roles',
      )
    },
  }),
  operation({
    name: 'role.create',
    method: 'POST',
    path: '/v3/roles',
    ...MANAGING_ALL,
    summary:
      'Makes a role, of all domains or of one. Operations ask for reader, member, manager and admin alone; a role of one domain stands for those that it implies.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { role }, base }) => {
      if (role.domain_id && !(await domainById(context.db, role.domain_id))) throw unknown('domain', role.domain_id)
      const row: RoleRow = {
        id: context.newId().replaceAll('-', ''),
        domainId: role.domain_id ?? '',
        name: role.name,
        description: role.description ?? '',
        options: mergedOptions({}, role.options),
        extra: extraOf(role, KNOWN),
      }
      const entry = { action: 'create', kind: 'role', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [insertRole(context.db, row)])
      return { body: { role: view(row, base) } }
    },
    refuse: (error, { body: { role } }) =>
      isTaken(error) ? duplicate('role', role.name, role.domain_id ?? undefined) : undefined,
  }),
  operation({
    name: 'role.get',
    method: 'GET',
    path: '/v3/roles/:id',
    who: 'manager',
    also: { system: 'reader', domain: 'manager' },
    absent: roleThere,
    summary: 'One role; to who manages a project or a domain those that he may hand on.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const row = await roleById(context.db, params.id!)
      if (!row) throw unknown('role', params.id!)
      assertShows(context.caller!, row)
      return { body: { role: view(row, base) } }
    },
  }),
  operation({
    name: 'role.update',
    method: 'PATCH',
    path: '/v3/roles/:id',
    ...MANAGING_ALL,
    absent: roleThere,
    summary: 'Changes the name, description and options of a role. Tokens that name it lose it with its name.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { role }, base }) => {
      const row = await roleById(context.db, params.id!)
      if (!row) throw unknown('role', params.id!)
      assertMutable('role', row, role)
      if (role.domain_id !== undefined && (role.domain_id ?? '') !== row.domainId)
        throw badRequest('Update of `domain_id` is not allowed.')
      const changed: RoleRow = {
        ...row,
        name: role.name ?? row.name,
        description: role.description === undefined ? row.description : (role.description ?? ''),
        options: mergedOptions(row.options, role.options),
        extra: { ...row.extra, ...extraOf(role, KNOWN) },
      }
      const entry = { action: 'update', kind: 'role', resourceId: row.id }
      await commit(context, entry, [updateRole(context.db, row.id, changed)])
      return { body: { role: view(changed, base) } }
    },
    refuse: (error, { body: { role } }) => (isTaken(error) ? duplicate('role', role.name!) : undefined),
  }),
  operation({
    name: 'role.delete',
    method: 'DELETE',
    path: '/v3/roles/:id',
    ...MANAGING_ALL,
    absent: roleThere,
    summary:
      'Removes a role from everybody who has it, and from their tokens, with the application credentials that they have where they had it.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await roleById(context.db, params.id!)
      if (!row) throw unknown('role', params.id!)
      assertRemovable('role', row)
      const entry = { action: 'delete', kind: 'role', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [...deleteRole(context.db, row.id)])
      return {}
    },
  }),
]
