import { index, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import { emptyObject, flag, json } from '../columns.ts'

/* Entries of the catalogue that an operator made, beside those of this broker. */

const extra = () =>
  json<Record<string, Json>>('extra')
    .notNull()
    .default(emptyObject as never)

export const catalogRegions = sqliteTable('catalog_regions', {
  id: text('id').primaryKey(),
  description: text('description').notNull().default(''),
  /** Null: it is within none. */
  parentId: text('parent_id'),
  extra: extra(),
})

export const catalogServices = sqliteTable('catalog_services', {
  id: text('id').primaryKey(),
  type: text('type').notNull(),
  name: text('name').notNull().default(''),
  description: text('description'),
  enabled: flag('enabled').notNull().default(true),
  extra: extra(),
})

export const catalogEndpoints = sqliteTable(
  'catalog_endpoints',
  {
    id: text('id').primaryKey(),
    /** A service of the operator's or of this broker. */
    serviceId: text('service_id').notNull(),
    interface: text('interface').notNull(),
    regionId: text('region_id'),
    /** `$(project_id)s` stands for the project of a token. */
    url: text('url').notNull(),
    enabled: flag('enabled').notNull().default(true),
    extra: extra(),
  },
  (t) => [index('catalog_endpoints_by_service').on(t.serviceId)],
)

/** Endpoints that are alike: of one service, region or interface. */
export const endpointGroups = sqliteTable('endpoint_groups', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  filters: json<EndpointFilters>('filters').notNull(),
})
export interface EndpointFilters {
  service_id?: string
  region_id?: string
  interface?: string
}

/** What a project's catalogue has, one by one and by groups; of a project without any, everything. */
export const projectEndpoints = sqliteTable(
  'project_endpoints',
  {
    projectId: text('project_id').notNull(),
    endpointId: text('endpoint_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.endpointId] }),
    index('project_endpoints_by_endpoint').on(t.endpointId),
  ],
)
export const projectEndpointGroups = sqliteTable(
  'project_endpoint_groups',
  {
    projectId: text('project_id').notNull(),
    groupId: text('group_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.groupId] }), index('project_endpoint_groups_by_group').on(t.groupId)],
)
