import * as z from 'zod'
import type { ImageRead } from '../../db/queries/image/images.ts'
import { type ImageMember, imageWithMembers, MOST_MEMBERS, memberOf } from '../../db/queries/image/members.ts'
import { everyProject, type Scope } from '../../db/scope.ts'
import { mayChange } from '../broker/image/image.ts'
import { answerSharing, shareImage, unshareImage } from '../broker/image/image-members.ts'
import { Refused } from '../broker/line/refused.ts'
import { badRequest, conflict, Fault, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { zoned } from '../http/times.ts'
import { found, imageOf } from './lookup.ts'

/** glance/api/v2/image_members.py, whose sentences these are. */
const view = (member: ImageMember) => ({
  member_id: member.memberId,
  image_id: member.imageId,
  status: member.status,
  created_at: zoned(member.createdAt),
  updated_at: zoned(member.updatedAt),
  schema: '/v2/schemas/member',
})

const absent = ({ params }: Input) => `Image ${params.id} not found.`

const assertShared = (row: ImageRead): void => {
  if (row.visibility !== 'shared')
    throw forbidden(`Error fetching members of image ${row.id}: Only shared images have members.`)
}

/** The image, if it can have members at all. */
const sharedOf = async (input: Input): Promise<ImageRead> => {
  const row = await imageOf(input, absent(input))
  assertShared(row)
  return row
}

/** Whose memberships the caller sees: all of an image of his own, else his own. */
const seenBy = (input: Input, row: ImageRead): Scope =>
  mayChange(input.context, row) ? everyProject : input.context.scope

const memberIn = async (input: Input, row: ImageRead): Promise<ImageMember> => {
  const member = input.params.member!
  const read = await memberOf(input.context.db, seenBy(input, row), { image: row.id, member })
  if (!read) throw notFound(`${member} not found in the member list of the image ${row.id}.`)
  return read
}

const show = async (input: Input) => {
  try {
    return { body: view(await memberIn(input, await sharedOf(input))) }
  } catch (error) {
    // That there is an image which he may not look into is nobody's to know.
    throw error instanceof Fault && error.status === 403 ? notFound(error.message) : error
  }
}

const createBody = z.looseObject({ member: z.string().max(255).optional() })

const create = async (input: Input<z.infer<typeof createBody>>) => {
  const row = await sharedOf(input)
  const { member } = input.body
  if (member === undefined) throw badRequest('Member to be added not specified')
  if (member === '') throw badRequest("Member can't be empty")
  if (!mayChange(input.context, row)) throw forbidden(`Not allowed to create members for image ${row.id}.`)
  return { body: view(await shareImage(input.context, row, member)) }
}

const refuseCreate = (error: unknown, { params, body }: Input): Fault | undefined => {
  if (!(error instanceof Refused)) return undefined
  const { refusal } = error
  if (refusal.kind === 'taken' && refusal.columns.includes('image_members.image_id'))
    return conflict(`Member ${(body as { member: string }).member} is duplicated for image ${params.id}`)
  if (refusal.kind !== 'guard' || refusal.what !== 'members-full') return undefined
  return new Fault(
    413,
    `Image member limit exceeded for image ${params.id}: The limit has been exceeded on the number of allowed image members for this image. Attempted: ${MOST_MEMBERS + 1}, Maximum: ${MOST_MEMBERS}:`,
  )
}

const STATUSES = ['pending', 'accepted', 'rejected'] as const
const updateBody = z.looseObject({ status: z.unknown().optional() })

const update = async (input: Input<z.infer<typeof updateBody>>) => {
  const { context, body } = input
  if (body.status === undefined) throw badRequest('Status not specified')
  const row = await sharedOf(input)
  const member = await memberIn(input, row)
  const itself = 'every' in context.scope || context.scope.projectId === member.memberId
  if (!itself) throw forbidden(`Not allowed to update members for image ${row.id}.`)
  const status = STATUSES.find((each) => each === body.status)
  if (!status) throw badRequest('Incorrect request: Status must be "pending", "accepted" or "rejected".')
  return { body: view(await answerSharing(context, member, status)) }
}

const remove = async (input: Input) => {
  const row = await sharedOf(input)
  const member = await memberIn(input, row)
  if (!mayChange(input.context, row)) throw forbidden(`Not allowed to delete members for image ${row.id}.`)
  await unshareImage(input.context, member)
  return {}
}

/** https://docs.openstack.org/api-ref/image/v2/#sharing */
export const memberOperations: Operation[] = [
  operation({
    name: 'image_member.list',
    method: 'GET',
    path: '/v2/images/:id/members',
    who: 'reader',
    summary: 'Projects that a shared image is shared with; who does not own it sees himself.',
    status: 200,
    handle: async (input) => {
      const { image, its } = await found(input, imageWithMembers, absent(input))
      assertShared(image)
      const scope = seenBy(input, image)
      const members = its.filter(({ memberId }) => 'every' in scope || scope.projectId === memberId)
      return { body: { members: members.map(view), schema: '/v2/schemas/members' } }
    },
  }),
  operation<z.infer<typeof createBody>>({
    name: 'image_member.create',
    method: 'POST',
    path: '/v2/images/:id/members',
    who: 'member',
    summary: 'Shares an image with a project, which may use it from then on and is listed it when it has accepted.',
    status: 200,
    body: createBody,
    handle: create,
    refuse: refuseCreate,
  }),
  operation({
    name: 'image_member.show',
    method: 'GET',
    path: '/v2/images/:id/members/:member',
    who: 'reader',
    summary: 'What a project said of an image that is shared with it.',
    status: 200,
    handle: show,
  }),
  operation<z.infer<typeof updateBody>>({
    name: 'image_member.update',
    method: 'PUT',
    path: '/v2/images/:id/members/:member',
    who: 'member',
    summary: 'Accepts or rejects an image that is shared with the project, or leaves that open again.',
    status: 200,
    body: updateBody,
    handle: update,
  }),
  operation({
    name: 'image_member.delete',
    method: 'DELETE',
    path: '/v2/images/:id/members/:member',
    who: 'member',
    summary: 'Shares an image with a project no more.',
    status: 204,
    handle: remove,
  }),
]
