import type { ImageRead } from '../../../db/queries/image/images.ts'
import {
  deleteMember,
  type ImageMember,
  insertMember,
  membersFull,
  updateMember,
} from '../../../db/queries/image/members.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from '../line/commit.ts'

/** Shares an image with a project. Throws `Refused`: guard `members-full`, or `taken` where it is already. */
export const shareImage = async (context: Context, { id }: ImageRead, memberId: string): Promise<ImageMember> => {
  const now = context.now()
  const row: ImageMember = { imageId: id, memberId, status: 'pending', createdAt: now, updatedAt: now }
  await commit(context, { action: 'share', kind: 'image', resourceId: id, detail: { member: memberId } }, [
    guard(context, 'members-full', membersFull(id)),
    insertMember(context.db, row),
  ])
  return row
}

/** What a project says of an image that is shared with it. */
export const answerSharing = async (
  context: Context,
  member: ImageMember,
  status: ImageMember['status'],
): Promise<ImageMember> => {
  const { imageId, memberId } = member
  const set = { status, updatedAt: context.now() }
  const detail = { member: memberId, status }
  await commit(context, { action: 'share.answer', kind: 'image', resourceId: imageId, detail }, [
    updateMember(context.db, member, set),
  ])
  return { ...member, ...set }
}

/** Takes an image back from a project. What was made of it stays. */
export const unshareImage = async (context: Context, member: ImageMember): Promise<void> => {
  const { imageId, memberId } = member
  await commit(context, { action: 'unshare', kind: 'image', resourceId: imageId, detail: { member: memberId } }, [
    deleteMember(context.db, member),
  ])
}
