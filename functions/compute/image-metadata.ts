import * as z from 'zod'
import type { ImageRead } from '../../db/queries/image/images.ts'
import { changeImage, ImageRefused } from '../broker/image/image.ts'
import { limitsOf } from '../broker/line/quotas.ts'
import { Refused } from '../broker/line/refused.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, conflict, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { imageOf } from './images.ts'

/** The last microversion with these routes. */
const LAST = 38
const metadata = dictionary(z.string().regex(/^[a-zA-Z0-9-_:. ]{1,255}$/), z.string().max(255))
const all = z.strictObject({ metadata })
const one = z.strictObject({
  meta: metadata.refine((meta) => Object.keys(meta).length === 1, { error: 'Exactly one item is expected' }),
})

type Properties = Record<string, string>

const replace = async ({ context }: Input, image: ImageRead, properties: Properties): Promise<Properties> => {
  const { limit } = (await limitsOf(context, context.caller!.projectId))('metadata_items')
  if (limit >= 0 && Object.keys(properties).length > limit) throw forbidden('Image metadata limit exceeded')
  await changeImage(context, image, { properties })
  return properties
}

const refuse = (error: unknown, { params: { id } }: Pick<Input, 'params'>) => {
  if (error instanceof ImageRefused) return forbidden(`Not authorized for image ${id}.`)
  if (!(error instanceof Refused) || error.refusal.kind !== 'guard') return undefined
  return conflict(`Image ${id} was changed by somebody else.`)
}

/** Properties of images, up to 2.38. https://docs.openstack.org/api-ref/compute/#list-image-metadata */
export const imageMetadataOperations: Operation[] = [
  operation({
    name: 'image_metadata.list',
    method: 'GET',
    path: '/images/:id/metadata',
    who: 'reader',
    summary: 'Properties of an image.',
    status: 200,
    until: LAST,
    handle: async (input) => ({ body: { metadata: (await imageOf(input)).properties } }),
  }),
  operation({
    name: 'image_metadata.create',
    method: 'POST',
    path: '/images/:id/metadata',
    who: 'member',
    summary: 'Sets properties of an image; others stay.',
    status: 200,
    until: LAST,
    refuse,
    body: all,
    handle: async (input) => {
      const image = await imageOf(input)
      return { body: { metadata: await replace(input, image, { ...image.properties, ...input.body.metadata }) } }
    },
  }),
  operation({
    name: 'image_metadata.replace',
    method: 'PUT',
    path: '/images/:id/metadata',
    who: 'member',
    summary: 'Sets the properties of an image and removes all others.',
    status: 200,
    until: LAST,
    refuse,
    body: all,
    handle: async (input) => ({ body: { metadata: await replace(input, await imageOf(input), input.body.metadata) } }),
  }),
  operation({
    name: 'image_metadata.show',
    method: 'GET',
    path: '/images/:id/metadata/:key',
    who: 'reader',
    summary: 'One property of an image.',
    status: 200,
    until: LAST,
    handle: async (input) => {
      const { properties } = await imageOf(input)
      const key = input.params.key!
      if (!Object.hasOwn(properties, key)) throw notFound('The resource could not be found.')
      return { body: { meta: { [key]: properties[key] } } }
    },
  }),
  operation({
    name: 'image_metadata.update',
    method: 'PUT',
    path: '/images/:id/metadata/:key',
    who: 'member',
    summary: 'Sets one property of an image.',
    status: 200,
    until: LAST,
    refuse,
    body: one,
    handle: async (input) => {
      const { meta } = input.body
      if (!Object.hasOwn(meta, input.params.key!)) throw badRequest('Request body and URI mismatch')
      const image = await imageOf(input)
      await replace(input, image, { ...image.properties, ...meta })
      return { body: { meta } }
    },
  }),
  operation({
    name: 'image_metadata.delete',
    method: 'DELETE',
    path: '/images/:id/metadata/:key',
    who: 'member',
    summary: 'Removes one property of an image.',
    status: 204,
    until: LAST,
    refuse,
    handle: async (input) => {
      const image = await imageOf(input)
      const { [input.params.key!]: removed, ...rest } = image.properties
      if (removed === undefined) throw notFound('Invalid metadata key')
      await replace(input, image, rest)
      return {}
    },
  }),
]
