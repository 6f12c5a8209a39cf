import { index, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, flag, json } from './columns.ts'

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

/** What may be said of images, flavors and the like, and what it means: a dictionary for whoever offers a choice. */
export const metadefNamespaces = sqliteTable('metadef_namespaces', {
  id: text('id').primaryKey(),
  namespace: text('namespace').notNull().unique(),
  /** Whose it is; null: it came with the broker. */
  projectId: text('project_id'),
  displayName: text('display_name'),
  description: text('description'),
  visibility: text('visibility').$type<'public' | 'private'>().notNull().default('private'),
  protected: flag('protected').notNull().default(false),
  createdAt: at('created_at').notNull(),
  updatedAt: at('updated_at').notNull(),
})

/** What is in a namespace. */
export const metadefItems = sqliteTable(
  'metadef_items',
  {
    namespaceId: text('namespace_id').notNull(),
    kind: text('kind').$type<'object' | 'property' | 'tag' | 'resource_type'>().notNull(),
    name: text('name').notNull(),
    /** What Glance's schema of its kind takes, but for the name. */
    body: json<Record<string, unknown>>('body').notNull(),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.namespaceId, t.kind, t.name] }), index('metadef_items_by_name').on(t.kind, t.name)],
)
