import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
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

/** Ranges of addresses that somebody else has on a cloud, as its inventory saw them. A later one has a higher id. */
export const heldRanges = sqliteTable(
  'held_ranges',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    cloudId: text('cloud_id').notNull(),
    /** As the cloud calls it, or its operator. */
    network: text('network').notNull(),
    /** It is a block of that network; false: of a subnet in it. */
    whole: flag('whole').notNull(),
    cidr: text('cidr').notNull(),
  },
  (t) => [uniqueIndex('held_ranges_once').on(t.cloudId, t.network, t.whole, t.cidr)],
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
    /** A segment that is made by it gets its cloud's own way out. */
    egress: flag('egress').notNull().default(false),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [index('network_plans_by_pool').on(t.poolId)],
)
