import * as z from 'zod'
import type { Json } from '../../../adapters/contract.ts'
import {
  deleteMapping,
  insertMapping,
  listMappings,
  type MappingRow,
  mappingById,
  noMapping,
  updateMapping,
  usedMapping,
} from '../../../db/queries/federation/federation.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { badRequest, conflict } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink } from '../views.ts'
import { rulesSchema, VERSIONS } from './mapping.ts'

/* https://docs.openstack.org/api-ref/identity/v3-ext/#mappings */

const body = z.object({
  mapping: z.strictObject({
    rules: rulesSchema,
    schema_version: z.enum(VERSIONS).nullish(),
    id: z.string().optional(),
  }),
})

const MANY = '/v3/OS-FEDERATION/mappings'
const ONE = `${MANY}/:id`

const view = ({ id, rules, schemaVersion }: MappingRow, base: string) => ({
  ...{ id, rules, schema_version: schemaVersion },
  links: selfLink(base, `/OS-FEDERATION/mappings/${id}`),
})

const mappingOf = async ({ db }: Pick<Context, 'db'>, id: string): Promise<MappingRow> => {
  const row = await mappingById(db, id)
  if (!row) throw unknown('mapping', id)
  return row
}
const MOST = 262_144
const rowOf = (id: string, { rules, schema_version }: z.infer<typeof body>['mapping']): MappingRow => {
  if (JSON.stringify(rules).length > MOST) throw badRequest('The rules are too large.')
  return { id, rules: rules as unknown as Json[], schemaVersion: schema_version ?? '1.0' }
}
const duplicate = () => conflict('Conflict occurred attempting to store mapping - Duplicate entry.')

export const mappingOperations: Operation[] = [
  operation({
    name: 'mapping.list',
    method: 'GET',
    path: MANY,
    ...READING_ALL,
    summary: 'Rules that make users, groups and projects of what providers say.',
    status: 200,
    handle: async ({ context, base }) => {
      const views = (await listMappings(context.db)).map((row) => view(row, base))
      return collection('mappings', views, base, '/OS-FEDERATION/mappings')
    },
  }),
  operation({
    name: 'mapping.create',
    method: 'PUT',
    path: ONE,
    ...MANAGING_ALL,
    summary:
      "Makes rules of that kind, in Keystone's words (schema versions 1.0 to 3.0); expressions are those of RE2.",
    status: 201,
    body,
    handle: async ({ context, params, body: { mapping }, base }) => {
      const id = params.id!
      if (id.length > 64) throw badRequest('The id is too long.')
      const row = rowOf(id, mapping)
      await commitIf(context, [], { action: 'create', kind: 'mapping', resourceId: id }, [
        insertMapping(context.db, row),
      ])
      return { body: { mapping: view(row, base) } }
    },
    refuse: (error) => (isTaken(error) ? duplicate() : undefined),
  }),
  operation({
    name: 'mapping.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'The rules of one mapping.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { mapping: view(await mappingOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'mapping.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Puts other rules in the place of a mapping; they count from the next login on.',
    status: 200,
    body,
    handle: async ({ context, params, body: { mapping }, base }) => {
      const { id } = await mappingOf(context, params.id!)
      const row = rowOf(id, mapping)
      const rules = [{ violated: noMapping(id), refusal: unknown('mapping', id) }]
      await commitIf(context, rules, { action: 'update', kind: 'mapping', resourceId: id }, [
        updateMapping(context.db, row),
      ])
      return { body: { mapping: view(row, base) } }
    },
  }),
  operation({
    name: 'mapping.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Removes a mapping that no protocol has.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id } = await mappingOf(context, params.id!)
      const rules = [{ violated: usedMapping(id), refusal: conflict(`Mapping ${id} is the mapping of a protocol.`) }]
      await commitIf(context, rules, { action: 'delete', kind: 'mapping', resourceId: id }, [
        deleteMapping(context.db, id),
      ])
      return {}
    },
  }),
]
