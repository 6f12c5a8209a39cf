import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { type FixedIp, floatingIps, ipAllocations, ports } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'

export type FloatingIpRow = typeof floatingIps.$inferSelect
export interface PortDetails {
  name: string
  network_id: string
  mac_address: string
  admin_state_up: boolean
  status: string
  device_id: string
  device_owner: string
}
export type FloatingIpView = FloatingIpRow & { portDetails: PortDetails | null }

const view = {
  ...getTableColumns(floatingIps),
  portDetails:
    sql<PortDetails | null>`(select json_object('name', p.name, 'network_id', p.network_id, 'mac_address', p.mac_address,
    'admin_state_up', json(iif(p.admin_state_up, 'true', 'false')), 'status', p.status, 'device_id', p.device_id,
    'device_owner', p.device_owner) from ports p where p.id = floating_ips.port_id)`.mapWith((text: string | null) =>
      text === null ? null : JSON.parse(text),
    ),
}

export const floatingIpAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${floatingIps.id}`, seeks: true },
  description: { is: 'text', sql: sql`${floatingIps.description}` },
  project_id: { is: 'text', sql: sql`${floatingIps.projectId}` },
  tenant_id: { is: 'text', sql: sql`${floatingIps.projectId}` },
  floating_network_id: { is: 'text', sql: sql`${floatingIps.floatingNetworkId}` },
  floating_ip_address: { is: 'ip', sql: sql`${floatingIps.floatingIpAddress}`, seeks: true },
  fixed_ip_address: { is: 'ip', sql: sql`${floatingIps.fixedIpAddress}` },
  port_id: { is: 'text', sql: sql`${floatingIps.portId}`, seeks: true },
  router_id: { is: 'text', sql: sql`${floatingIps.routerId}`, seeks: true },
  status: { is: 'text', sql: sql`${floatingIps.status}` },
  revision_number: { is: 'number', sql: sql`${floatingIps.revision}` },
  created_at: { is: 'time', sql: sql`${floatingIps.createdAt}` },
  updated_at: { is: 'time', sql: sql`${floatingIps.updatedAt}` },
})

/** One page of the floating IPs of a scope, with the port and router that each leads to. */
export const listFloatingIps = pagesOf(
  floatingIps,
  floatingIpAttributes,
  (scope) => within(floatingIps.projectId, scope),
  (db, page) =>
    db
      .select(view)
      .from(floatingIps)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(floatingIps)
    .where(and(eq(floatingIps.id, id), within(floatingIps.projectId, scope))),
)

/** A floating IP of the scope; null: there is none, or it is another project's. */
export const floatingIpById = async (db: Database, scope: Scope, id: string): Promise<FloatingIpView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Statement: a new floating IP. */
export const insertFloatingIp = (db: Database, row: FloatingIpRow) => db.insert(floatingIps).values(row)

/** Statement: changes a floating IP, and counts it as a revision that users see. */
export const updateFloatingIp = (db: Database, id: string, set: Partial<FloatingIpRow>) =>
  db
    .update(floatingIps)
    .set({ ...set, revision: sql`${floatingIps.revision} + 1` })
    .where(eq(floatingIps.id, id))

/** What the cloud says is no change by its user. */
export const noteFloatingIp = (db: Database, id: string, seen: Partial<FloatingIpRow>) =>
  db.update(floatingIps).set(seen).where(eq(floatingIps.id, id))

/** The row and its quota, for one batch. */
export const deleteFloatingIp = (db: Database, id: string) =>
  [
    releaseRows(db, 'floatingip', floatingIps, sql`id = ${id}`),
    db.delete(floatingIps).where(eq(floatingIps.id, id)),
  ] as const

/** Another floating IP leads to that address already. */
export const addressTaken = (id: string, portId: string, fixedIp: string) =>
  sql`exists (select 1 from floating_ips where id <> ${id} and port_id = ${portId} and fixed_ip_address = ${fixedIp})`

/** The address does not belong to the port any more. */
export const addressGone = (portId: string, fixedIp: string) =>
  sql`not exists (select 1 from ip_allocations where port_id = ${portId} and address = ${fixedIp})`

/* ---------------------------------------------------------------- addresses outside, of routers too */

/** Ports that routers and floating IPs have on external networks: triggers make and delete them with their rows. */
const ofDevice = (deviceId: string) =>
  sql`device_id = ${deviceId} and device_owner in ('network:router_gateway', 'network:floatingip')`

/** Statement: addresses that a router gives up stay taken while a cloud still has it with them. */
export const leaveOutside = (db: Database, routerId: string) =>
  db.run(sql`insert or ignore into lingering_addresses (subnet_id, address, port_id)
    select a.subnet_id, a.address, ${routerId} from ${ports} p join ${ipAllocations} a on a.port_id = p.id
    where p.device_id = ${routerId} and p.device_owner = 'network:router_gateway' and exists (select 1 from bindings b
      where b.kind = 'router' and b.resource_id = ${routerId} and b.phase not in ('gone', 'failed'))`)

/** Statement: a cloud has a router as it is meant to be, and those that it gave up there are free. */
export const forgetLeft = (db: Database, routerId: string, cloudId: string) =>
  db.run(sql`delete from lingering_addresses where port_id = ${routerId} and not exists (select 1 from subnets s
    join segments g on g.network_id = s.network_id where s.id = lingering_addresses.subnet_id and g.cloud_id <> ${cloudId})`)

/** Statements: what leads outside has exactly these addresses there. The primary key refuses one that somebody has. */
export const takeOutside = (db: Database, deviceId: string, fixedIps: FixedIp[]) =>
  [
    db.run(sql`delete from ${ipAllocations} where port_id in (select id from ${ports} where ${ofDevice(deviceId)})`),
    db.run(sql`update ${ports} set fixed_ips = ${JSON.stringify(fixedIps)} where ${ofDevice(deviceId)}`),
    db.run(sql`insert into ${ipAllocations} (subnet_id, address, port_id)
      select a.value ->> 'subnet_id', a.value ->> 'ip_address', p.id
      from ${ports} p cross join json_each(${JSON.stringify(fixedIps)}) a where ${ofDevice(deviceId)}`),
  ] as const

/** Addresses of a router or a floating IP on an external network; none on those that their cloud comes with. */
export const addressesOutside = async (db: Database, deviceId: string): Promise<FixedIp[]> =>
  (await db.select({ fixedIps: ports.fixedIps }).from(ports).where(ofDevice(deviceId)))[0]?.fixedIps ?? []

/** Ids of floating IPs of a network that lead nowhere. */
export const looseFloatingIps = async (db: Database, networkId: string): Promise<string[]> =>
  (
    await db
      .select({ id: floatingIps.id })
      .from(floatingIps)
      .where(and(eq(floatingIps.floatingNetworkId, networkId), sql`${floatingIps.portId} is null`))
  ).map(({ id }) => id)

/** Statements: floating IPs go that lead nowhere, with their quota and what they cost. `now` in milliseconds since 1970. */
export const deleteFloatingIps = (db: Database, ids: string[], now: number) => {
  const which = sql`${anyOf(sql`id`, ids)} and port_id is null`
  return [
    db.run(sql`update meters set ended_at = max(coalesce(settled_at, 0), ${now}), due_at = 0,
      reserved = cast((coalesce(hourly, 0) * max(0, ${now} - coalesce(settled_at, ${now})) + 3599999) / 3600000 as integer)
      where ${anyOf(sql`server_id`, ids)} and ended_at is null`),
    releaseRows(db, 'floatingip', floatingIps, which),
    db.delete(floatingIps).where(which),
  ] as const
}

/** A floating IP of the network has that address. */
export const isPublicAddress = async (db: Database, networkId: string, addresses: string[]): Promise<string | null> =>
  (
    await db
      .select({ address: floatingIps.floatingIpAddress })
      .from(floatingIps)
      .where(and(anyOf(floatingIps.floatingIpAddress, addresses), eq(floatingIps.floatingNetworkId, networkId)))
  )[0]?.address ?? null
