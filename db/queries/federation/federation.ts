import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  federatedUsers,
  federationMappings,
  federationProtocols,
  groupMembers,
  identityProviders,
  remoteIds,
  serviceProviders,
} from '../../schema/index.ts'

export type IdpRow = typeof identityProviders.$inferSelect
export type MappingRow = typeof federationMappings.$inferSelect
export type ProtocolRow = typeof federationProtocols.$inferSelect
export type ServiceProviderRow = typeof serviceProviders.$inferSelect

interface ById {
  id: string
}
interface Nothing {
  form: null
}
const one = async <T>(rows: Promise<T[]>): Promise<T | null> => (await rows)[0] ?? null

const idp = prepared((db, { id }: Slots<ById>) =>
  db.select().from(identityProviders).where(eq(identityProviders.id, id)),
)
/** An identity provider; null: there is none. */
export const idpById = (db: Database, id: string) => one(idp.run(db, { id }))
const idps = prepared((db, _: Slots<Nothing>) => db.select().from(identityProviders).orderBy(asc(identityProviders.id)))
/** Every identity provider, by id. */
export const listIdps = (db: Database): Promise<IdpRow[]> => idps.run(db, { form: null })

const mapping = prepared((db, { id }: Slots<ById>) =>
  db.select().from(federationMappings).where(eq(federationMappings.id, id)),
)
/** A mapping; null: there is none. */
export const mappingById = (db: Database, id: string) => one(mapping.run(db, { id }))
const mappings = prepared((db, _: Slots<Nothing>) =>
  db.select().from(federationMappings).orderBy(asc(federationMappings.id)),
)
/** Every mapping, by id. */
export const listMappings = (db: Database): Promise<MappingRow[]> => mappings.run(db, { form: null })

const protocols = prepared((db, { id }: Slots<ById>) =>
  db.select().from(federationProtocols).where(eq(federationProtocols.idpId, id)).orderBy(asc(federationProtocols.id)),
)
/** The protocols of an identity provider, by id. */
export const protocolsOf = (db: Database, idpId: string): Promise<ProtocolRow[]> => protocols.run(db, { id: idpId })

const enabled = prepared((db, { ids }: Slots<{ ids: string[] }>) =>
  db
    .select({ identity_provider: federationProtocols.idpId, protocol: federationProtocols.id })
    .from(federationProtocols)
    .innerJoin(identityProviders, eq(identityProviders.id, federationProtocols.idpId))
    .where(and(anyOf(federationProtocols.idpId, ids), eq(identityProviders.enabled, true)))
    .orderBy(asc(federationProtocols.idpId), asc(federationProtocols.id)),
)
/** The protocols of those of these identity providers that are enabled. */
export const protocolsIn = (db: Database, ids: string[]) => enabled.run(db, { ids })

const names = prepared((db, _: Slots<Nothing>) =>
  db.selectDistinct({ id: federationProtocols.id }).from(federationProtocols),
)
/** What the protocols of all identity providers are called. */
export const protocolNames = async (db: Database): Promise<string[]> =>
  (await names.run(db, { form: null })).map(({ id }) => id)

const sps = prepared((db, _: Slots<Nothing>) => db.select().from(serviceProviders).orderBy(asc(serviceProviders.id)))
/** Every service provider, by id. */
export const listServiceProviders = (db: Database): Promise<ServiceProviderRow[]> => sps.run(db, { form: null })

/** As SQL, what does not hold while something is written. */
export const noIdp = (id: string): SQL => sql`not exists (select 1 from identity_providers where id = ${id})`
export const noMapping = (id: string): SQL => sql`not exists (select 1 from federation_mappings where id = ${id})`
export const noProtocol = ({ idpId, id }: Pick<ProtocolRow, 'idpId' | 'id'>): SQL =>
  sql`not exists (select 1 from federation_protocols where idp_id = ${idpId} and id = ${id})`
export const noServiceProvider = (id: string): SQL => sql`not exists (select 1 from service_providers where id = ${id})`
export const usedMapping = (id: string): SQL =>
  sql`exists (select 1 from federation_protocols where mapping_id = ${id} limit 1)`

const issuers = (db: Database, { id, remoteIds: ids }: Pick<IdpRow, 'id' | 'remoteIds'>) =>
  ids.map((remoteId) => db.insert(remoteIds).values({ remoteId, idpId: id }))
/** Statements: a new identity provider with the issuers that are its alone. */
export const insertIdp = (db: Database, row: IdpRow) => [db.insert(identityProviders).values(row), ...issuers(db, row)]
/** Statements: changes what is said of an identity provider. */
export const updateIdp = (db: Database, id: string, set: Partial<IdpRow>) => [
  ...(Object.keys(set).length ? [db.update(identityProviders).set(set).where(eq(identityProviders.id, id))] : []),
  ...(set.remoteIds
    ? [db.delete(remoteIds).where(eq(remoteIds.idpId, id)), ...issuers(db, { id, remoteIds: set.remoteIds })]
    : []),
]
/** Statements: an identity provider goes with its protocols; its users stay, without the groups that it named. */
export const deleteIdp = (db: Database, id: string) =>
  [
    db
      .delete(groupMembers)
      .where(
        and(eq(groupMembers.idpId, id), sql`user_id in (select user_id from federated_users where idp_id = ${id})`),
      ),
    db.delete(federatedUsers).where(eq(federatedUsers.idpId, id)),
    db.delete(remoteIds).where(eq(remoteIds.idpId, id)),
    db.delete(federationProtocols).where(eq(federationProtocols.idpId, id)),
    db.delete(identityProviders).where(eq(identityProviders.id, id)),
  ] as const

export const insertMapping = (db: Database, row: MappingRow) => db.insert(federationMappings).values(row)
export const updateMapping = (db: Database, row: MappingRow) =>
  db.update(federationMappings).set(row).where(eq(federationMappings.id, row.id))
export const deleteMapping = (db: Database, id: string) =>
  db.delete(federationMappings).where(eq(federationMappings.id, id))

const at = ({ idpId, id }: Pick<ProtocolRow, 'idpId' | 'id'>) =>
  and(eq(federationProtocols.idpId, idpId), eq(federationProtocols.id, id))
export const insertProtocol = (db: Database, row: ProtocolRow) => db.insert(federationProtocols).values(row)
/** Statement: changes what is said of a protocol. */
export const updateProtocol = (db: Database, row: ProtocolRow, set: Partial<ProtocolRow>) =>
  db.update(federationProtocols).set(set).where(at(row))
export const deleteProtocol = (db: Database, row: ProtocolRow) => db.delete(federationProtocols).where(at(row))

export const insertServiceProvider = (db: Database, row: ServiceProviderRow) => db.insert(serviceProviders).values(row)
/** Statement: changes what is said of a service provider. */
export const updateServiceProvider = (db: Database, id: string, set: Partial<ServiceProviderRow>) =>
  db.update(serviceProviders).set(set).where(eq(serviceProviders.id, id))
export const deleteServiceProvider = (db: Database, id: string) =>
  db.delete(serviceProviders).where(eq(serviceProviders.id, id))

interface Known {
  idpId: string
  protocolId: string
  uniqueId: string
}
const known = prepared((db, { idpId, protocolId, uniqueId }: Slots<Known>) =>
  db
    .select({ userId: federatedUsers.userId })
    .from(federatedUsers)
    .where(
      and(
        eq(federatedUsers.idpId, idpId),
        eq(federatedUsers.protocolId, protocolId),
        eq(federatedUsers.uniqueId, uniqueId),
      ),
    ),
)
/** The id of the user whom a provider knows by an id of its own; null: it has sent nobody of that id yet. */
export const federatedUserOf = async (db: Database, who: Known): Promise<string | null> =>
  (await known.run(db, who))[0]?.userId ?? null

/** Statement: a provider knows a user by this id, and sent him just now. */
export const knowUser = (db: Database, row: typeof federatedUsers.$inferInsert) =>
  db
    .insert(federatedUsers)
    .values(row)
    .onConflictDoUpdate({
      target: [federatedUsers.idpId, federatedUsers.protocolId, federatedUsers.uniqueId],
      set: { lastSeenAt: row.lastSeenAt },
    })

/** Statements: a user is in the groups that a provider named, until then, and in none that it does not name any more. */
export const setGroupsSaid = (
  db: Database,
  { userId, idpId, groups, until }: { userId: string; idpId: string; groups: string[]; until: number },
) =>
  [
    db.delete(groupMembers).where(and(eq(groupMembers.userId, userId), eq(groupMembers.idpId, idpId))),
    db.run(sql`insert into group_members (group_id, user_id, idp_id, until)
      select g.id, ${userId}, ${idpId}, ${until} from user_groups g
        where g.id in (select value from json_each(${JSON.stringify(groups)}))
      on conflict (user_id, group_id) do update set idp_id = excluded.idp_id, until = excluded.until where idp_id <> ''`),
  ] as const

/** Statement: groups do not count any more that a provider named until a time that is over; so many at most. */
export const sweepGroupsSaid = (db: Database, now: number, most: number) =>
  db.run(
    sql`delete from group_members where rowid in (select rowid from group_members where until < ${now} limit ${most})`,
  )
