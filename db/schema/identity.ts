import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import type { Policy } from './clouds.ts'
import { at, emptyList, emptyObject, flag, json } from './columns.ts'

export const domains = sqliteTable('domains', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  description: text('description').notNull().default(''),
  enabled: flag('enabled').notNull().default(true),
})

export const projects = sqliteTable(
  'projects',
  {
    id: text('id').primaryKey(),
    domainId: text('domain_id').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    enabled: flag('enabled').notNull().default(true),
    tags: json<string[]>('tags')
      .notNull()
      .default(emptyList as never),
    /** Properties that only their owner gives a meaning, shown beside our own. */
    extra: json<Record<string, Json>>('extra')
      .notNull()
      .default(emptyObject as never),
    /** Tokens carry the epoch they were issued in; raising it revokes them all. */
    epoch: integer('epoch').notNull().default(0),
    /** What administrators said of its placement (`db/policy`); null: nothing. */
    policy: json<Partial<Policy>>('policy'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [uniqueIndex('projects_by_name').on(t.domainId, t.name)],
)

export const users = sqliteTable(
  'users',
  {
    id: text('id').primaryKey(),
    domainId: text('domain_id').notNull(),
    name: text('name').notNull(),
    email: text('email'),
    description: text('description').notNull().default(''),
    /** `scrypt$N$r$p$salt$hash`; null: the user cannot log in with a password. */
    passwordHash: text('password_hash'),
    passwordChangedAt: at('password_changed_at'),
    defaultProjectId: text('default_project_id'),
    extra: json<Record<string, Json>>('extra')
      .notNull()
      .default(emptyObject as never),
    enabled: flag('enabled').notNull().default(true),
    epoch: integer('epoch').notNull().default(0),
    createdAt: at('created_at').notNull(),
  },
  (t) => [uniqueIndex('users_by_name').on(t.domainId, t.name)],
)

export const roles = sqliteTable('roles', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  description: text('description').notNull().default(''),
})

export const roleAssignments = sqliteTable(
  'role_assignments',
  {
    userId: text('user_id').notNull(),
    projectId: text('project_id').notNull(),
    roleId: text('role_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.projectId, t.roleId] }),
    index('role_assignments_by_project').on(t.projectId),
  ],
)

/** Single tokens that were revoked before their time; rows are swept after `expiresAt`. */
export const revokedTokens = sqliteTable(
  'revoked_tokens',
  {
    auditId: text('audit_id').primaryKey(),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [index('revoked_tokens_by_expiry').on(t.expiresAt)],
)

/** Logins that failed within the last minute, of one user from one source (an address) or from everywhere (`*`). */
export const loginFailures = sqliteTable(
  'login_failures',
  {
    /** Empty: no user of ours. */
    userId: text('user_id').notNull(),
    source: text('source').notNull(),
    failures: integer('failures').notNull(),
    since: at('since').notNull(),
    lockedUntil: at('locked_until').notNull(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.source] })],
)

/** What lets a program log in as its user, in one project, with some of the user's roles there. Gone with user, project or grant. */
export const applicationCredentials = sqliteTable(
  'application_credentials',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    projectId: text('project_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    /** `hmac$key$mac` of a secret that was made here, `scrypt$N$r$p$salt$hash` of one that its user chose. */
    secretHash: text('secret_hash').notNull(),
    /** Ids, those of implied roles included. */
    roles: json<string[]>('roles').notNull(),
    /** In microseconds since 1970: it is shown as finely as it was asked for. */
    expiresAt: integer('expires_at'),
    unrestricted: flag('unrestricted').notNull(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('application_credentials_by_name').on(t.userId, t.name),
    index('application_credentials_by_project').on(t.projectId),
  ],
)

/** A request that a credential may make; a user's credentials share those that are alike. */
export const accessRules = sqliteTable(
  'access_rules',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    service: text('service').notNull(),
    method: text('method').notNull(),
    path: text('path').notNull(),
  },
  (t) => [uniqueIndex('access_rules_alike').on(t.userId, t.service, t.method, t.path)],
)

export const credentialRules = sqliteTable(
  'credential_rules',
  {
    credentialId: text('credential_id').notNull(),
    ruleId: text('rule_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.credentialId, t.ruleId] }), index('credential_rules_by_rule').on(t.ruleId)],
)
