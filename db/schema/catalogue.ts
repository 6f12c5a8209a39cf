import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import { emptyObject, flag, json } from './columns.ts'

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
