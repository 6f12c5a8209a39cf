import { type ImageFilter, type ImageRead, listImages, readImage } from '../../db/queries/image/images.ts'
import { deleteImage, ImageRefused } from '../broker/image/image.ts'
import { badRequest, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { isoTime, links, nextLink } from './links.ts'
import { query } from './parameters.ts'

/** The last microversion with these routes: image services speak for themselves since. */
const LAST = 35

/** nova/api/openstack/compute/views/images.py */
const STATUS: Record<ImageRead['status'], string> = {
  active: 'ACTIVE',
  queued: 'SAVING',
  uploading: 'SAVING',
  importing: 'SAVING',
  saving: 'SAVING',
  deleted: 'DELETED',
  killed: 'ERROR',
  deactivated: 'UNKNOWN',
}
const PROGRESS: Partial<Record<ImageRead['status'], number>> = {
  queued: 25,
  uploading: 50,
  importing: 50,
  saving: 50,
  active: 100,
}

const imageLinks = (input: Input, id: string) => [
  ...links(input, 'images', id),
  { rel: 'alternate', type: 'application/vnd.openstack.image', href: `${input.origin}/image/images/${id}` },
]

const briefView = (image: ImageRead, input: Input) => ({
  id: image.id,
  name: image.name,
  links: imageLinks(input, image.id),
})

const view = (image: ImageRead, input: Input) => ({
  ...briefView(image, input),
  minRam: image.minRamMib,
  minDisk: image.minDiskGib,
  metadata: image.properties,
  created: isoTime(image.createdAt),
  updated: isoTime(image.updatedAt),
  status: STATUS[image.status],
  progress: PROGRESS[image.status] ?? 0,
  'OS-EXT-IMG-SIZE:size': image.sizeBytes,
  ...(image.serverId ? { server: { id: image.serverId, links: links(input, 'servers', image.serverId) } } : {}),
})

/** The image of the path, or 404. */
export const imageOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<ImageRead> => {
  const image = await readImage(context.db, context.scope, params.id!)
  if (!image) throw notFound('Image not found.')
  return image
}

const numberOf = (given: string | undefined): number | undefined => {
  if (given === undefined) return undefined
  if (!/^\d+$/.test(given)) throw badRequest(`Invalid filter value ${given}.`)
  return Number(given)
}

/** `server` may be a link, `type` is snapshot or base, `property-x` is a property. */
const filterOf = (asked: Input['query']): ImageFilter => {
  const properties = Object.fromEntries(
    Object.entries(asked).flatMap(([key, value]) =>
      key.startsWith('property-') && value !== undefined ? [[key.slice(9), value]] : [],
    ),
  )
  if (asked.server) properties.instance_uuid = asked.server.split('/').at(-1)!
  if (asked.type) properties.image_type = asked.type
  const since = asked['changes-since']
  if (since !== undefined && Number.isNaN(Date.parse(since))) throw badRequest(`Invalid filter value ${since}.`)
  return {
    among: {
      ...(asked.name === undefined ? {} : { name: [asked.name] }),
      ...(asked.status === undefined ? {} : { status: [asked.status.toLowerCase()] }),
    },
    ...(Object.keys(properties).length ? { properties } : {}),
    minRam: numberOf(asked.minRam),
    minDisk: numberOf(asked.minDisk),
    times: since === undefined ? undefined : [{ column: 'updated_at', comparison: 'gte', at: Date.parse(since) }],
  }
}

const page = async ({ context, query: asked }: Input): Promise<ImageRead[]> => {
  const { limit, marker } = pageRequest(asked)
  const sort = ['created_at', 'id'].map((key) => ({ key, descending: true }))
  const images = await listImages(context.db, context.scope, filterOf(asked), { sort, limit, marker })
  if (!images) throw badRequest(`Marker ${marker} could not be found.`)
  return images
}

const list = (detail: boolean) => ({
  method: 'GET' as const,
  who: 'reader' as const,
  status: 200,
  until: LAST,
  query: query([]),
  handle: async (input: Input) => {
    const images = await page(input)
    const next = nextLink(
      input,
      'images_links',
      detail ? '/images/detail' : '/images',
      images.map(({ id }) => id),
    )
    return { body: { images: images.map((image) => (detail ? view : briefView)(image, input)), ...next } }
  },
})

/** Nova's way to the image service, up to 2.35. https://docs.openstack.org/api-ref/compute/#images-deprecated */
export const imageOperations: Operation[] = [
  operation({ ...list(false), name: 'image.list', path: '/images', summary: 'Images, by name.' }),
  operation({ ...list(true), name: 'image.detail', path: '/images/detail', summary: 'Images with their properties.' }),
  operation({
    name: 'image.show',
    method: 'GET',
    path: '/images/:id',
    who: 'reader',
    summary: 'One image.',
    status: 200,
    until: LAST,
    handle: async (input) => ({ body: { image: view(await imageOf(input), input) } }),
  }),
  operation({
    name: 'image.delete',
    method: 'DELETE',
    path: '/images/:id',
    who: 'member',
    summary: 'Deletes an image of the project.',
    status: 204,
    until: LAST,
    handle: async (input) => {
      await deleteImage(input.context, await imageOf(input))
      return {}
    },
    refuse: (error) =>
      error instanceof ImageRefused ? forbidden('You are not allowed to delete the image.') : undefined,
  }),
]
