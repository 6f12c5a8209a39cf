import * as z from 'zod'
import { own, table } from '../../../adapters/table.ts'
import { type GroupTypeRow, groupTypeFor, listGroupTypes } from '../../../db/queries/block-storage/groups.ts'
import { changeGroupType, createGroupType, removeGroupType } from '../../broker/block-storage/groups.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { isTrue, strictBoolean } from '../../http/boolean.ts'
import { badRequest, conflict, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { inOrder, nextLinks, sliceOf } from '../listing.ts'
import { boolean, specs, text } from '../shapes.ts'

const SINCE = 11

/** A type of groups by id or name; 404 in Cinder's words. */
export const groupTypeOf = async (context: Context, idOrName: string): Promise<GroupTypeRow> => {
  const found = await groupTypeFor(context.db, idOrName)
  if (found && (found.isPublic || context.caller?.isAdmin)) return found
  throw notFound(`Group type ${idOrName} could not be found.`)
}

const view = ({ context }: Input, { id, name, description, isPublic, specs: items }: GroupTypeRow) => ({
  id,
  name,
  description,
  is_public: isPublic,
  ...(context.caller?.isAdmin ? { group_specs: items } : {}),
})

const createFields = {
  name: text().trim().min(1),
  description: text().nullish(),
  is_public: boolean.optional(),
  group_specs: specs.nullish(),
}
type Create = { group_type: z.infer<z.ZodObject<typeof createFields>> }
const createBody = z.strictObject({ group_type: z.strictObject(createFields) }) as unknown as z.ZodType<Create>
const updateFields = {
  name: text().trim().min(1, { error: 'Group type name can not be empty.' }).nullish(),
  description: text().nullish(),
  is_public: boolean.optional(),
}
type Update = { group_type: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = z.strictObject({
  group_type: z.strictObject(updateFields),
}) as unknown as z.ZodType<Update>
type Specs = { group_specs: Record<string, string> }
const specsBody = z.strictObject({ group_specs: specs }) as unknown as z.ZodType<Specs>

const taken = (error: unknown, name: string | undefined) =>
  isTaken(error) ? conflict(`Group Type ${name} already exists.`) : undefined
const SORTS: Record<string, (type: GroupTypeRow) => string | number> = table({
  id: ({ id }) => id,
  name: ({ name }) => name,
  created_at: ({ createdAt }) => createdAt,
})

/** Which are shown to administrators, who may ask for those that are not public (`False`) or all (`None`). */
const shownBy = ({ query, context }: Input): ((type: GroupTypeRow) => boolean) => {
  const asked = query.is_public?.toLowerCase()
  if (asked !== undefined && asked !== 'none' && strictBoolean(asked) === null)
    throw badRequest(`Invalid is_public filter [${query.is_public}]`)
  if (!context.caller?.isAdmin || asked === undefined) return ({ isPublic }) => isPublic
  return ({ isPublic }) => asked === 'none' || isPublic === isTrue(asked)
}

const list = async (input: Input) => {
  const { sort, limit, offset = 0, marker } = sliceOf(input.query, SORTS)
  const all = (await listGroupTypes(input.context.db, input.context.caller?.isAdmin === true)).toSorted(
    inOrder(sort, SORTS),
  )
  const marked = marker === undefined ? -1 : all.findIndex(({ id }) => id === marker)
  if (marker !== undefined && marked < 0) throw notFound(`Group type ${marker} could not be found.`)
  const page = all
    .slice(marked + 1)
    .filter(shownBy(input))
    .slice(offset, offset + limit)
  const links = nextLinks(input, page)
  return { body: { group_types: page.map((type) => view(input, type)), ...(links ? { group_type_links: links } : {}) } }
}

const noSpec = ({ id }: GroupTypeRow, key: string) => notFound(`Group Type ${id} has no specs with key ${key}.`)

const SPECS = '/group_types/:id/group_specs'

/** https://docs.openstack.org/api-ref/block-storage/v3/#group-types-group-types */
export const groupTypeOperations: Operation[] = [
  operation({
    name: 'group_type.list',
    method: 'GET',
    path: '/group_types',
    who: 'reader',
    summary: 'Types of groups.',
    status: 200,
    since: SINCE,
    handle: list,
  }),
  operation<Create>({
    name: 'group_type.create',
    method: 'POST',
    path: '/group_types',
    who: 'admin',
    summary: 'Makes a type of groups.',
    status: 202,
    since: SINCE,
    body: createBody,
    handle: async (input) => {
      const { name, description, is_public, group_specs } = input.body.group_type
      const row = await createGroupType(input.context, {
        name,
        description: description ?? null,
        isPublic: is_public ?? true,
        specs: group_specs ?? {},
      })
      return { body: { group_type: view(input, row) } }
    },
    refuse: (error, { body }) => taken(error, body.group_type.name),
  }),
  operation({
    name: 'group_type.show',
    method: 'GET',
    path: '/group_types/:id',
    who: 'reader',
    summary: 'One type of groups; nobody names a default one.',
    status: 200,
    since: SINCE,
    handle: async (input) => {
      if (input.params.id === 'default') throw notFound('Default group type can not be found.')
      return { body: { group_type: view(input, await groupTypeOf(input.context, input.params.id!)) } }
    },
  }),
  operation<Update>({
    name: 'group_type.update',
    method: 'PUT',
    path: '/group_types/:id',
    who: 'admin',
    summary: 'Changes name, description or publicity of a type of groups.',
    status: 200,
    since: SINCE,
    body: updateBody,
    handle: async (input) => {
      const { name, description, is_public } = input.body.group_type
      if (name == null && description == null && is_public === undefined)
        throw badRequest('Specify group type name, description or a combination thereof.')
      const changed = await changeGroupType(input.context, await groupTypeOf(input.context, input.params.id!), {
        ...(name == null ? {} : { name }),
        ...(description == null ? {} : { description }),
        ...(is_public === undefined ? {} : { isPublic: is_public }),
      })
      return { body: { group_type: view(input, changed) } }
    },
    refuse: (error, { body }) => taken(error, body.group_type.name ?? undefined),
  }),
  operation({
    name: 'group_type.delete',
    method: 'DELETE',
    path: '/group_types/:id',
    who: 'admin',
    summary: 'Takes away a type of which there are no groups.',
    status: 202,
    since: SINCE,
    handle: async (input) => {
      await removeGroupType(input.context, await groupTypeOf(input.context, input.params.id!))
      return {}
    },
  }),
  operation({
    name: 'group_type.specs',
    method: 'GET',
    path: SPECS,
    who: 'admin',
    summary: 'What groups of a type may be.',
    status: 200,
    since: SINCE,
    handle: async ({ context, params }) => ({
      body: { group_specs: (await groupTypeOf(context, params.id!)).specs },
    }),
  }),
  operation<Specs>({
    name: 'group_type.set_specs',
    method: 'POST',
    path: SPECS,
    who: 'admin',
    summary: 'Says what groups of a type may be.',
    status: 202,
    since: SINCE,
    body: specsBody,
    handle: async ({ context, params, body }) => {
      const type = await groupTypeOf(context, params.id!)
      await changeGroupType(context, type, { specs: { ...type.specs, ...body.group_specs } })
      return { body }
    },
  }),
  operation({
    name: 'group_type.spec',
    method: 'GET',
    path: `${SPECS}/:key`,
    who: 'admin',
    summary: 'One word of what groups of a type may be.',
    status: 200,
    since: SINCE,
    handle: async ({ context, params }) => {
      const type = await groupTypeOf(context, params.id!)
      const value = own(type.specs, params.key!)
      if (value === undefined) throw noSpec(type, params.key!)
      return { body: { [params.key!]: value } }
    },
  }),
  operation<Record<string, string>>({
    name: 'group_type.set_spec',
    method: 'PUT',
    path: `${SPECS}/:key`,
    who: 'admin',
    summary: 'Changes one word of what groups of a type may be.',
    status: 200,
    since: SINCE,
    body: specs,
    handle: async ({ context, params, body }) => {
      const type = await groupTypeOf(context, params.id!)
      if (!Object.hasOwn(body, params.key!)) throw badRequest('Request body and URI mismatch')
      if (Object.keys(body).length > 1) throw badRequest('Request body contains too many items')
      await changeGroupType(context, type, { specs: { ...type.specs, ...body } })
      return { body }
    },
  }),
  operation({
    name: 'group_type.unset_spec',
    method: 'DELETE',
    path: `${SPECS}/:key`,
    who: 'admin',
    summary: 'Takes one word of what groups of a type may be away.',
    status: 202,
    since: SINCE,
    handle: async ({ context, params }) => {
      const type = await groupTypeOf(context, params.id!)
      const key = params.key!
      if (!Object.hasOwn(type.specs, key)) throw noSpec(type, key)
      const { [key]: _, ...left } = type.specs
      await changeGroupType(context, type, { specs: left })
      return {}
    },
  }),
]
