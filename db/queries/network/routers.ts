import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { type FixedIp, routers, subnets } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { isFoot } from './network.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'
import type { SubnetRow } from './subnets.ts'

export type RouterRow = typeof routers.$inferSelect
export type RouterView = RouterRow & {
  zones: string[]
  /** Its addresses on an external network that an administrator made. */
  gatewayIps: FixedIp[]
}

const view = {
  ...getTableColumns(routers),
  /** As zone lists name them: all of the cloud that realises it. */
  zones: sql<string[]>`(select json_group_array(c.name || '.' || z.name order by z.position, z.name) from bindings b
    join clouds c on c.id = b.cloud_id join zones z on z.cloud_id = c.id
    where b.kind = 'router' and b.resource_id = routers.id and b.want = 'present' and b.phase = 'bound')`.mapWith(
    (text: string): string[] => JSON.parse(text),
  ),
  gatewayIps: sql<FixedIp[]>`coalesce((select p.fixed_ips from ports p where p.device_id = routers.id
    and p.device_owner = 'network:router_gateway'), '[]')`.mapWith((text: string): FixedIp[] => JSON.parse(text)),
}

export const routerAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${routers.id}`, seeks: true },
  name: { is: 'text', sql: sql`${routers.name}` },
  description: { is: 'text', sql: sql`${routers.description}` },
  project_id: { is: 'text', sql: sql`${routers.projectId}` },
  tenant_id: { is: 'text', sql: sql`${routers.projectId}` },
  admin_state_up: { is: 'flag', sql: sql`${routers.adminStateUp}` },
  status: { is: 'text', sql: sql`${routers.status}` },
  revision_number: { is: 'number', sql: sql`${routers.revision}` },
  created_at: { is: 'time', sql: sql`${routers.createdAt}` },
  updated_at: { is: 'time', sql: sql`${routers.updatedAt}` },
})

/** One page of the routers of a scope. */
export const listRouters = pagesOf(
  routers,
  routerAttributes,
  (scope) => within(routers.projectId, scope),
  (db, page) =>
    db
      .select(view)
      .from(routers)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(routers)
    .where(and(eq(routers.id, id), within(routers.projectId, scope))),
)

/** A router of the scope; null: there is none, or it is another project's. */
export const routerById = async (db: Database, scope: Scope, id: string): Promise<RouterView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Statement: a new router. */
export const insertRouter = (db: Database, row: RouterRow) => db.insert(routers).values(row)

/** Statement: changes a router, and counts it as a revision that users see. */
export const updateRouter = (db: Database, id: string, set: Partial<RouterRow>) =>
  db
    .update(routers)
    .set({ ...set, revision: sql`${routers.revision} + 1` })
    .where(eq(routers.id, id))

/** Statement: the status that its cloud gives a router. No revision: nobody asked for it. */
export const noteRouter = (db: Database, id: string, status: string) =>
  db.update(routers).set({ status }).where(eq(routers.id, id))

/** The row and its quota, for one batch. */
export const deleteRouter = (db: Database, id: string) =>
  [releaseRows(db, 'router', routers, sql`id = ${id}`), db.delete(routers).where(eq(routers.id, id))] as const

/** The subnets on which a router has an interface. */
export const subnetsOnRouter = (db: Database, routerId: string): Promise<SubnetRow[]> =>
  db
    .select(getTableColumns(subnets))
    .from(subnets)
    .where(
      sql`${subnets.id} in (select a.subnet_id from ip_allocations a join ports p on p.id = a.port_id
        where p.device_id = ${routerId} and ${isFoot('p')})`,
    )
    .orderBy(subnets.createdAt, subnets.id)

/** The router through which a subnet reaches an external network; null: none does. */
export const routerBetween = async (
  db: Database,
  subnetId: string,
  externalNetworkId: string,
): Promise<string | null> =>
  (
    await db.get<{ id: string } | undefined>(sql`select r.id from subnets s
      cross join ports p on p.network_id = s.network_id and ${isFoot('p')}
      cross join ip_allocations a on a.port_id = p.id and a.subnet_id = s.id
      cross join routers r on r.id = p.device_id
      where s.id = ${subnetId} and r.external_network_id = ${externalNetworkId} limit 1`)
  )?.id ?? null

/** The router does not lead from the subnet to the external network any more. */
export const routerLost = (
  id: string,
  subnetId: string,
  externalNetworkId: string,
) => sql`not exists (select 1 from routers r
  cross join ports p on p.device_id = r.id cross join ip_allocations a on a.port_id = p.id
  where r.id = ${id} and r.external_network_id = ${externalNetworkId} and ${isFoot('p')} and a.subnet_id = ${subnetId})`

/* ---------------------------------------------------------------- bindings of routers */

/** The router leaves every cloud but one. */
export const leaveOthers = (db: Database, id: string, cloudId: string, now: number) =>
  db.run(sql`update bindings set want = 'absent', revision = revision + 1, due_at = ${now}, attempts = 0, updated_at = ${now}
    where kind = 'router' and resource_id = ${id} and cloud_id <> ${cloudId} and phase <> 'gone'`)

/** The router is still being removed from the cloud that it shall return to. */
export const stillLeaving = (id: string, cloudId: string) => sql`exists (select 1 from bindings where kind = 'router'
  and resource_id = ${id} and cloud_id = ${cloudId} and want = 'absent' and phase <> 'gone')`

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: the router is not any more at the revision at which it was read. */
export const routerMoved = (id: string, revision: number) =>
  sql`not exists (select 1 from routers where id = ${id} and revision = ${revision})`

/** Condition of a guard: the router still has a foot in some subnet. */
export const routerHasInterfaces = (id: string) =>
  sql`exists (select 1 from ports where device_id = ${id} and ${isFoot('ports')})`

/** A floating IP is reached through the router. */
export const routerCarries = (id: string) => sql`exists (select 1 from floating_ips where router_id = ${id})`

/** A floating IP leads through the router to an address of the subnet. */
export const subnetCarries = (routerId: string, subnetId: string) => sql`exists (select 1 from floating_ips f
  cross join ip_allocations a on a.port_id = f.port_id and a.address = f.fixed_ip_address
  where f.router_id = ${routerId} and a.subnet_id = ${subnetId})`
