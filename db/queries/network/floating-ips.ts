import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { floatingIps } from '../../schema/index.ts'
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
