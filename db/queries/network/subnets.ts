import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { anyOf, either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { subnets } from '../../schema/index.ts'
import { type Scope, withinOrShared } from '../../scope.ts'
import { inSharedNetwork, isFoot } from './network.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'

export type SubnetRow = typeof subnets.$inferSelect

/** A subnet is seen by its project, and by all if its network is shared. What lies beyond a way out is its cloud's. */
const visible = withinOrShared(subnets.projectId, inSharedNetwork(subnets.networkId))

export const subnetAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${subnets.id}`, seeks: true },
  name: { is: 'text', sql: sql`${subnets.name}` },
  description: { is: 'text', sql: sql`${subnets.description}` },
  project_id: { is: 'text', sql: sql`${subnets.projectId}` },
  tenant_id: { is: 'text', sql: sql`${subnets.projectId}` },
  network_id: { is: 'text', sql: sql`${subnets.networkId}`, seeks: true },
  ip_version: { is: 'number', sql: sql`${subnets.ipVersion}` },
  cidr: { is: 'cidr', sql: sql`${subnets.cidr}` },
  gateway_ip: { is: 'ip', sql: sql`${subnets.gatewayIp}` },
  enable_dhcp: { is: 'flag', sql: sql`${subnets.enableDhcp}` },
  ipv6_address_mode: { is: 'text', sql: sql`${subnets.ipv6AddressMode}` },
  ipv6_ra_mode: { is: 'text', sql: sql`${subnets.ipv6RaMode}` },
  subnetpool_id: { is: 'text', sql: sql`${subnets.subnetpoolId}`, seeks: true },
  segment_id: { is: 'text', sql: sql`${subnets.segmentId}` },
  shared: { is: 'flag', sql: sql`(select n.shared from networks n where n.id = ${subnets.networkId})` },
  revision_number: { is: 'number', sql: sql`${subnets.revision}` },
  created_at: { is: 'time', sql: sql`${subnets.createdAt}` },
  updated_at: { is: 'time', sql: sql`${subnets.updatedAt}` },
})

/** One page of the subnets that a scope sees: its own, and those of shared networks. */
export const listSubnets = pagesOf(subnets, subnetAttributes, visible, (db, page) =>
  db
    .select()
    .from(subnets)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(subnets)
    .where(and(eq(subnets.id, id), visible(scope))),
)

/** A subnet that the scope sees; null: there is none, or its network is another project's and not shared. */
export const subnetById = async (db: Database, scope: Scope, id: string): Promise<SubnetRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Several subnets, whoever's they are, in no order. */
export const subnetsById = (db: Database, ids: string[]): Promise<SubnetRow[]> =>
  db.select().from(subnets).where(anyOf(subnets.id, ids))

/** In the order in which they were made. */
export const subnetsOf = (db: Database, networkIds: string[]): Promise<SubnetRow[]> =>
  db.select().from(subnets).where(anyOf(subnets.networkId, networkIds)).orderBy(subnets.createdAt, subnets.id)

/** Those of a network that a cloud has: all, or those in its segments of the network. In the order in which they were made. */
export const subnetsOn = (db: Database, networkId: string, cloudId: string): Promise<SubnetRow[]> =>
  db
    .select()
    .from(subnets)
    .where(
      and(
        eq(subnets.networkId, networkId),
        either(
          isNull(subnets.segmentId),
          sql`exists (select 1 from segments g where g.id = ${subnets.segmentId} and g.cloud_id = ${cloudId})`,
        ),
      ),
    )
    .orderBy(subnets.createdAt, subnets.id)

/** Statement: a new subnet. */
export const insertSubnet = (db: Database, row: SubnetRow) => db.insert(subnets).values(row)

/** Statement: changes a subnet, and counts it as a revision that users see. */
export const updateSubnet = (db: Database, id: string, set: Partial<SubnetRow>) =>
  db
    .update(subnets)
    .set({ ...set, revision: sql`${subnets.revision} + 1` })
    .where(eq(subnets.id, id))

/** Where the cloud realised it; a zone that is known stays. */
export const noteZone = (db: Database, id: string, zone: string) =>
  db.run(sql`update ${subnets} set zone = ${zone} where id = ${id} and zone is null`)

/** Rows and quota, for one batch. */
export const deleteSubnets = (db: Database, ids: string[]) =>
  [releaseRows(db, 'subnet', subnets, anyOf(sql`id`, ids)), db.delete(subnets).where(anyOf(subnets.id, ids))] as const

/** Those of a network, whichever there are by then. */
export const deleteSubnetsOf = (db: Database, networkId: string) =>
  [
    releaseRows(db, 'subnet', subnets, sql`network_id = ${networkId}`),
    db.delete(subnets).where(eq(subnets.networkId, networkId)),
  ] as const

/** The routers that have a foot in a subnet, as a list for an `in`: found from the feet in its network, which are few. */
const routersIn = (subnetId: string): SQL => sql`(select p.device_id from subnets s
  cross join ports p on p.network_id = s.network_id and ${isFoot('p')}
  cross join ip_allocations a on a.port_id = p.id and a.subnet_id = s.id where s.id = ${subnetId})`

/** Routers that wait for the subnet to be realised have work to do. */
export const touchRoutersOn = (db: Database, subnetId: string, now: number) =>
  db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
    where kind = 'router' and want = 'present' and resource_id in ${routersIn(subnetId)}`)

/** Ids of routers that have a foot in a subnet. */
export const routersOnSubnet = async (db: Database, subnetId: string): Promise<string[]> =>
  (await db.all<{ id: string }>(sql`select id from routers where id in ${routersIn(subnetId)}`)).map(({ id }) => id)

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: an address of the subnet is given to a port. */
export const subnetInUse = (id: string) => sql`exists (select 1 from ip_allocations where subnet_id = ${id})`

const feetAt = (id: string, address: string): SQL => sql`select p.id from ip_allocations a
  cross join ports p on p.id = a.port_id and ${isFoot('p')} where a.subnet_id = ${id} and a.address = ${address}`

/** The foot of a router that has an address in a subnet (neutron/objects/ports.py, `get_alloc_routerports`); null: none has. */
export const footAt = async (db: Database, id: string, address: string): Promise<string | null> =>
  (await db.all<{ id: string }>(feetAt(id, address)))[0]?.id ?? null

/** Condition of a guard: a router has that address in the subnet. */
export const footThere = (id: string, address: string) => sql`exists (${feetAt(id, address)})`

/** Condition of a guard: the subnet is not any more at the revision at which it was read. */
export const subnetMoved = (id: string, revision: number) =>
  sql`not exists (select 1 from subnets where id = ${id} and revision = ${revision})`
