import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { at, flag, json, standard } from './columns.ts'

/*
 * Address scopes, subnet pools, and what is left of them. A range of addresses is the bits that they begin with, as text of
 * 0 and 1: `00001010` is 10.0.0.0/8. One range holds another where the other's text begins with its own, and texts are in
 * the order of addresses.
 */

export const addressScopes = sqliteTable(
  'address_scopes',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name').notNull().default(''),
    ipVersion: integer('ip_version').$type<4 | 6>().notNull(),
    shared: flag('shared').notNull().default(false),
    /** The order of lists; Neutron shows no times of scopes. */
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('address_scopes_by_project').on(t.projectId, t.createdAt, t.id),
    index('address_scopes_by_time').on(t.createdAt, t.id),
    index('address_scopes_shared').on(t.shared).where(sql`shared = 1`),
  ],
)

export const subnetPools = sqliteTable(
  'subnet_pools',
  {
    ...standard,
    ipVersion: integer('ip_version').$type<4 | 6>().notNull(),
    /** CIDRs, none of them in another, no two of them halves of a wider one. */
    prefixes: json<string[]>('prefixes').notNull(),
    minPrefixlen: integer('min_prefixlen').notNull(),
    maxPrefixlen: integer('max_prefixlen').notNull(),
    defaultPrefixlen: integer('default_prefixlen').notNull(),
    /** What one project may have of it: addresses of IPv4, blocks of /64 of IPv6. Null and 0: no limit. */
    defaultQuota: integer('default_quota'),
    isDefault: flag('is_default').notNull().default(false),
    shared: flag('shared').notNull().default(false),
    addressScopeId: text('address_scope_id'),
  },
  (t) => [
    index('subnet_pools_by_project').on(t.projectId, t.createdAt, t.id),
    index('subnet_pools_by_time').on(t.createdAt, t.id),
    index('subnet_pools_shared').on(t.shared).where(sql`shared = 1`),
    index('subnet_pools_by_scope').on(t.addressScopeId).where(sql`address_scope_id IS NOT NULL`),
    uniqueIndex('subnet_pools_default').on(t.ipVersion).where(sql`is_default = 1`),
  ],
)

/** The prefixes of the pools in a scope: no range is in two of them. */
export const addressScopePrefixes = sqliteTable(
  'address_scope_prefixes',
  {
    scopeId: text('scope_id').notNull(),
    bits: text('bits').notNull(),
    poolId: text('pool_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.scopeId, t.bits] }), index('address_scope_prefixes_by_pool').on(t.poolId)],
)

/**
 * What nobody has of a pool, in the widest blocks possible: no two of them are halves of a wider one, so that the best
 * block for a length is the first of an index, however many subnets there are.
 */
export const subnetPoolSpace = sqliteTable(
  'subnet_pool_space',
  {
    poolId: text('pool_id').notNull(),
    bits: text('bits').notNull(),
    /** How many bits they are. */
    length: integer('length').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.poolId, t.bits] }),
    index('subnet_pool_space_by_length').on(t.poolId, sql`length desc`, t.bits),
  ],
)

/** What subnets have of a pool. A row that goes gives its range back (triggers of 0021). */
export const subnetPoolRanges = sqliteTable(
  'subnet_pool_ranges',
  {
    poolId: text('pool_id').notNull(),
    bits: text('bits').notNull(),
    /** Empty: it is just being handed in. */
    subnetId: text('subnet_id').notNull(),
    projectId: text('project_id').notNull(),
    /** What it counts against the pool's quota. */
    units: real('units').notNull(),
  },
  (t) => [primaryKey({ columns: [t.poolId, t.bits] }), index('subnet_pool_ranges_by_subnet').on(t.subnetId)],
)

/** What each project has of a pool, in units of its quota; triggers keep it. */
export const subnetPoolShares = sqliteTable(
  'subnet_pool_shares',
  {
    poolId: text('pool_id').notNull(),
    projectId: text('project_id').notNull(),
    units: real('units').notNull(),
  },
  (t) => [primaryKey({ columns: [t.poolId, t.projectId] })],
)

/** What projects share with whom. Triggers keep the column `shared` of what is shared in step with what is said to all. */
export const rbacPolicies = sqliteTable(
  'rbac_policies',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    objectType: text('object_type')
      .$type<'network' | 'security_group' | 'subnetpool' | 'address_scope' | 'address_group' | 'qos_policy'>()
      .notNull(),
    objectId: text('object_id').notNull(),
    action: text('action').$type<'access_as_shared'>().notNull(),
    /** A project, or `*`: all. */
    target: text('target').notNull(),
    /** It stands for `shared` of its object, and counts for no quota. */
    byFlag: integer('by_flag', { mode: 'boolean' }).notNull().default(false),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('rbac_policies_once').on(t.objectId, t.target, t.action),
    index('rbac_policies_by_target').on(t.target, t.objectType, t.objectId),
    index('rbac_policies_by_project').on(t.projectId, t.createdAt, t.id),
    index('rbac_policies_by_time').on(t.createdAt, t.id),
  ],
)
