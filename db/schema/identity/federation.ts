import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import { at, flag, json } from '../columns.ts'

/* https://docs.openstack.org/api-ref/identity/v3-ext/#os-federation-api */

/** Who is believed of who users are. */
export const identityProviders = sqliteTable(
  'identity_providers',
  {
    id: text('id').primaryKey(),
    enabled: flag('enabled').notNull(),
    description: text('description'),
    /** Its users are in this domain. */
    domainId: text('domain_id').notNull(),
    /** Issuers by which it is known. */
    remoteIds: json<string[]>('remote_ids').notNull(),
    /** Minutes for which groups count that it named; null: as long as a token lives. */
    authorizationTtl: integer('authorization_ttl'),
  },
  (t) => [index('identity_providers_by_domain').on(t.domainId)],
)

/** An issuer is of one provider. */
export const remoteIds = sqliteTable(
  'remote_ids',
  {
    remoteId: text('remote_id').primaryKey(),
    idpId: text('idp_id').notNull(),
  },
  (t) => [index('remote_ids_by_provider').on(t.idpId)],
)

/** Rules that make a user, groups and projects of what a provider says. */
export const federationMappings = sqliteTable('federation_mappings', {
  id: text('id').primaryKey(),
  rules: json<Json[]>('rules').notNull(),
  schemaVersion: text('schema_version').notNull(),
})

export const federationProtocols = sqliteTable(
  'federation_protocols',
  {
    idpId: text('idp_id').notNull(),
    id: text('id').notNull(),
    mappingId: text('mapping_id').notNull(),
    remoteIdAttribute: text('remote_id_attribute'),
  },
  (t) => [primaryKey({ columns: [t.idpId, t.id] }), index('federation_protocols_by_mapping').on(t.mappingId)],
)

/** Other clouds of the operator's to which users may go on: told to whoever lists them, and not in tokens. */
export const serviceProviders = sqliteTable('service_providers', {
  id: text('id').primaryKey(),
  enabled: flag('enabled').notNull(),
  description: text('description'),
  authUrl: text('auth_url').notNull(),
  spUrl: text('sp_url').notNull(),
  relayStatePrefix: text('relay_state_prefix').notNull(),
})

/** Under which id a provider knows a user of ours. */
export const federatedUsers = sqliteTable(
  'federated_users',
  {
    idpId: text('idp_id').notNull(),
    protocolId: text('protocol_id').notNull(),
    uniqueId: text('unique_id').notNull(),
    userId: text('user_id').notNull(),
    lastSeenAt: at('last_seen_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.idpId, t.protocolId, t.uniqueId] }),
    index('federated_users_by_user').on(t.userId),
    index('federated_users_by_id').on(t.uniqueId),
  ],
)
