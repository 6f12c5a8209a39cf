import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { GroupPolicy, Json } from '../../adapters/contract.ts'
import type { Shortage } from '../../adapters/errors.ts'
import { at, emptyList, emptyObject, json } from './columns.ts'

export const serverGroups = sqliteTable(
  'server_groups',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    name: text('name').notNull(),
    policy: text('policy').$type<GroupPolicy>().notNull(),
    /** Of anti-affinity: so many servers of the group may share a host; null: one. */
    maxServerPerHost: integer('max_server_per_host'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('server_groups_by_project').on(t.projectId, t.createdAt, t.id),
    index('server_groups_by_time').on(t.createdAt, t.id),
  ],
)

/** A server is in one group, from its beginning to its end. What the group asked for stays, whoever deletes the group. */
export const serverGroupMembers = sqliteTable(
  'server_group_members',
  {
    serverId: text('server_id').primaryKey(),
    groupId: text('group_id').notNull(),
    policy: text('policy').$type<GroupPolicy>().notNull(),
    maxServerPerHost: integer('max_server_per_host'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [index('server_group_members_by_group').on(t.groupId, t.createdAt, t.serverId)],
)

/** How a server was placed: for people who ask why it is where it is. Nothing is decided from it. */
export const serverPlacements = sqliteTable('server_placements', {
  serverId: text('server_id').primaryKey(),
  /** Scheduler hints as they were sent. */
  hints: json<Record<string, Json>>('hints')
    .notNull()
    .default(emptyObject as never),
  /** `broker/compute/place/explanation`. */
  explanation: json<Json>('explanation').notNull(),
  /** Where it was sent one after another, and why it left (`broker/compute/place/explanation`). */
  attempts: json<Json[]>('attempts')
    .notNull()
    .default(emptyList as never),
  createdAt: at('created_at').notNull(),
})

/** What a cloud would not sell, for as long as it is not asked for it again. */
export const refusedOffers = sqliteTable(
  'refused_offers',
  {
    cloudId: text('cloud_id').notNull(),
    zone: text('zone').notNull(),
    size: text('size').notNull(),
    /** Whether it was to be bought for good or at the market's price: one says nothing of the other. */
    option: text('option').notNull(),
    /** Whose account was refused; '': every project's. */
    projectId: text('project_id').notNull().default(''),
    shortage: text('shortage').$type<Shortage>().notNull(),
    /** What the cloud said, as users read it. */
    words: text('words').notNull(),
    at: at('at').notNull(),
    until: at('until').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.cloudId, t.zone, t.size, t.option, t.projectId] }),
    index('refused_offers_by_end').on(t.until),
  ],
)

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
