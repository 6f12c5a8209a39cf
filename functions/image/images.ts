import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import { type ImageRead, listImages } from '../../db/queries/image/images.ts'
import { projectOf } from '../broker/block-storage/volume.ts'
import { createImageRecord, deleteImage } from '../broker/image/image.ts'
import { OWN_STORE, storeClouds } from '../broker/imports/stores.ts'
import { openObject } from '../http/dictionary.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { architectureOf, columnsOf, FIELDS, type Fields, isReserved, READONLY } from './fields.ts'
import { filterOf, limitOf, sliceOf } from './image-filters.ts'
import { imageView, pursue } from './image-view.ts'
import { importMethods } from './info.ts'
import { imageOf } from './lookup.ts'

const list = async ({ context, queries }: Input) => {
  const page = await listImages(context.db, context.scope, filterOf(queries), sliceOf(queries))
  if (!page) throw badRequest(`No image found with ID ${queries.get('marker')}`)
  pursue(context, page)
  const rest = new URLSearchParams(queries)
  rest.delete('marker')
  const href = (search: URLSearchParams) => (search.size ? `/v2/images?${search}` : '/v2/images')
  const full = page.length > 0 && page.length === limitOf(queries)
  return {
    body: {
      images: page.map(imageView),
      first: href(rest),
      ...(full ? { next: href(marked(rest, page)) } : {}),
      schema: '/v2/schemas/images',
    },
  }
}

const marked = (search: URLSearchParams, page: ImageRead[]): URLSearchParams => {
  const next = new URLSearchParams(search)
  next.set('marker', page.at(-1)!.id)
  return next
}

type Create = Fields & { id?: string } & Record<string, unknown>
/** What an image may be made with: attributes, and whatever else as properties. */
export const imageFields = openObject(
  z
    .object({
      ...Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, field.optional()])),
      id: z
        .string()
        .regex(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i)
        .optional(),
    })
    .catchall(z.unknown()),
) as unknown as z.ZodType<Create>

/** Whatever is no attribute is a property, and text. */
export const propertiesIn = (body: Create): Record<string, string> => {
  const found: Record<string, string> = table()
  for (const [name, value] of Object.entries(body)) {
    if (Object.hasOwn(FIELDS, name) || name === 'id') continue
    if (READONLY.includes(name)) throw forbidden(`Attribute '${name}' is read-only.`)
    if (isReserved(name)) throw forbidden(`Attribute '${name}' is reserved.`)
    if (name.length > 255) throw badRequest('Custom property should not be greater than 255 characters.')
    if (typeof value !== 'string')
      throw badRequest(
        `Provided object does not match schema 'image': ${JSON.stringify(value)} is not of type 'string'`,
      )
    found[name] = value
  }
  return { ...found }
}

/** A record alone: its data is still to come. */
const create = async (input: Input<Create>) => {
  const { context, body } = input
  const admin = context.caller?.isAdmin ?? false
  const owner = body.owner ?? projectOf(context)
  if (!admin && owner !== projectOf(context))
    throw forbidden(`You are not permitted to create images owned by '${owner}'.`)
  if (!admin && body.visibility === 'public')
    throw forbidden('You are not authorized to complete publicize_image action.')
  const properties = propertiesIn(body)
  const { projectId: _, ...columns } = columnsOf(body)
  const id = body.id ?? context.newId()
  const wish = { ...columns, id, properties, arch: architectureOf(properties) }
  const image = await createImageRecord(context, owner, wish)
  const methods = importMethods(context).join()
  const stores = [...(await storeClouds(context, projectOf(context))).map(({ name }) => name), OWN_STORE]
  const headers = {
    Location: `${input.base}/v2/images/${id}`,
    ...(methods ? { 'OpenStack-image-import-methods': methods, 'OpenStack-image-store-ids': stores.join(',') } : {}),
  }
  return { body: imageView(image), headers }
}

/** https://docs.openstack.org/api-ref/image/v2/#images */
export const imageOperations: Operation[] = [
  operation({
    name: 'image.list',
    method: 'GET',
    path: '/v2/images',
    who: 'reader',
    summary: 'Images of the project, and those of the clouds that it may use.',
    status: 200,
    handle: list,
  }),
  operation<Create>({
    name: 'image.create',
    method: 'POST',
    path: '/v2/images',
    who: 'member',
    summary: 'Makes the record of an image.',
    status: 201,
    body: imageFields,
    handle: create,
  }),
  operation({
    name: 'image.show',
    method: 'GET',
    path: '/v2/images/:id',
    who: 'reader',
    summary: 'One image.',
    status: 200,
    handle: async (input) => {
      const row = await imageOf(input)
      pursue(input.context, [row])
      return { body: imageView(row) }
    },
  }),
  operation({
    name: 'image.delete',
    method: 'DELETE',
    path: '/v2/images/:id',
    who: 'member',
    summary: 'Deletes an image of the project, above the line at once.',
    status: 204,
    handle: async (input) => {
      const row = await imageOf(input, `Failed to find image ${input.params.id} to delete`)
      await deleteImage(input.context, row)
      return {}
    },
  }),
]
