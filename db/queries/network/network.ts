import { and, asc, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { always, anyOf, either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { networks, ports, routers, segments, subnets } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'
import { lentTo } from './rbac.ts'

export type NetworkRow = typeof networks.$inferSelect
export type NetworkView = NetworkRow & {
  subnetIds: string[]
  cloudName: string | null
  zones: string[]
  /** Its subnets lie in segments. */
  routed: boolean
  segments: {
    id: string
    type: string
    physicalNetwork: string | null
    cloudId: string
    wire: string | null
    segmentationId: number | null
  }[]
  /** Ids of the address scopes that its subnets are in, by the version of IP. */
  addressScopes: { 4?: string; 6?: string }
  /** What leads from one to another of the clouds that it is on. */
  reach: { clouds: [string, string]; reach: string }[]
}

export const ROUTER_INTERFACE = 'network:router_interface'
/** Of a port, that it is the foot of a router: written out, so that the index of these few ports can be used. */
export const isFoot = (port: 'near' | 'far' | 'p' | 'ports'): SQL =>
  sql.raw(`${port}.device_owner = '${ROUTER_INTERFACE}'`)

/** Written out, so that the indexes of these few networks can be used. */
export const isShared = sql`${networks.shared} = 1`
export const isExternal = sql`${networks.external} = 1`

/** It stands for the way out that its cloud comes with; others that lead outside are made by administrators. */
export const isWayOut = ({ external, projectId }: Pick<NetworkRow, 'external' | 'projectId'>): boolean =>
  external && projectId === ''

/** Everybody sees what is shared, and the ways out of the clouds that his project is mapped to. */
export const visible = (scope: Scope<string | Placeholder>): SQL =>
  'every' in scope
    ? always
    : either(
        within(networks.projectId, scope),
        isShared,
        lentTo('network', networks.id, scope),
        sql`(${isExternal} and ${networks.cloudId} in (select cloud_id from mappings where project_id = ${scope.projectId}))`,
      )

/** Of a thing of a network, by the column that names it, that the network is shared with the project of a scope. */
export const inSharedNetwork =
  (networkId: SQLiteColumn) =>
  (scope: { projectId: string | Placeholder }): SQL =>
    either(sql`${networkId} in (select n.id from networks n where n.shared = 1)`, lentTo('network', networkId, scope))

/** Of a network, by its id as SQL, that its subnets lie in segments. */
export const isRouted = (networkId: SQL): SQL =>
  sql`exists (select 1 from subnets r where r.network_id = ${networkId} and r.segment_id is not null)`

/** What leads from a cloud to another; nothing where nobody says so. */
export const reachBetween = (a: SQL, b: SQL): SQL =>
  sql`ifnull((select l.reach from cloud_links l where l.one = min(${a}, ${b}) and l.other = max(${a}, ${b})), 'none')`

/** `<cloud>`, or `<cloud>.<zone>` where a segment is in one, and `/<wire>` behind it where it lies on a wire there. */
export const physicalNetworkOf = (cloud: SQL, { zone, wire }: Record<'zone' | 'wire', SQL | SQLiteColumn>): SQL =>
  sql`${cloud} || ifnull('.' || ${zone}, '') || ifnull('/' || ${wire}, '')`
const ofPart = physicalNetworkOf(sql`c.name`, { zone: sql`g.zone`, wire: sql`g.wire` })

const view = {
  ...getTableColumns(networks),
  subnetIds: sql<string[]>`(select json_group_array(s.id) from subnets s where s.network_id = networks.id)`.mapWith(
    (text: string): string[] => JSON.parse(text),
  ),
  addressScopes: sql<NetworkView['addressScopes']>`(select json_group_object(p.ip_version, p.address_scope_id)
    from subnets s join subnet_pools p on p.id = s.subnetpool_id
    where s.network_id = networks.id and p.address_scope_id is not null)`.mapWith(
    (text: string): NetworkView['addressScopes'] => JSON.parse(text),
  ),
  // Nearly every network is on one cloud: to find no pair takes longer than to see that there is none.
  reach: sql<
    NetworkView['reach']
  >`iif(exists (select 1 from segments o where o.network_id = networks.id and o.cloud_id is not networks.cloud_id), (select json_group_array(json_object('clouds', json_array(a.name, b.name), 'reach',
      ${reachBetween(sql`a.id`, sql`b.id`)}) order by a.name, b.name)
    from (select distinct cloud_id from segments where network_id = networks.id) near join clouds a on a.id = near.cloud_id
    join (select distinct cloud_id from segments where network_id = networks.id) far join clouds b on b.id = far.cloud_id and b.name > a.name), '[]')`.mapWith(
    (text: string): NetworkView['reach'] => JSON.parse(text),
  ),
  cloudName: sql<string | null>`(select c.name from clouds c where c.id = networks.cloud_id)`,
  /** As zone lists name them: where its segments and subnets are if they are in zones, else all of its clouds. */
  zones: sql<
    string[]
  >`(select json_group_array(c.name || '.' || z.name order by c.position, c.name, z.position, z.name) from segments g
    join clouds c on c.id = g.cloud_id join zones z on z.cloud_id = c.id where g.network_id = networks.id
      and (z.name = g.zone or g.zone is null and ifnull((select max(s.zone = z.name) from subnets s where s.network_id = networks.id
        and ifnull(s.segment_id, g.id) = g.id and s.zone is not null), 1)))`.mapWith((text: string): string[] =>
    JSON.parse(text),
  ),
  routed: sql<boolean>`${isRouted(sql`networks.id`)}`.mapWith(Boolean),
  segments: sql<
    NetworkView['segments']
  >`(select json_group_array(json_object('id', g.id, 'type', g.network_type, 'cloudId', g.cloud_id, 'wire', g.wire, 'segmentationId', g.segmentation_id,
    'physicalNetwork', (select ${ofPart} from clouds c where c.id = g.cloud_id)) order by g.created_at, g.id)
    from segments g where g.network_id = networks.id)`.mapWith((text: string): NetworkView['segments'] =>
    JSON.parse(text),
  ),
}

/** One segment has to meet all that is asked of one (neutron/plugins/ml2/managers.py, `network_matches_filters`). */
const segment = (meets: SQL): SQL =>
  sql`exists (select 1 from segments g left join clouds c on c.id = g.cloud_id where g.network_id = ${networks.id} and ${meets})`

export const networkAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${networks.id}`, seeks: true },
  name: { is: 'text', sql: sql`${networks.name}` },
  description: { is: 'text', sql: sql`${networks.description}` },
  project_id: { is: 'text', sql: sql`${networks.projectId}` },
  tenant_id: { is: 'text', sql: sql`${networks.projectId}` },
  admin_state_up: { is: 'flag', sql: sql`${networks.adminStateUp}` },
  status: { is: 'text', sql: sql`${networks.status}` },
  shared: { is: 'flag', sql: sql`${networks.shared}` },
  'router:external': { is: 'flag', sql: sql`${networks.external}` },
  is_default: { is: 'flag', sql: sql`${networks.isDefault}` },
  mtu: { is: 'number', sql: sql`${networks.mtu}` },
  port_security_enabled: { is: 'flag', sql: sql`${networks.portSecurity}` },
  revision_number: { is: 'number', sql: sql`${networks.revision}` },
  created_at: { is: 'time', sql: sql`${networks.createdAt}` },
  updated_at: { is: 'time', sql: sql`${networks.updatedAt}` },
  'provider:network_type': { is: 'text', column: sql`g.network_type`, part: segment },
  'provider:physical_network': { is: 'text', column: ofPart, part: segment },
  'provider:segmentation_id': { is: 'number', column: sql`g.segmentation_id`, part: segment },
})

/** One page of the networks that a scope sees: its own, shared ones, and the world outside of clouds that it is mapped to. */
export const listNetworks = pagesOf(networks, networkAttributes, visible, (db, page) =>
  db
    .select(view)
    .from(networks)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

/** What somebody has to know of a network to take an address of it. */
export type PoolView = Pick<typeof networks.$inferSelect, 'id' | 'name' | 'isDefault'>

// A project has many networks, of which few are external: whether it sees one is asked of those.
const pools = prepared((db, { scope }: Slots<{ scope: Scope }>) =>
  db
    .select({ id: networks.id, name: networks.name, isDefault: networks.isDefault })
    .from(networks)
    .where(and(isExternal, sql`iif(${visible(scope)}, 1, 0)`))
    .orderBy(sql`+${networks.createdAt}`, asc(networks.id)),
)

/** The external networks that a scope sees, the oldest first. */
export const listPools = (db: Database, scope: Scope): Promise<PoolView[]> => pools.run(db, { scope })

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(networks)
    .where(and(eq(networks.id, id), visible(scope))),
)

/** A network that the scope sees; null: there is none, or it is another project's and not shared. */
export const networkById = async (db: Database, scope: Scope, id: string): Promise<NetworkView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Those of several networks that the scope sees, in no order. */
export const networksById = (db: Database, scope: Scope, ids: string[]): Promise<NetworkView[]> =>
  db
    .select(view)
    .from(networks)
    .where(and(anyOf(networks.id, ids), visible(scope)))

/** Statement: a new network, on no cloud before `pin` gives it its first segment. */
export const insertNetwork = (db: Database, row: Omit<typeof networks.$inferInsert, 'cloudId'>) =>
  db.insert(networks).values({ ...row, cloudId: null })

/** Raises the revision with every change. */
export const updateNetwork = (db: Database, id: string, set: Partial<NetworkRow>) =>
  db
    .update(networks)
    .set({ ...set, revision: sql`${networks.revision} + 1` })
    .where(eq(networks.id, id))

/** The row and its quota, for one batch. */
export const deleteNetwork = (db: Database, id: string) =>
  [releaseRows(db, 'network', networks, sql`id = ${id}`), db.delete(networks).where(eq(networks.id, id))] as const

/** Something of the network changed: counts as a change of the network itself. */
export const touchNetwork = (db: Database, id: string, now: number) => updateNetwork(db, id, { updatedAt: now })

/** What the cloud says is no change by its owner. */
export const noteNetwork = (db: Database, id: string, status: 'ACTIVE' | 'ERROR') =>
  db.update(networks).set({ status }).where(eq(networks.id, id))

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: the network was deleted meanwhile. */
export const networkGone = (id: string) => sql`not exists (select 1 from networks where id = ${id})`

/** Condition of a guard: a scope does not see the network any more, or it does not lead outside as it did, or did not, when it was read. */
export const networkLost = (scope: Scope, { id, external }: Pick<NetworkRow, 'id' | 'external'>) =>
  sql`not exists (select 1 from ${networks} where ${networks.id} = ${id} and ${networks.external} = ${external} and ${visible(scope)})`

/** Condition of a guard: another network is the default way out. */
export const secondDefault = (id: string) =>
  sql`exists (select 1 from networks where external = 1 and is_default = true and id <> ${id})`

/** The network is not as it was when it was read: somebody added a subnet, for one. */
export const networkMoved = (id: string, revision: number) =>
  sql`not exists (select 1 from networks where id = ${id} and revision = ${revision})`

/** Condition of a guard: the network still has ports, of whatever owner. */
export const networkHasPorts = (id: string) => sql`exists (select 1 from ports where network_id = ${id})`

/** Condition of a guard: a router leads out by it, or a public address is of it. */
export const networkLeads = (id: string) => sql`(exists (select 1 from routers where external_network_id = ${id})
  or exists (select 1 from floating_ips where floating_network_id = ${id}))`

/* ---------------------------------------------------------------- the cloud of a network */

/**
 * The given networks and all that routers join to them, as SQL for an `in`: a router is on one cloud, and so is everything
 * that it joins. Routed networks join nothing: what a router joins of them is one segment, which is on a cloud already.
 */
const joined = (ids: string[]): SQL => sql`(with recursive joined (id) as (
    select value from json_each(${JSON.stringify(ids)})
    union
    select far.network_id from joined
      cross join ports near on near.network_id = joined.id and ${isFoot('near')} and not ${isRouted(sql`near.network_id`)}
      cross join ports far on far.device_id = near.device_id and ${isFoot('far')} and not ${isRouted(sql`far.network_id`)})
  select id from joined)`

const routersOn = (ids: string[]): SQL =>
  sql`(select device_id from ports where ${isFoot('ports')} and network_id in ${joined(ids)} and not ${isRouted(sql`ports.network_id`)})`

/** True where one of the networks is, or is joined to, what another cloud realises. */
export const elsewhere = (ids: string[], cloudId: string) => sql`exists (
    select 1 from networks where id in ${joined(ids)} and cloud_id is not null and cloud_id <> ${cloudId})
  or exists (select 1 from routers r join networks n on n.id = r.external_network_id
    where r.id in ${routersOn(ids)} and n.cloud_id <> ${cloudId})`

/**
 * The clouds that realise the networks and whatever routers join to them, or have the segments of these subnets: none, one,
 * or a contradiction.
 */
export const cloudsOf = async (db: Database, ids: string[], subnetIds: string[] = []): Promise<string[]> =>
  (
    await db.all<{
      id: string
    }>(sql`select cloud_id as id from networks where id in ${joined(ids)} and cloud_id is not null
      union select n.cloud_id from routers r join networks n on n.id = r.external_network_id where r.id in ${routersOn(ids)}
      union select g.cloud_id from subnets s join segments g on g.id = s.segment_id where ${anyOf(sql`s.id`, subnetIds)}`)
  ).map(({ id }) => id)

/**
 * Statement: networks that are on no cloud yet have their first segment on this one from now on; those that are on one
 * stay. `now` in milliseconds since 1970.
 */
export const pin = (db: Database, ids: string[], cloudId: string, now: number) =>
  db.run(sql`insert into ${segments} (id, project_id, network_id, cloud_id, created_at, updated_at)
    select id, project_id, id, ${cloudId}, ${now}, ${now} from networks
    where cloud_id is null and id in ${joined(ids)} and not exists (select 1 from segments g where g.network_id = networks.id)`)

/** From now on nothing on these networks is filtered. */
export const unsecure = (db: Database, ids: string[], now: number) =>
  db.run(
    sql`update ${networks} set port_security = false, updated_at = ${now} where port_security and id in ${joined(ids)} and not ${isRouted(sql`networks.id`)}`,
  )

/** Subnets of networks that are not routed, or these subnets. */
const subnetsIn = (ids: string[], subnetIds: string[]): SQL =>
  sql`(segment_id is null and ${anyOf(sql`network_id`, ids)} or ${anyOf(sql`id`, subnetIds)})`

/** Subnets of the networks, or these of those that are routed, are realised in another zone. */
export const zoneElsewhere = (ids: string[], subnetIds: string[], zone: string) =>
  sql`exists (select 1 from subnets where ${subnetsIn(ids, subnetIds)} and zone is not null and zone <> ${zone})`

/** Statement: those that have no zone yet lie in this one. */
export const pinSubnets = (db: Database, ids: string[], subnetIds: string[], zone: string) =>
  db.run(sql`update ${subnets} set zone = ${zone} where zone is null and ${subnetsIn(ids, subnetIds)}`)

/** Routers on the networks come across the line with them. Tokens are made here: how many it takes is not known before. */
export const bindRouters = (db: Database, ids: string[], cloudId: string, epoch: number, now: number) =>
  db.run(sql`insert into bindings (kind, resource_id, cloud_id, scope, project_id, token, epoch, due_at, created_at, updated_at)
    select 'router', id, ${cloudId}, '', project_id, lower(hex(randomblob(16))), ${epoch}, ${now}, ${now}, ${now}
    from ${routers} where id in ${routersOn(ids)}
    on conflict do nothing`)

/** What could not be made before is tried again when somebody needs it again: a look at what failed there, which is little. */
export const reviveFailed = (db: Database, ids: string[], cloudId: string, now: number) =>
  db.run(sql`update bindings set phase = 'intent', token = lower(hex(randomblob(16))), frozen = null, error = null, attempts = 0,
      due_at = ${now}, created_at = ${now}, revision = revision + 1
    where phase = 'failed' and want = 'present' and cloud_id = ${cloudId}
      and kind in ('network', 'subnet', 'security_group', 'port', 'router') and case kind
      when 'network' then resource_id in ${joined(ids)}
      when 'subnet' then exists (select 1 from ${subnets} where id = resource_id and ${anyOf(sql`network_id`, ids)})
      when 'security_group' then ${anyOf(sql`scope`, ids)}
      when 'port' then exists (select 1 from ${ports} where id = resource_id and device_id = '' and ${anyOf(sql`network_id`, ids)})
      else resource_id in ${routersOn(ids)} end`)

/** Bindings of whatever is realised once per network: the groups on it. They go with it. */
export const wantScopeAbsent = (db: Database, networkId: string, now: number) =>
  db.run(sql`update bindings set want = 'absent', revision = revision + 1, due_at = ${now}, attempts = 0, updated_at = ${now}
    where scope <> '' and scope = ${networkId} and phase <> 'gone'`)

/** Zones of a cloud, the emptiest first. */
export const zoneNames = async (db: Database, cloudId: string): Promise<string[]> =>
  (
    await db.all<{ name: string }>(
      sql`select name from zones where cloud_id = ${cloudId} and available order by ifnull(load, 0), position, name`,
    )
  ).map(({ name }) => name)
