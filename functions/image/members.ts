import { mayChange } from '../broker/image/image.ts'
import { forbidden, notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { imageOf } from './lookup.ts'

const UNSHARED =
  'Sharing an image with single projects is not offered: its data lives in the account that its project is mapped to. An admin can make it public for the projects of its cloud.'

/** The image, if it could have members at all. */
const sharedOf = async (input: Input) => {
  const row = await imageOf(input, `Image ${input.params.id} not found.`)
  if (row.visibility !== 'shared') throw forbidden('Only shared images have members.')
  if (!mayChange(input.context, row)) throw forbidden(`Not allowed to list members for image ${row.id}.`)
  return row
}

const none = async (input: Input): Promise<never> => {
  const { id } = await sharedOf(input)
  throw notFound(`${input.params.member} not found in the member list of the image ${id}.`)
}
const member = { path: '/v2/images/:id/members/:member', summary: 'There is none.', handle: none } as const

/** https://docs.openstack.org/api-ref/image/v2/#sharing */
export const memberOperations: Operation[] = [
  operation({
    name: 'image_member.list',
    method: 'GET',
    path: '/v2/images/:id/members',
    who: 'reader',
    summary: 'Projects that an image is shared with: none.',
    status: 200,
    handle: async (input) => {
      await sharedOf(input)
      return { body: { members: [], schema: '/v2/schemas/members' } }
    },
  }),
  operation({
    name: 'image_member.create',
    method: 'POST',
    path: '/v2/images/:id/members',
    who: 'member',
    summary: 'Refused: images are not shared with single projects.',
    status: 200,
    handle: async (input) => {
      await sharedOf(input)
      throw notImplemented(UNSHARED)
    },
  }),
  operation({ ...member, name: 'image_member.show', method: 'GET', who: 'reader', status: 200 }),
  operation({ ...member, name: 'image_member.update', method: 'PUT', who: 'member', status: 200 }),
  operation({ ...member, name: 'image_member.delete', method: 'DELETE', who: 'member', status: 204 }),
]
