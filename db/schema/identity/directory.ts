import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import type { Policy } from '../clouds.ts'
import { at, emptyList, emptyObject, flag, json } from '../columns.ts'

/** What Keystone calls resource options: those that were set, under their names. */
const options = () =>
  json<Record<string, Json>>('options')
    .notNull()
    .default(emptyObject as never)

export const domains = sqliteTable('domains', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  description: text('description').notNull().default(''),
  enabled: flag('enabled').notNull().default(true),
  tags: json<string[]>('tags')
    .notNull()
    .default(emptyList as never),
  options: options(),
  extra: json<Record<string, Json>>('extra')
    .notNull()
    .default(emptyObject as never),
  /** As that of a project: for tokens that are for the domain. */
  epoch: integer('epoch').notNull().default(0),
  /** How many projects it has; triggers keep it. */
  projects: integer('projects').notNull().default(0),
})

export const projects = sqliteTable(
  'projects',
  {
    id: text('id').primaryKey(),
    domainId: text('domain_id').notNull(),
    /** The project that it is below; null: none but its domain. It never changes. */
    parentId: text('parent_id'),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    enabled: flag('enabled').notNull().default(true),
    options: options(),
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
  (t) => [uniqueIndex('projects_by_name').on(t.domainId, t.name), index('projects_by_parent').on(t.parentId)],
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
    /** From then on it lets nobody in; null: it does not end. */
    passwordExpiresAt: at('password_expires_at'),
    /** Its user chose it, and no administrator. */
    passwordIsOwn: flag('password_is_own').notNull().default(false),
    defaultProjectId: text('default_project_id'),
    extra: json<Record<string, Json>>('extra')
      .notNull()
      .default(emptyObject as never),
    enabled: flag('enabled').notNull().default(true),
    options: options(),
    epoch: integer('epoch').notNull().default(0),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('users_by_name').on(t.domainId, t.name),
    index('users_by_password_end').on(t.passwordExpiresAt).where(sql`password_expires_at IS NOT NULL`),
  ],
)

/** Hashes of what users had as passwords before, as far back as none of them may be taken again. */
export const formerPasswords = sqliteTable(
  'former_passwords',
  {
    userId: text('user_id').notNull(),
    hash: text('hash').notNull(),
    replacedAt: at('replaced_at').notNull(),
  },
  (t) => [index('former_passwords_by_user').on(t.userId, t.replacedAt)],
)

/** What a domain's administrators wrote of where its users are kept, for whoever asks; sealed, as passwords may be in it. */
export const domainConfigs = sqliteTable('domain_configs', {
  domainId: text('domain_id').primaryKey(),
  config: text('config').notNull(),
})

/** Users who are granted roles together. */
export const userGroups = sqliteTable(
  'user_groups',
  {
    id: text('id').primaryKey(),
    domainId: text('domain_id').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    extra: json<Record<string, Json>>('extra')
      .notNull()
      .default(emptyObject as never),
    createdAt: at('created_at').notNull(),
  },
  (t) => [uniqueIndex('user_groups_by_name').on(t.domainId, t.name)],
)

export const groupMembers = sqliteTable(
  'group_members',
  {
    groupId: text('group_id').notNull(),
    userId: text('user_id').notNull(),
    /** The identity provider that says so, until then; empty: an administrator, for good. */
    idpId: text('idp_id').notNull().default(''),
    until: at('until'),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.groupId] }),
    index('group_members_by_group').on(t.groupId),
    index('group_members_by_end').on(t.until).where(sql`until IS NOT NULL`),
  ],
)

export const roles = sqliteTable(
  'roles',
  {
    id: text('id').primaryKey(),
    /** Empty: it is of all domains, and tokens name it. One of a domain stands for the roles that it implies. */
    domainId: text('domain_id').notNull().default(''),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    options: options(),
    extra: json<Record<string, Json>>('extra')
      .notNull()
      .default(emptyObject as never),
  },
  (t) => [uniqueIndex('roles_by_name').on(t.domainId, t.name)],
)

/** Whoever is granted the first role has the second as well. */
export const impliedRoles = sqliteTable(
  'implied_roles',
  {
    priorId: text('prior_id').notNull(),
    impliedId: text('implied_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.priorId, t.impliedId] }), index('implied_roles_by_implied').on(t.impliedId)],
)

/** Who has which role where. */
export const grants = sqliteTable(
  'grants',
  {
    /** A user or a group. */
    actorId: text('actor_id').notNull(),
    /** A project, a domain, or `system`. */
    targetId: text('target_id').notNull(),
    roleId: text('role_id').notNull(),
    /** It counts in the projects below the target, and not on the target itself. */
    inherited: flag('inherited').notNull().default(false),
    actor: text('actor').$type<'user' | 'group'>().notNull().default('user'),
    target: text('target').$type<'project' | 'domain' | 'system'>().notNull().default('project'),
  },
  (t) => [
    primaryKey({ columns: [t.actorId, t.targetId, t.inherited, t.roleId] }),
    index('grants_by_target').on(t.targetId, t.actorId),
    index('grants_by_role').on(t.roleId),
    index('grants_on_domains').on(t.actorId, t.targetId).where(sql`target = 'domain' AND NOT inherited`),
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
