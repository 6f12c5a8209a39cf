import { changeImage } from '../broker/image/image.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { imageOf } from './lookup.ts'

/** `image_tag_quota` of Glance. */
const MOST = 128

const change = async (input: Input, next: (tags: string[], tag: string) => string[]) => {
  const row = await imageOf(input, `Image ${input.params.id} not found.`)
  const tag = input.params.tag!
  const tags = next(row.tags, tag)
  await changeImage(input.context, row, { tags })
  return {}
}

/** https://docs.openstack.org/api-ref/image/v2/#image-tags */
export const tagOperations: Operation[] = [
  operation({
    name: 'image_tag.add',
    method: 'PUT',
    path: '/v2/images/:id/tags/:tag',
    who: 'member',
    summary: 'Tags an image.',
    status: 204,
    handle: (input) =>
      change(input, (tags, tag) => {
        if (tag.length > 255) throw badRequest(`Provided object does not match schema 'image': '${tag}' is too long`)
        if (tags.length >= MOST && !tags.includes(tag))
          throw badRequest(`Image tag limit exceeded for image ${input.params.id}.`)
        return tags.includes(tag) ? tags : [...tags, tag]
      }),
  }),
  operation({
    name: 'image_tag.remove',
    method: 'DELETE',
    path: '/v2/images/:id/tags/:tag',
    who: 'member',
    summary: 'Takes a tag from an image.',
    status: 204,
    handle: (input) =>
      change(input, (tags, tag) => {
        if (!tags.includes(tag)) throw notFound('The resource could not be found.')
        return tags.filter((each) => each !== tag)
      }),
  }),
]
