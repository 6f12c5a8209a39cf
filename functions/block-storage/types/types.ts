import * as z from 'zod'
import { own, table } from '../../../adapters/table.ts'
import type { MadeTypeRow } from '../../../db/queries/block-storage/made-types.ts'
import { changeType, createType, removeType } from '../../broker/block-storage/made-types.ts'
import { DEFAULT_TYPE, type VolumeType, volumeTypeFor, volumeTypes } from '../../broker/block-storage/volume-types.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { isTrue, strictBoolean } from '../../http/boolean.ts'
import { badRequest, conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { dictIn, inOrder, nextLinks, sliceOf } from '../listing.ts'
import { boolean, specs, text } from '../shapes.ts'

/** The type as the caller may use it; throws 404 in Cinder's words, which tell an id from a name. */
export const typeOf = async (context: Context, idOrName: string): Promise<VolumeType> => {
  const found = await volumeTypeFor(context, idOrName)
  if (found) return found
  throw notFound(
    /^[0-9a-f-]{32,36}$/i.test(idOrName)
      ? `Volume type ${idOrName} could not be found.`
      : `Volume type with name ${idOrName} could not be found.`,
  )
}

/** The same of one that an operator made: 409 for what a cloud offers, which nobody changes here. */
export const madeTypeOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<MadeTypeRow> => {
  const { made, name } = await typeOf(context, params.id!)
  if (made) return made
  throw conflict(
    `Volume type ${name} cannot be changed here: it is what the clouds offer. Make a type of your own of it.`,
  )
}

/** Of a type's extra specs, those that are for its users too (cinder/api/extra_specs, `USER_VISIBLE_EXTRA_SPECS`). */
const VISIBLE = ['RESKEY:availability_zones', 'multiattach', 'replication_enabled']

/** Zones are named where Cinder's own scheduler reads them; what only operators are to know they alone are shown. */
export const extraSpecsOf = ({ made, zones }: VolumeType, { caller }: Context): Record<string, string> => {
  if (!made) return zones ? { 'RESKEY:availability_zones': zones.join(',') } : {}
  if (caller?.isAdmin) return made.extraSpecs
  return Object.fromEntries(Object.entries(made.extraSpecs).filter(([key]) => VISIBLE.includes(key)))
}

const describe = ({ made, name }: VolumeType): string | null => {
  if (made) return made.description
  return name === DEFAULT_TYPE ? 'What the cloud of the volume takes by default' : null
}

/** As it is answered to who made it: Cinder says nothing of its QoS specs then. */
const madeView = ({ context }: Input, type: VolumeType) => ({
  id: type.id,
  name: type.name,
  is_public: type.made?.isPublic ?? true,
  description: describe(type),
  'os-volume-type-access:is_public': type.made?.isPublic ?? true,
  extra_specs: extraSpecsOf(type, context),
})
const view = (input: Input, type: VolumeType) => ({
  ...madeView(input, type),
  ...(input.context.caller?.isAdmin ? { qos_specs_id: type.made?.qosSpecsId ?? null } : {}),
})

/** Which types a list shows; `is_public` is for administrators, others see what they may use. */
const filterOf = ({ query, context }: Input): ((type: VolumeType) => boolean) => {
  const asked = query.is_public?.toLowerCase()
  if (asked !== undefined && asked !== 'none' && strictBoolean(asked) === null)
    throw badRequest(`Invalid is_public filter [${query.is_public}]`)
  const wanted = asked === 'none' ? null : asked === undefined || isTrue(asked)
  const shown = ({ made }: VolumeType): boolean => {
    if (wanted === null) return true
    return wanted ? !context.caller?.isAdmin || made?.isPublic !== false : made?.isPublic === false
  }
  const given = query.extra_specs === undefined ? {} : dictIn(query.extra_specs)
  return (type) =>
    shown(type) &&
    (query.name === undefined || query.name === type.name) &&
    given !== undefined &&
    Object.entries(given).every(([key, value]) => own(extraSpecsOf(type, context), key) === value)
}

/** What clouds offer was made by nobody at a time: those are equally old, `default` first, then by name. */
const SORTS: Record<string, (type: VolumeType) => string | number> = table({
  id: ({ id }) => id,
  name: ({ name }) => name,
  created_at: ({ made }) => made?.createdAt ?? 0,
  updated_at: ({ made }) => made?.updatedAt ?? 0,
})

/** A page of those that match: https://docs.openstack.org/api-ref/block-storage/v3/#list-all-volume-types */
const list = async (input: Input) => {
  const { context, query } = input
  const { sort, limit, offset = 0, marker } = sliceOf(query, SORTS)
  const wanted = filterOf(input)
  const asked = sort.slice(0, sort.findIndex(({ key }) => key === 'created_at') + 1)
  const all = (await volumeTypes(context)).toSorted(inOrder(asked, SORTS))
  const marked = marker === undefined ? -1 : all.findIndex(({ id }) => id === marker)
  if (marker !== undefined && marked < 0) throw notFound(`Volume type ${marker} could not be found.`)
  const page = all
    .slice(marked + 1)
    .filter(wanted)
    .slice(offset, offset + limit)
  const links = nextLinks(input, page)
  return {
    body: { volume_types: page.map((type) => view(input, type)), ...(links ? { volume_type_links: links } : {}) },
  }
}

const name = text().trim().min(1)
const createFields = {
  name,
  description: text().nullish(),
  'os-volume-type-access:is_public': boolean.optional(),
  extra_specs: specs.nullish(),
}
type Create = { volume_type: z.infer<z.ZodObject<typeof createFields>> }
const createBody = z.strictObject({ volume_type: z.strictObject(createFields) }) as unknown as z.ZodType<Create>

const updateFields = { name: text().nullish(), description: text().nullish(), is_public: boolean.nullish() }
type Update = { volume_type: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = z.strictObject({ volume_type: z.strictObject(updateFields) }) as unknown as z.ZodType<Update>

const taken = (error: unknown, called: string | null | undefined) =>
  isTaken(error) ? conflict(`Volume Type ${called} already exists.`) : undefined

/** A name is taken by what clouds offer, too: a volume says its type by the name alone. */
const refuseTaken = async ({ context }: Input, wanted: string): Promise<void> => {
  if (await volumeTypeFor(context, wanted)) throw conflict(`Volume Type ${wanted} already exists.`)
}

const update = async (input: Input<Update>) => {
  const { name: wanted, description, is_public } = input.body.volume_type
  const type = await madeTypeOf(input)
  if (wanted == null && description == null && is_public == null)
    throw badRequest('Specify volume type name, description, is_public or a combination thereof.')
  if (wanted != null && !wanted.trim()) throw badRequest('Volume type name can not be empty.')
  const called = wanted == null ? type.name : wanted.trim()
  if (called !== type.name) await refuseTaken(input, called)
  const made = await changeType(input.context, type, {
    name: called,
    ...(description == null ? {} : { description }),
    ...(is_public == null ? {} : { isPublic: is_public }),
  })
  const { 'os-volume-type-access:is_public': _, ...shown } = madeView(input, {
    id: made.id,
    name: made.name,
    zones: null,
    made,
  })
  return { body: { volume_type: shown } }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#volume-types-types */
export const volumeTypeOperations: Operation[] = [
  operation({
    name: 'volume_type.list',
    method: 'GET',
    path: '/types',
    who: 'reader',
    summary: "The volume types: those that operators made, `default`, and what the project's clouds offer.",
    status: 200,
    handle: list,
  }),
  operation({
    name: 'volume_type.show',
    method: 'GET',
    path: '/types/:id',
    who: 'reader',
    summary: 'One volume type; `default` is the one that is taken when none is named.',
    status: 200,
    handle: async (input) => ({
      body: { volume_type: view(input, await typeOf(input.context, input.params.id!)) },
    }),
  }),
  operation<Create>({
    name: 'volume_type.create',
    method: 'POST',
    path: '/types',
    who: 'admin',
    summary: 'Makes a volume type: its extra specs say what of the clouds volumes of it may be.',
    status: 200,
    body: createBody,
    handle: async (input) => {
      const { name: wanted, description, extra_specs, ...access } = input.body.volume_type
      await refuseTaken(input, wanted)
      const made = await createType(input.context, {
        name: wanted,
        description: description ?? null,
        isPublic: access['os-volume-type-access:is_public'] ?? true,
        extraSpecs: extra_specs ?? {},
      })
      return { body: { volume_type: madeView(input, { id: made.id, name: made.name, zones: null, made }) } }
    },
    refuse: (error, { body }) => taken(error, body.volume_type.name),
  }),
  operation<Update>({
    name: 'volume_type.update',
    method: 'PUT',
    path: '/types/:id',
    who: 'admin',
    summary: 'Changes name, description or publicity of a type that an operator made.',
    status: 200,
    body: updateBody,
    handle: update,
    refuse: (error, { body }) => taken(error, body.volume_type.name),
  }),
  operation({
    name: 'volume_type.delete',
    method: 'DELETE',
    path: '/types/:id',
    who: 'admin',
    summary: 'Takes away a type that an operator made and no volume has.',
    status: 202,
    handle: async (input) => {
      const { id } = await typeOf(input.context, input.params.id!)
      if ((await typeOf(input.context, DEFAULT_TYPE)).id === id)
        throw forbidden(`The volume type ${id} is a default volume type and cannot be deleted.`)
      await removeType(input.context, await madeTypeOf(input))
      return {}
    },
  }),
]
