import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, flag } from './columns.ts'

/** What operators say of the wiring between two clouds; no row: nothing leads from one to the other. `one` < `other`. */
export const cloudLinks = sqliteTable(
  'cloud_links',
  {
    one: text('one').notNull(),
    other: text('other').notNull(),
    reach: text('reach').$type<'routed' | 'public'>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.one, t.other] })],
)

/** How the networks of a project become routed by themselves; no row: they do not. */
export const networkPlans = sqliteTable(
  'network_plans',
  {
    projectId: text('project_id').primaryKey(),
    /** Networks that do not say otherwise get a segment wherever a server of theirs goes. */
    routed: flag('routed').notNull(),
    /** The subnet pool from which subnets of such segments are; null: that of the network's other subnets. */
    poolId: text('pool_id'),
    /** Length of their prefixes; null: what the pool says. */
    prefixLength: integer('prefix_length'),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [index('network_plans_by_pool').on(t.poolId)],
)
