import * as z from 'zod'
import { deleteRole, insertRole, listRoles, type RoleRow, roleById } from '../../db/queries/identity/identity.ts'
import { commit } from '../broker/line/commit.ts'
import { isTaken } from '../broker/line/refused.ts'
import { forbidden, notImplemented } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { inexactly } from './filters.ts'
import { nameText, noOptions } from './properties.ts'
import { duplicate, unknown } from './refusals.ts'
import { collection, selfLink } from './views.ts'

const creation = z.object({
  role: z.strictObject({
    name: nameText,
    description: z.string().max(255).nullish(),
    domain_id: z.string().nullish(),
    options: noOptions,
  }),
})

/** The roles that operations ask for; without them nobody could administrate any more. */
const IMMUTABLE = ['admin', 'manager', 'member', 'reader', 'service']

/** A role as it is shown within something else. */
export const roleFields = ({ id, name, description }: RoleRow) => ({
  id,
  name,
  domain_id: null,
  description: description || null,
  options: IMMUTABLE.includes(name) ? { immutable: true } : {},
})

const view = (row: RoleRow, base: string) => ({ ...roleFields(row), links: selfLink(base, `/roles/${row.id}`) })

export const roleOperations: Operation[] = [
  operation({
    name: 'role.list',
    method: 'GET',
    path: '/v3/roles',
    who: 'admin',
    summary: 'Every role; filter `name`, exact or not.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const rows = query.domain_id ? [] : await listRoles(context.db, query.name)
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
    who: 'admin',
    summary: 'Makes a role. Operations ask for reader, member, manager and admin alone.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { role }, base }) => {
      if (role.domain_id) throw notImplemented('Roles of a domain are not offered.')
      const row: RoleRow = {
        id: context.newId().replaceAll('-', ''),
        name: role.name,
        description: role.description ?? '',
      }
      const entry = { action: 'create', kind: 'role', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [insertRole(context.db, row)])
      return { body: { role: view(row, base) } }
    },
    refuse: (error, { body: { role } }) => (isTaken(error) ? duplicate('role', role.name) : undefined),
  }),
  operation({
    name: 'role.get',
    method: 'GET',
    path: '/v3/roles/:id',
    who: 'admin',
    summary: 'One role.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const row = await roleById(context.db, params.id!)
      if (!row) throw unknown('role', params.id!)
      return { body: { role: view(row, base) } }
    },
  }),
  operation({
    name: 'role.delete',
    method: 'DELETE',
    path: '/v3/roles/:id',
    who: 'admin',
    summary:
      'Removes a role from everybody who has it, and from their tokens, with the application credentials that they have where they had it.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await roleById(context.db, params.id!)
      if (!row) throw unknown('role', params.id!)
      if (IMMUTABLE.includes(row.name))
        throw forbidden(
          `Unable to delete immutable role resource: ${row.id}. Set resource option "immutable" to false first.`,
        )
      const entry = { action: 'delete', kind: 'role', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [...deleteRole(context.db, row.id)])
      return {}
    },
  }),
]
