import { index, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import { emptyObject, json } from '../columns.ts'

/** Rules that an operator's own services ask for here; what they say is theirs. */
export const policies = sqliteTable('policies', {
  id: text('id').primaryKey(),
  type: text('type').notNull(),
  blob: json<Json>('blob').notNull(),
  extra: json<Record<string, Json>>('extra')
    .notNull()
    .default(emptyObject as never),
})

/** For which endpoint a policy is, or for which service, everywhere or in a region; empty: it does not say. */
export const policyPlaces = sqliteTable(
  'policy_places',
  {
    endpointId: text('endpoint_id').notNull().default(''),
    serviceId: text('service_id').notNull().default(''),
    regionId: text('region_id').notNull().default(''),
    policyId: text('policy_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.endpointId, t.serviceId, t.regionId] }),
    index('policy_places_by_policy').on(t.policyId),
  ],
)
