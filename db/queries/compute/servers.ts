import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { bindings, interfaces, ports, serverPorts, servers } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import type { Binding } from '../line/bindings.ts'

export type ServerRow = typeof servers.$inferSelect
export type NewServer = typeof servers.$inferInsert

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(servers)
    .where(and(eq(servers.id, id), isNull(servers.deletedAt), within(servers.projectId, scope))),
)

/** A server that is not deleted. */
export const serverById = async (db: Database, scope: Scope, id: string): Promise<ServerRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** The same as a statement, for a batch of reads. */
export const serverQuery = (db: Database, scope: Scope, id: string) => byId.statement(db, { scope, id })

/** A server, deleted or not: for its history. */
export const serverEver = async (db: Database, scope: Scope, id: string): Promise<ServerRow | null> =>
  (
    await db
      .select()
      .from(servers)
      .where(and(eq(servers.id, id), within(servers.projectId, scope)))
  )[0] ?? null

const byIds = prepared((db, { ids }: Slots<{ ids: string }>) =>
  db
    .select({ id: servers.id, cloudId: servers.cloudId })
    .from(servers)
    .where(and(anyOf(servers.id, ids), isNull(servers.deletedAt))),
)

/** Those of some servers, of whatever project, that are there, each with its cloud; null: it is on none yet. One query. */
export const serversNamed = (db: Database, ids: string[]) => byIds.run(db, { ids: JSON.stringify(ids) })

/** Statement: a new server. */
export const insertServer = (db: Database, row: NewServer) => db.insert(servers).values(row)

/** Statement: changes a server. */
export const updateServer = (db: Database, id: string, set: Partial<NewServer>) =>
  db.update(servers).set(set).where(eq(servers.id, id))

/** True (as SQL) when the server is not as the caller saw it: for the guard of a batch that acts on what was seen. */
export const serverMoved = (id: string, saw: { vmState: string; taskState: string | null }): SQL =>
  sql`not exists (select 1 from servers where id = ${id} and deleted_at is null and vm_state = ${saw.vmState} and task_state is ${saw.taskState})`

/** True (as SQL) when a resize claims something else for the server than what was seen (`places.to`), or nothing does any more. */
export const claimMoved = (id: string, { places }: Pick<ServerRow, 'places'>): SQL => {
  const to = (places as { to?: unknown } | null)?.to
  return sql`not exists (select 1 from servers where id = ${id} and places ->> '$.to' is ${to === undefined ? null : JSON.stringify(to)})`
}

/** Statement: no resize claims anything for the server any more; where it is and may go stays as it is by then. */
export const dropClaim = (db: Database, id: string) =>
  db.run(sql`update servers set places = json_remove(places, '$.to') where id = ${id} and places is not null`)

/** True (as SQL) when what a server is to be made of was deleted since it was looked up. */
export const namedGone = (
  { keypair }: Pick<ServerRow, 'keypair'>,
  { imageIds, snapshotIds }: { imageIds: string[]; snapshotIds: string[] },
): SQL =>
  sql`exists (select 1 from json_each(${JSON.stringify(imageIds)}) named
      where not exists (select 1 from images where id = named.value and deleted_at is null))
    or exists (select 1 from json_each(${JSON.stringify(snapshotIds)}) named
      where not exists (select 1 from snapshots where id = named.value and deleted_at is null and status = 'available'))
    or (${keypair?.id ?? null} is not null and not exists (select 1 from keypairs where id = ${keypair?.id ?? null}))`

/** True (as SQL) when the server is gone, or on its way. */
export const serverLeft = (id: string): SQL =>
  sql`not exists (select 1 from servers where id = ${id} and deleted_at is null and task_state is not 'deleting')`

export type ServerPort = typeof serverPorts.$inferSelect

/** Statement: a server is made with a port, at its place among the others. */
export const insertServerPort = (db: Database, row: ServerPort) => db.insert(serverPorts).values(row)

const portsIn = prepared((db) =>
  db
    .select()
    .from(serverPorts)
    .where(eq(serverPorts.serverId, sql.placeholder('serverId')))
    .orderBy(serverPorts.position),
)

/** Ports that a server was made with, in their order; those that were plugged in later are `interfaces`. */
export const portsOfServer = (db: Database, serverId: string) => portsIn.run(db, { serverId })

/** Statement: a server has none of the ports that it was made with any more, or not this one. */
export const deleteServerPorts = (db: Database, serverId: string, portId?: string) =>
  db
    .delete(serverPorts)
    .where(and(eq(serverPorts.serverId, serverId), portId === undefined ? undefined : eq(serverPorts.portId, portId)))

export type InterfaceRow = typeof interfaces.$inferSelect

/** Statement: a port is plugged into a server that is there already. */
export const insertInterface = (db: Database, row: InterfaceRow) => db.insert(interfaces).values(row)

/** Ports that were plugged into a server after it was made. */
export const interfacesOf = (db: Database, serverId: string) =>
  db.select().from(interfaces).where(eq(interfaces.serverId, serverId))

/** Statement: what was plugged in later is out: all of a server, or one. */
export const deleteInterfaces = (db: Database, where: { serverId: string } | { id: string }) =>
  db.delete(interfaces).where('id' in where ? eq(interfaces.id, where.id) : eq(interfaces.serverId, where.serverId))

/** Ports of a server that just came up carry traffic now. */
export const activatePorts = (db: Database, serverId: string, now: number) =>
  db
    .update(ports)
    .set({ status: 'ACTIVE', updatedAt: now })
    .where(and(eq(ports.deviceId, serverId), sql`${ports.status} <> 'ACTIVE'`))

/** What the cloud was told, for the next comparison: inside a step of converge, which guards the fence. */
export const rememberRequest = (db: Database, { kind, resourceId, cloudId }: Binding, frozen: Json) =>
  db
    .update(bindings)
    .set({ frozen })
    .where(and(eq(bindings.kind, kind), eq(bindings.resourceId, resourceId), eq(bindings.cloudId, cloudId)))
