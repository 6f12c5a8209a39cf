import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
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

/** What is left of an import: data to be fetched, or copies to be waited for. */
export type ImportWork = FetchWork | CopyWork

export interface FetchWork {
  kind: 'fetch'
  url: string
  /** Where its parts are until all of it is there: `<blob>.<part>`. */
  blob: string
  parts: string[]
  /** Bytes that are in them. */
  done: number
  /** Bytes of all of it; null: the server does not say. */
  total: number | null
  /** By what the server knows that it is still the same data; null: it hands out no ranges of it. */
  validator: string | null
  /** Tries since something came. */
  failures: number
  /** Where copies are wanted afterwards. */
  to: CopyWork['to']
  all: boolean
}

export interface CopyWork {
  kind: 'copy'
  to: { id: string; name: string }[]
  /** Whether one that cannot be made is a failure of the whole. */
  all: boolean
  /** Why not, by the name of a cloud. */
  failed: Record<string, string>
  /** When they were asked for, in milliseconds since 1970; absent: with their task. */
  since?: number
}

/** Work on images that outlives the request that asked for it, and what became of it. */
export const imageTasks = sqliteTable(
  'image_tasks',
  {
    id: text('id').primaryKey(),
    imageId: text('image_id').notNull(),
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    requestId: text('request_id').notNull(),
    type: text('type').$type<'import' | 'api_image_import'>().notNull(),
    status: text('status').$type<'pending' | 'processing' | 'success' | 'failure'>().notNull(),
    /** As it was asked for. */
    input: json<Record<string, unknown>>('input').notNull(),
    result: json<Record<string, unknown> | null>('result'),
    message: text('message').notNull().default(''),
    work: json<ImportWork | null>('work'),
    dueAt: at('due_at'),
    leaseUntil: at('lease_until').notNull().default(0),
    fence: integer('fence').notNull().default(0),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
    /** When it is thrown away; null: it is not over. */
    expiresAt: at('expires_at'),
  },
  (t) => [
    index('image_tasks_due').on(t.dueAt).where(sql`due_at IS NOT NULL`),
    index('image_tasks_by_image').on(t.imageId, t.createdAt),
    index('image_tasks_by_time').on(t.createdAt, t.id),
    index('image_tasks_by_project').on(t.projectId, t.createdAt),
    index('image_tasks_over').on(t.expiresAt).where(sql`expires_at IS NOT NULL`),
  ],
)
