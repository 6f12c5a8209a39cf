import { and, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  floatingIps,
  ipAllocations,
  lingeringAddresses,
  portAddressPairs,
  portSecurityGroups,
  ports,
} from '../../schema/index.ts'
import { type Scope, within, withinOrShared } from '../../scope.ts'
import { ROUTER_INTERFACE, reachBetween } from './network.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'

export type PortRow = typeof ports.$inferSelect
/** What a port may speak with beside its own addresses: an address or a block, from a MAC address; empty: its own. */
export type AddressPair = Omit<typeof portAddressPairs.$inferSelect, 'portId'>
/** With port security and groups as they are in force; the row says what its owner wants. */
export type PortView = PortRow & {
  securityGroupIds: string[]
  addressPairs: AddressPair[]
  /** The policy of its network; null: that has none. */
  qosNetworkPolicyId: string | null
  host: string
  /** What leads from the cloud that it is on to each of the others that its network is on. */
  reach: { cloud: string; reach: string }[]
}

/** Where the server is that holds it, as Nova names hosts; else what an administrator asked for. */
const host = sql<string>`coalesce((select c.name from servers s join clouds c on c.id = s.cloud_id
  where s.id = ports.device_id and s.deleted_at is null), ports.binding_host)`

/** Whether traffic is filtered as its owner wants it: on a cloud without filters it is not. */
const secured = sql<boolean>`(${ports.portSecurity} and ${ports.filters} is not 'none')`.mapWith(Boolean)

/**
 * A network on one cloud, which most are, is told by its row. On several, a port is where the segment of an address of it is;
 * one that has none yet is nowhere.
 */
const reach = sql<
  PortView['reach']
>`case when (select n.cloud_id from networks n where n.id = ports.network_id) is not null then '[]'
  else (select json_group_array(json_object('cloud', c.name, 'reach', ${reachBetween(sql`here.cloud_id`, sql`c.id`)}) order by c.name)
    from subnets s join segments here on here.id = s.segment_id
    join (select distinct cloud_id from segments where network_id = ports.network_id) there
    join clouds c on c.id = there.cloud_id and c.id <> here.cloud_id
    where s.id = ports.fixed_ips ->> '$[0].subnet_id') end`.mapWith((text: string): PortView['reach'] =>
  JSON.parse(text),
)

/** What a port may speak with beside its own addresses, of rows of ports. */
export const addressPairs = sql<
  AddressPair[]
>`(select json_group_array(json_object('address', a.address, 'mac', a.mac)) from port_address_pairs a
    where a.port_id = ports.id)`.mapWith((text: string): AddressPair[] => JSON.parse(text))

const view = {
  ...getTableColumns(ports),
  host,
  portSecurity: secured,
  reach,
  securityGroupIds: sql<
    string[]
  >`(select json_group_array(g.security_group_id) from port_security_groups g where g.port_id = ports.id
    and ports.filters is not 'none')`.mapWith((text: string): string[] => JSON.parse(text)),
  addressPairs,
  qosNetworkPolicyId: sql<string | null>`(select n.qos_policy_id from networks n where n.id = ports.network_id)`,
}

const withAddress = (condition: SQL): SQL =>
  sql`exists (select 1 from ip_allocations a where a.port_id = ${ports.id} and ${condition})`

const byAddresses = (condition: (wanted: Placeholder) => SQL) => ({
  matches: (wanted: Placeholder) => withAddress(condition(wanted)),
  ids: (wanted: Placeholder) => sql`select a.port_id from ip_allocations a where ${condition(wanted)}`,
})

/** Every key has to be met, each by some address of the port (neutron/db/db_base_plugin_v2.py, `_get_ports_query`). */
const fixedIps = table({
  subnet_id: {
    ...byAddresses((wanted) => anyOf(sql`a.subnet_id`, wanted)),
    follows: (subnet: Placeholder) =>
      sql`${ports.networkId} = (select n.network_id from subnets n where n.id = ${subnet})`,
  },
  ip_address: byAddresses((wanted) => anyOf(sql`a.address`, wanted)),
  // A part begins where a number of the address begins: `0.21` is of 10.0.0.21, and not of 10.211.0.20.
  ip_address_substr: {
    matches: (wanted: Placeholder) =>
      withAddress(sql`exists (select 1 from json_each(${wanted})
        where instr('.' || replace(a.address, ':', '.'), '.' || ltrim(replace(value, ':', '.'), '.')) > 0)`),
  },
})

const ofPair = (values: Placeholder): SQL => anyOf(sql`a.address`, values)

/** By an address or a block as it was written; what it covers is not looked for. */
const allowedAddressPairs = table({
  ip_address: {
    matches: (wanted: Placeholder) =>
      sql`exists (select 1 from port_address_pairs a where a.port_id = ${ports.id} and ${ofPair(wanted)})`,
    ids: (wanted: Placeholder) => sql`select a.port_id from port_address_pairs a where ${ofPair(wanted)}`,
  },
})

const inGroups = (ids: Placeholder): SQL => anyOf(sql`g.security_group_id`, ids)

export const portAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${ports.id}`, seeks: true },
  name: { is: 'text', sql: sql`${ports.name}` },
  description: { is: 'text', sql: sql`${ports.description}` },
  project_id: { is: 'text', sql: sql`${ports.projectId}` },
  tenant_id: { is: 'text', sql: sql`${ports.projectId}` },
  network_id: { is: 'text', sql: sql`${ports.networkId}`, seeks: true },
  mac_address: { is: 'mac', sql: sql`${ports.macAddress}`, seeks: true },
  admin_state_up: {
    is: 'flag',
    sql: sql`${ports.adminStateUp}`,
    unusual: { where: sql`${ports.adminStateUp} = 0`, value: 0 },
  },
  status: { is: 'text', sql: sql`${ports.status}` },
  device_id: { is: 'text', sql: sql`${ports.deviceId}`, seeks: true },
  device_owner: { is: 'text', sql: sql`${ports.deviceOwner}` },
  port_security_enabled: { is: 'flag', sql: secured },
  ip_allocation: { is: 'text', sql: sql`${ports.ipAllocation}` },
  revision_number: { is: 'number', sql: sql`${ports.revision}` },
  created_at: { is: 'time', sql: sql`${ports.createdAt}` },
  updated_at: { is: 'time', sql: sql`${ports.updatedAt}`, latest: true },
  'binding:host_id': {
    is: 'text',
    sql: host,
    idsWhere: (
      meets,
    ) => sql`select p.id from clouds c cross join servers s on s.cloud_id = c.id and s.deleted_at is null
      cross join ports p on p.device_id = s.id where ${meets(sql`c.name`)}
      union all select id from ports where binding_host <> '' and ${meets(sql`binding_host`)}`,
  },
  fixed_ips: { is: 'pairs', matches: fixedIps },
  allowed_address_pairs: { is: 'pairs', matches: allowedAddressPairs },
  security_groups: {
    is: 'text',
    matches: (ids) =>
      sql`exists (select 1 from port_security_groups g where g.port_id = ${ports.id} and ${inGroups(ids)})`,
    ids: (ids) => sql`select g.port_id from port_security_groups g where ${inGroups(ids)}`,
  },
})

/** Ports are seen by their project, and by that of their network (neutron/conf/policies/port.py, `get_port`). */
const visible = withinOrShared(
  ports.projectId,
  ({ projectId }) =>
    sql`exists (select 1 from networks n where n.id = ${ports.networkId} and n.project_id = ${projectId})`,
)

/**
 * One page of the ports of a scope, with their addresses and groups. Those of others on networks of the own come where they
 * are asked for by their network, or by what else finds few: beside all of a project they would have to be looked for.
 */
export const listPorts = pagesOf(
  ports,
  portAttributes,
  (scope) => within(ports.projectId, scope),
  (db, page) =>
    db
      .select(view)
      .from(ports)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit),
  visible,
)

const seenById = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(ports)
    .where(and(eq(ports.id, id), visible(scope))),
)

/** A port of the scope, or on a network of it; null: there is none, or it is another project's. */
export const seenPortById = async (db: Database, scope: Scope, id: string): Promise<PortView | null> =>
  (await seenById.run(db, { scope, id }))[0] ?? null

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(ports)
    .where(and(eq(ports.id, id), within(ports.projectId, scope))),
)

/** A port of the scope; null: there is none, or it is another project's. */
export const portById = async (db: Database, scope: Scope, id: string): Promise<PortView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** What leads from the clouds of ports to others of their networks, by the ids of the ports. No query for none. */
export const reachOfPorts = async (db: Database, ids: string[]): Promise<Map<string, PortView['reach']>> => {
  if (!ids.length) return new Map()
  const rows = await db.select({ id: ports.id, reach }).from(ports).where(anyOf(ports.id, ids))
  return new Map(rows.map((row) => [row.id, row.reach]))
}

/** Ports that a server was made with, or had plugged in. `device_id` says less: whoever owns a port may write it. */
export const portsHeldBy = (db: Database, serverId: string): Promise<PortView[]> =>
  db
    .select(view)
    .from(ports)
    .where(sql`${ports.id} in (select port_id from server_ports where server_id = ${serverId})`)

/** Ports of the scope that a server or router has, by its id. */
export const portsOfDevice = (db: Database, scope: Scope, deviceId: string): Promise<PortView[]> =>
  db
    .select(view)
    .from(ports)
    .where(and(eq(ports.deviceId, deviceId), within(ports.projectId, scope)))

/** Statement: a new port, without addresses and groups. */
export const insertPort = (db: Database, row: PortRow) => db.insert(ports).values(row)

/** Statement: changes ports, and counts it as a revision that users see. */
export const updatePorts = (db: Database, ids: string[], set: Partial<PortRow>) =>
  db
    .update(ports)
    .set({ ...set, revision: sql`${ports.revision} + 1` })
    .where(anyOf(ports.id, ids))

/** What the cloud says of a port is no change by its user. */
export const notePort = (db: Database, id: string, seen: Partial<Pick<PortRow, 'macAddress' | 'status'>>) =>
  db.update(ports).set(seen).where(eq(ports.id, id))

/** Statement: what a cloud says of ports. No revision: nobody asked for it. */
export const setPortStatus = (db: Database, ids: string[], status: PortRow['status']) =>
  db
    .update(ports)
    .set({ status })
    .where(and(anyOf(ports.id, ids), sql`${ports.status} <> ${status}`))

/* ---------------------------------------------------------------- addresses and groups of ports */

/** The primary key refuses an address that somebody has. */
export const allocate = (db: Database, portId: string, fixedIps: PortRow['fixedIps']) =>
  db
    .insert(ipAllocations)
    .values(fixedIps.map(({ subnet_id, ip_address }) => ({ subnetId: subnet_id, address: ip_address, portId })))

/** Statement: gives all addresses of a port back. */
export const release = (db: Database, portId: string) =>
  db.delete(ipAllocations).where(eq(ipAllocations.portId, portId))

/** Statement: addresses that ports give up stay taken while a cloud still has the ports with them. */
const linger = (db: Database, theirs: SQL) =>
  db.run(sql`insert or ignore into ${lingeringAddresses} (subnet_id, address, port_id)
    select subnet_id, address, port_id from ${ipAllocations} where ${theirs} and exists (select 1 from bindings b
      where b.kind = 'port' and b.resource_id = port_id and b.phase not in ('gone', 'failed'))`)

/** Statements: ports give all their addresses up, for others or for nothing. */
export const leaveAddresses = (db: Database, ids: string[]) => {
  const theirs = anyOf(sql`port_id`, ids)
  return [linger(db, theirs), db.delete(ipAllocations).where(theirs)] as const
}

/** Statement: a cloud has let go of a port; addresses that it had there may be given out again. */
export const forgetLingering = (db: Database, portId: string, cloudId: string) =>
  db.run(sql`delete from ${lingeringAddresses} where port_id = ${portId} and not exists (select 1 from subnets s
    join segments g on g.id = s.segment_id where s.id = lingering_addresses.subnet_id and g.cloud_id <> ${cloudId})`)

/** Statement: puts a port into security groups; none at all is no valid statement. */
export const joinGroups = (db: Database, portId: string, groupIds: string[]) =>
  db.insert(portSecurityGroups).values(groupIds.map((securityGroupId) => ({ portId, securityGroupId })))

/** Statement: takes a port out of all its security groups. */
export const leaveGroups = (db: Database, portId: string) =>
  db.delete(portSecurityGroups).where(eq(portSecurityGroups.portId, portId))

/** Statement: lets a port speak with these addresses too; none at all is no valid statement. */
export const allowPairs = (db: Database, portId: string, pairs: AddressPair[]) =>
  db.insert(portAddressPairs).values(pairs.map((pair) => ({ portId, ...pair })))

/** Statement: lets a port speak with no addresses but its own. */
export const forgetPairs = (db: Database, portId: string) =>
  db.delete(portAddressPairs).where(eq(portAddressPairs.portId, portId))

/* ---------------------------------------------------------------- the end of ports */

/** Rows, addresses, groups and quota of ports that go; floating IPs let go of them. Statements for one batch. */
export const deletePorts = (db: Database, ids: string[], now: number) => {
  const which = anyOf(sql`id`, ids)
  const theirs = anyOf(sql`port_id`, ids)
  return [
    db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
      where kind = 'floating_ip' and want = 'present' and resource_id in (select id from ${floatingIps} where ${theirs})`),
    db.run(sql`update ${floatingIps} set port_id = null, fixed_ip_address = null, router_id = null, status = 'DOWN',
      revision = revision + 1, updated_at = ${now} where ${theirs}`),
    ...leaveAddresses(db, ids),
    db.delete(portSecurityGroups).where(theirs),
    db.delete(portAddressPairs).where(theirs),
    releaseRows(db, 'port', ports, which),
    db.delete(ports).where(which),
  ] as const
}

/** A port got its place below the line: floating IPs that wait for it have work to do. */
export const touchFloatingIpsOf = (db: Database, portId: string, now: number) =>
  db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
    where kind = 'floating_ip' and want = 'present' and resource_id in (select id from ${floatingIps} where port_id = ${portId})`)

/** Ids of the floating IPs that lead to a port. */
export const floatingIpsOf = async (db: Database, portId: string): Promise<string[]> =>
  (await db.select({ id: floatingIps.id }).from(floatingIps).where(eq(floatingIps.portId, portId))).map(({ id }) => id)

/** Ids of those ports that floating IPs lead to. */
export const portsLedTo = async (db: Database, ids: string[]): Promise<string[]> =>
  (await db.select({ id: floatingIps.portId }).from(floatingIps).where(anyOf(floatingIps.portId, ids))).map(
    ({ id }) => id!,
  )

/* ---------------------------------------------------------------- conditions of guards */

/** One of the ports is gone, or plugged into something. */
export const notFree = (ids: string[]) =>
  sql`(select count(*) from ports where ${anyOf(sql`id`, ids)} and device_id = '') <> ${ids.length}`

/** Condition of a guard: the port is not any more at the revision at which it was read. */
export const portMoved = (id: string, revision: number) =>
  sql`not exists (select 1 from ports where id = ${id} and revision = ${revision})`

/** A server holds one of the ports. */
export const heldByServer = (ids: string[]) =>
  sql`exists (select 1 from server_ports where ${anyOf(sql`port_id`, ids)})
    or exists (select 1 from interfaces where ${anyOf(sql`port_id`, ids)})`

/** Ids of servers that were made with one of these ports, or had it plugged in. */
export const serversHolding = async (db: Database, ids: string[]): Promise<string[]> =>
  (
    await db.all<{ id: string }>(sql`select server_id as id from server_ports where ${anyOf(sql`port_id`, ids)}
      union select server_id from interfaces where ${anyOf(sql`port_id`, ids)}`)
  ).map(({ id }) => id)

/** Condition of a guard: one of these subnets was deleted meanwhile. */
export const subnetsGone = (ids: string[]) =>
  sql`(select count(*) from subnets where ${anyOf(sql`id`, ids)}) <> ${new Set(ids).size}`

/** What routers and floating IPs hold on ways out; it comes and goes with them. */
export const isExternalPort = ({ deviceOwner }: Pick<PortRow, 'deviceOwner'>): boolean =>
  ['network:router_gateway', 'network:floatingip'].includes(deviceOwner)

/** Whether a port is the foot of a router in a subnet, which only the router's own routes may move. */
export const isRouterPort = ({ deviceOwner }: Pick<PortRow, 'deviceOwner'>): boolean => deviceOwner === ROUTER_INTERFACE
