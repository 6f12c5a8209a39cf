import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/* Keystone's unified limits. */

/** What each project has of a resource of a service, unless a limit says otherwise. */
export const registeredLimits = sqliteTable(
  'registered_limits',
  {
    id: text('id').primaryKey(),
    serviceId: text('service_id').notNull(),
    /** Empty: in every region. */
    regionId: text('region_id').notNull().default(''),
    resourceName: text('resource_name').notNull(),
    defaultLimit: integer('default_limit').notNull(),
    description: text('description'),
  },
  (t) => [uniqueIndex('registered_limits_alike').on(t.serviceId, t.regionId, t.resourceName)],
)

/** What one project, or one domain, has in its place. */
export const limits = sqliteTable(
  'limits',
  {
    id: text('id').primaryKey(),
    registeredId: text('registered_id').notNull(),
    /** One of both is empty. */
    projectId: text('project_id').notNull().default(''),
    domainId: text('domain_id').notNull().default(''),
    resourceLimit: integer('resource_limit').notNull(),
    description: text('description'),
  },
  (t) => [
    uniqueIndex('limits_alike').on(t.registeredId, t.projectId, t.domainId),
    index('limits_by_project').on(t.projectId),
    index('limits_by_domain').on(t.domainId),
  ],
)
