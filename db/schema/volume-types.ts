import { index, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, emptyObject, flag, json } from './columns.ts'

/** How volumes of a type are encrypted, in Cinder's words. */
export interface TypeEncryption {
  id: string
  provider: string
  controlLocation: 'front-end' | 'back-end'
  cipher: string | null
  keySize: number | null
  createdAt: number
  updatedAt: number | null
}

/** Volume types that an operator made, beside those that clouds offer (`volume_types`). */
export const madeVolumeTypes = sqliteTable('made_volume_types', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  description: text('description'),
  isPublic: flag('is_public').notNull().default(true),
  extraSpecs: json<Record<string, string>>('extra_specs')
    .notNull()
    .default(emptyObject as never),
  qosSpecsId: text('qos_specs_id'),
  encryption: json<TypeEncryption>('encryption'),
  createdAt: at('created_at').notNull(),
  updatedAt: at('updated_at').notNull(),
})

/** Which projects may use a type that is not public. */
export const volumeTypeAccess = sqliteTable(
  'volume_type_access',
  { typeId: text('type_id').notNull(), projectId: text('project_id').notNull() },
  (t) => [primaryKey({ columns: [t.typeId, t.projectId] })],
)

/** What type volumes of a project have that name none. */
export const defaultVolumeTypes = sqliteTable(
  'default_volume_types',
  { projectId: text('project_id').primaryKey(), typeId: text('type_id').notNull() },
  (t) => [index('default_volume_types_by_type').on(t.typeId)],
)

/** Promises of quality that types may be associated with. */
export const qosSpecs = sqliteTable('qos_specs', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  consumer: text('consumer').$type<'front-end' | 'back-end' | 'both'>().notNull(),
  specs: json<Record<string, string>>('specs')
    .notNull()
    .default(emptyObject as never),
  createdAt: at('created_at').notNull(),
})
