import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { flag, standard } from './columns.ts'

/** What ports and networks may be given: rules of how their traffic goes, under one name. */
export const qosPolicies = sqliteTable(
  'qos_policies',
  {
    ...standard,
    /** All projects see it; triggers keep it in step with what is said to all. */
    shared: flag('shared').notNull().default(false),
    /** New networks of its project have it unless they name another. */
    isDefault: flag('is_default').notNull().default(false),
  },
  (t) => [
    index('qos_policies_by_project').on(t.projectId, t.createdAt, t.id),
    index('qos_policies_by_time').on(t.createdAt, t.id),
    index('qos_policies_shared').on(t.shared).where(sql`shared = 1`),
    uniqueIndex('qos_policies_default').on(t.projectId).where(sql`is_default = 1`),
  ],
)

/** A rule of a policy: one of a type for each direction. */
export const qosRules = sqliteTable(
  'qos_rules',
  {
    id: text('id').primaryKey(),
    policyId: text('policy_id').notNull(),
    type: text('type').$type<'bandwidth_limit' | 'dscp_marking' | 'minimum_bandwidth'>().notNull(),
    /** As whoever has the port sees it; empty: of a type that has none. */
    direction: text('direction').$type<'egress' | 'ingress' | ''>().notNull(),
    /** Kilobits a second at most, or at least; of DSCP the mark. */
    value: integer('value').notNull(),
    /** Kilobits that may go at once; 0: as the cloud has it. */
    burst: integer('burst').notNull().default(0),
  },
  (t) => [uniqueIndex('qos_rules_once').on(t.policyId, t.type, t.direction)],
)
