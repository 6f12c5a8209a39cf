import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, emptyObject, json } from './columns.ts'

/** Hosts that an operator put together: https://docs.openstack.org/nova/latest/admin/aggregates.html */
export const aggregates = sqliteTable(
  'aggregates',
  {
    /** As Nova numbers them. */
    id: integer('id').primaryKey({ autoIncrement: true }),
    uuid: text('uuid').notNull().unique(),
    name: text('name').notNull().unique(),
    /** The zone that its hosts are then in; null: it makes none. What its metadata has by that name. */
    availabilityZone: text('availability_zone'),
    metadata: json<Record<string, string>>('metadata')
      .notNull()
      .default(emptyObject as never),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at'),
  },
  (t) => [index('aggregates_by_zone').on(t.availabilityZone).where(sql`availability_zone IS NOT NULL`)],
)

/** What is in an aggregate: a cloud, or one zone of it. */
export const aggregateHosts = sqliteTable(
  'aggregate_hosts',
  {
    aggregateId: integer('aggregate_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    /** As the cloud calls it; '': the whole cloud. */
    zone: text('zone').notNull(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.cloudId, t.zone, t.aggregateId] }),
    index('aggregate_hosts_by_aggregate').on(t.aggregateId, t.createdAt),
  ],
)
