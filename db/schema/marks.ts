import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at } from './columns.ts'

/*
 * How full clouds are, for marks: triggers on `servers` write what is counted, and nothing else does. What is admitted counts
 * at once, what is gone frees; a server counts with the largest size that it has or may have.
 */

/** What live servers hold on a cloud: of each project, and of all (project ''). */
export const cloudUse = sqliteTable(
  'cloud_use',
  {
    cloudId: text('cloud_id').notNull(),
    projectId: text('project_id').notNull(),
    servers: integer('servers').notNull(),
    vcpus: integer('vcpus').notNull(),
    ramMib: integer('ram_mib').notNull(),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.projectId] })],
)

/** What servers hold that are surely on their cloud, and what those held, all in all, that were and are not any more. */
export const cloudSteady = sqliteTable('cloud_steady', {
  cloudId: text('cloud_id').primaryKey(),
  vcpus: integer('vcpus').notNull(),
  ramMib: integer('ram_mib').notNull(),
  leftVcpus: integer('left_vcpus').notNull(),
  leftRamMib: integer('left_ram_mib').notNull(),
})

/** What a project has elsewhere than at home: counted apart, so that what is out keeps nothing from home. */
export const spillUse = sqliteTable('spill_use', {
  projectId: text('project_id').primaryKey(),
  servers: integer('servers').notNull(),
  vcpus: integer('vcpus').notNull(),
})

/** What a cloud said of its room when it was last asked, and how much of that is held by what is not ours. */
export const cloudRooms = sqliteTable('cloud_rooms', {
  cloudId: text('cloud_id').primaryKey(),
  vcpus: integer('vcpus').notNull(),
  ramMib: integer('ram_mib').notNull(),
  foreignVcpus: integer('foreign_vcpus').notNull(),
  foreignRamMib: integer('foreign_ram_mib').notNull(),
  readAt: at('read_at').notNull(),
})

/** Homes that were full up to their mark: nothing of the project goes there until they have come down from it. */
export const passedHomes = sqliteTable(
  'passed_homes',
  {
    cloudId: text('cloud_id').notNull(),
    projectId: text('project_id').notNull(),
    at: at('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.projectId] })],
)
