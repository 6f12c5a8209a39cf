import { index, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at } from './columns.ts'

/** Projects that a shared image is shared with. What they say of it decides whether they are listed it, not whether they may use it. */
export const imageMembers = sqliteTable(
  'image_members',
  {
    imageId: text('image_id').notNull(),
    /** A project; nobody asks whether it is there. */
    memberId: text('member_id').notNull(),
    status: text('status').$type<'pending' | 'accepted' | 'rejected'>().notNull().default('pending'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.imageId, t.memberId] }),
    index('image_members_by_member').on(t.memberId, t.status, t.imageId),
  ],
)
