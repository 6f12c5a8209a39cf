import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested, outer } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { imageMembers, images } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { readingWith } from './images.ts'

export type ImageMember = typeof imageMembers.$inferSelect

/** So many projects an image may be shared with: `image_member_quota` of Glance. */
export const MOST_MEMBERS = 128

const one = prepared((db, { scope, image, member }: Slots<{ scope: Scope; image: string; member: string }>) =>
  db
    .select()
    .from(imageMembers)
    .where(
      and(eq(imageMembers.imageId, image), within(imageMembers.memberId, scope), eq(imageMembers.memberId, member)),
    ),
)

/** An image with the projects that it is shared with, by id. */
export const imageWithMembers = readingWith(
  nested(
    getTableColumns(imageMembers),
    sql`${imageMembers} r where r.image_id = ${outer(images.id)}`,
    sql`r.member_id`,
  ),
)

/** One of them; null: none that the scope may see. */
export const memberOf = async (
  db: Database,
  scope: Scope,
  { image, member }: { image: string; member: string },
): Promise<ImageMember | null> => (await one.run(db, { scope, image, member }))[0] ?? null

/** Statement: an image is shared with one more project. */
export const insertMember = (db: Database, row: ImageMember) => db.insert(imageMembers).values(row)

/** Statement: what a project says of an image that is shared with it. */
export const updateMember = (
  db: Database,
  { imageId, memberId }: Pick<ImageMember, 'imageId' | 'memberId'>,
  set: Pick<ImageMember, 'status' | 'updatedAt'>,
) =>
  db
    .update(imageMembers)
    .set(set)
    .where(and(eq(imageMembers.imageId, imageId), eq(imageMembers.memberId, memberId)))

/** Statement: an image is shared with a project no more. */
export const deleteMember = (db: Database, { imageId, memberId }: Pick<ImageMember, 'imageId' | 'memberId'>) =>
  db.delete(imageMembers).where(and(eq(imageMembers.imageId, imageId), eq(imageMembers.memberId, memberId)))

/** Statement: an image is shared with nobody. */
export const deleteMembers = (db: Database, image: string) =>
  db.delete(imageMembers).where(eq(imageMembers.imageId, image))

/** True (as SQL) where an image is shared with as many projects as it may be. */
export const membersFull = (image: string) =>
  sql`(select count(*) from image_members where image_id = ${image}) >= ${MOST_MEMBERS}`
