import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, emptyList, emptyObject, flag, json } from './columns.ts'

/** What groups of volumes may be: an operator's words. */
export const groupTypes = sqliteTable('group_types', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  description: text('description'),
  isPublic: flag('is_public').notNull().default(true),
  specs: json<Record<string, string>>('specs')
    .notNull()
    .default(emptyObject as never),
  createdAt: at('created_at').notNull(),
})

/** Volumes of a project that are treated together. */
export const volumeGroups = sqliteTable(
  'volume_groups',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name'),
    description: text('description'),
    groupTypeId: text('group_type_id').notNull(),
    /** Ids of the types that its volumes may have. */
    volumeTypes: json<string[]>('volume_types')
      .notNull()
      .default(emptyList as never),
    zone: text('zone'),
    status: text('status').notNull(),
    /** What it was made of. */
    groupSnapshotId: text('group_snapshot_id'),
    sourceGroupId: text('source_group_id'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('volume_groups_by_project').on(t.projectId, t.createdAt, t.id),
    index('volume_groups_by_time').on(t.createdAt, t.id),
    index('volume_groups_by_type').on(t.groupTypeId),
  ],
)

/** Snapshots of the volumes of a group that were asked for together. */
export const groupSnapshots = sqliteTable(
  'group_snapshots',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    groupId: text('group_id').notNull(),
    groupTypeId: text('group_type_id').notNull(),
    name: text('name'),
    description: text('description'),
    /** What an administrator said it is; null: what its snapshots are. */
    said: text('said'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('group_snapshots_by_project').on(t.projectId, t.createdAt, t.id),
    index('group_snapshots_by_time').on(t.createdAt, t.id),
    index('group_snapshots_by_group').on(t.groupId),
  ],
)
