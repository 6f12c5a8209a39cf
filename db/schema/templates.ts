import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import type { Policy } from './clouds.ts'
import { at, json } from './columns.ts'

/** What each new project of a domain begins with. A domain without a row: with nothing. */
export const projectTemplates = sqliteTable('project_templates', {
  domainId: text('domain_id').primaryKey(),
  /** So many projects may be in the domain: whoever makes them there spends what each may spend. */
  mostProjects: integer('most_projects').notNull(),
  /** Limits, by the name of what is counted (`quotas`). */
  quotas: json<Record<string, number>>('quotas').notNull(),
  policy: json<Partial<Policy>>('policy').notNull(),
  /** How many began with it in `month`, a number of months since 1970: whoever is gone has spent what it could spend all the same. */
  made: integer('made').notNull().default(0),
  month: integer('month').notNull().default(0),
  createdAt: at('created_at').notNull(),
})

/** The clouds that it reaches, and as what; `{project_id}` in a mapping is the new project's. */
export const templateMappings = sqliteTable(
  'template_mappings',
  {
    domainId: text('domain_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    mapping: json<Record<string, Json>>('mapping').notNull(),
  },
  (t) => [primaryKey({ columns: [t.domainId, t.cloudId] }), index('template_mappings_by_cloud').on(t.cloudId)],
)
