import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { segments } from '../../schema/index.ts'
import { type Scope, withinOrShared } from '../../scope.ts'
import { inSharedNetwork, isFoot, isRouted, physicalNetworkOf } from './network.ts'
import { type Attributes, pagesOf } from './network-listing.ts'

export type SegmentRow = typeof segments.$inferSelect
export type SegmentView = SegmentRow & { physicalNetwork: string | null }

/** As `physicalNetworkOf` tells it; null: its cloud was taken away. */
const physicalNetwork = sql<
  string | null
>`(select ${physicalNetworkOf(sql`c.name`, segments)} from clouds c where c.id = ${segments.cloudId})`

const view = { ...getTableColumns(segments), physicalNetwork }

/** As subnets are seen: by their project, and by all if the network is shared. */
const visible = withinOrShared(segments.projectId, inSharedNetwork(segments.networkId))

export const segmentAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${segments.id}`, seeks: true },
  name: { is: 'text', sql: sql`${segments.name}` },
  description: { is: 'text', sql: sql`${segments.description}` },
  network_id: { is: 'text', sql: sql`${segments.networkId}`, seeks: true },
  network_type: { is: 'text', sql: sql`${segments.networkType}` },
  physical_network: { is: 'text', sql: physicalNetwork },
  segmentation_id: { is: 'number', sql: sql`${segments.segmentationId}` },
  revision_number: { is: 'number', sql: sql`${segments.revision}` },
  created_at: { is: 'time', sql: sql`${segments.createdAt}` },
  updated_at: { is: 'time', sql: sql`${segments.updatedAt}` },
})

/** One page of the segments that a scope sees. */
export const listSegments = pagesOf(segments, segmentAttributes, visible, (db, page) =>
  db
    .select(view)
    .from(segments)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(segments)
    .where(and(eq(segments.id, id), visible(scope))),
)

/** A segment that the scope sees; null: there is none, or its network is another project's and not shared. */
export const segmentById = async (db: Database, scope: Scope, id: string): Promise<SegmentView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Of some networks, in the order in which they were made. */
export const segmentsOf = (db: Database, networkIds: string[]) =>
  db.select().from(segments).where(anyOf(segments.networkId, networkIds)).orderBy(segments.createdAt, segments.id)

/** Statement: a new segment. The cloud of its network follows it. */
export const insertSegment = (db: Database, row: SegmentRow) => db.insert(segments).values(row)

/** Statement: changes a segment, and counts it as a revision that users see. */
export const updateSegment = (
  db: Database,
  id: string,
  set: Partial<Pick<SegmentRow, 'name' | 'description' | 'updatedAt'>>,
) =>
  db
    .update(segments)
    .set({ ...set, revision: sql`${segments.revision} + 1` })
    .where(eq(segments.id, id))

/** Statement: what tells a network from others on a cloud, as that says: a VLAN. Nobody asked for it, so it is no revision. */
export const noteSegmentation = (db: Database, networkId: string, cloudId: string, segmentationId: number) =>
  db.run(sql`update segments set network_type = 'vlan', segmentation_id = ${segmentationId}
    where network_id = ${networkId} and +cloud_id = ${cloudId}`)

/** Statement: a segment is in one zone, under another id. What lies in it is told by who writes this. */
export const placeSegment = (db: Database, id: string, set: Pick<SegmentRow, 'id' | 'zone'>) =>
  db.update(segments).set(set).where(eq(segments.id, id))

/** Statement: takes a segment away. The cloud of its network follows. */
export const deleteSegment = (db: Database, id: string) => db.delete(segments).where(eq(segments.id, id))

/**
 * Statement: what a network has on a cloud on which no segment of it is left is to go. `now` in milliseconds since 1970.
 */
export const leaveCloud = (db: Database, networkId: string, cloudId: string, now: number) =>
  db.run(sql`update bindings set want = 'absent', revision = revision + 1, due_at = ${now}, attempts = 0, updated_at = ${now}
    where +cloud_id = ${cloudId} and phase <> 'gone' and want = 'present' and ((kind = 'network' and resource_id = ${networkId})
      or (+kind = 'security_group' and scope <> '' and scope = ${networkId}))
      and not exists (select 1 from segments where network_id = ${networkId} and +cloud_id = ${cloudId})`)

/** What a segment can be on. `zone` is null where the cloud has told of none. */
export interface Ground {
  cloudId: string
  cloudName: string
  type: string
  zone: string | null
}

/** The clouds that a project is mapped to, once for each of their zones. */
export const groundsOf = (db: Database, projectId: string): Promise<Ground[]> =>
  db.all(sql`select c.id as cloudId, c.name as cloudName, c.type, z.name as zone
    from mappings m join clouds c on c.id = m.cloud_id left join zones z on z.cloud_id = c.id
    where m.project_id = ${projectId} order by c.position, c.name, z.position, z.name`)

/** Clouds on which some port of networks has an address, but for ports of one server, and feet of routers: as the rows `g` of their segments. */
const inhabited = (
  networkIds: string[],
  butServer: string,
): SQL => sql`segments g where ${anyOf(sql`g.network_id`, networkIds)}
  and exists (select 1 from subnets s join ip_allocations a on a.subnet_id = s.id join ports p on p.id = a.port_id
    where s.network_id = g.network_id and ifnull(s.segment_id, g.id) = g.id and p.device_id <> ${butServer} and not ${isFoot('p')})`

/** Where something is on networks, each network with its clouds. `butServer`: what only this server has does not count; '': all does. */
export const cloudsInhabited = (
  db: Database,
  networkIds: string[],
  butServer: string,
): Promise<{ networkId: string; cloudId: string }[]> =>
  db.all(sql`select distinct g.network_id as networkId, g.cloud_id as cloudId from ${inhabited(networkIds, butServer)}`)

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: something is on one of the networks on another cloud than these. */
export const inhabitedBeyond = (networkIds: string[], butServer: string, cloudIds: string[]) =>
  sql`exists (select 1 from ${inhabited(networkIds, butServer)} and not ${anyOf(sql`g.cloud_id`, cloudIds)})`

/** The network has another segment already where this one would be: a place in it would lead to both. */
export const segmentThere = ({ networkId, cloudId, zone }: Pick<SegmentRow, 'networkId' | 'cloudId' | 'zone'>) =>
  sql`exists (select 1 from segments g where g.network_id = ${networkId} and +g.cloud_id = ${cloudId} and ${
    zone === null
      ? sql`true`
      : sql`ifnull(g.zone = ${zone}, not exists (select 1 from subnets s where s.segment_id = g.id and s.zone <> ${zone}))`
  })`

/** Another network lies on the same wire, with the same tag or without one. */
export const wireTaken = ({ cloudId, zone, wire, segmentationId, networkId }: SegmentRow) =>
  sql`exists (select 1 from segments where wire is not null and wire = ${wire} and cloud_id = ${cloudId} and zone is ${zone}
    and segmentation_id is ${segmentationId} and network_id <> ${networkId})`

/** The network has a segment, and subnets that lie in none: a further segment would leave open where they are. */
export const subnetsOpen = (networkId: string) => sql`exists (select 1 from segments where network_id = ${networkId})
  and exists (select 1 from subnets where network_id = ${networkId} and segment_id is null)`

/** A subnet lies in the segment. */
export const segmentHasSubnets = (id: string) => sql`exists (select 1 from subnets where segment_id = ${id})`

/** A network that is not routed has ports, or subnets and is realised on the cloud of its segment; an empty one is let go of. */
export const segmentRealised = ({ networkId, cloudId }: Pick<SegmentRow, 'networkId' | 'cloudId'>) =>
  sql`not ${isRouted(sql`${networkId}`)} and (exists (select 1 from ports where network_id = ${networkId} limit 1)
    or (exists (select 1 from bindings where kind = 'network' and resource_id = ${networkId} and cloud_id = ${cloudId} and phase <> 'gone')
      and exists (select 1 from subnets where network_id = ${networkId})))`

/** Zones of the clouds that a project is mapped to, whoever asks. */
export const zonesOfProject = (db: Database, projectId: string) =>
  db.all<{ cloudId: string; cloudName: string; type: string; zone: string }>(sql`
    select c.id as cloudId, c.name as cloudName, c.type, z.name as zone
    from mappings m join clouds c on c.id = m.cloud_id and c.enabled join zones z on z.cloud_id = c.id
    where m.project_id = ${projectId} order by c.position, c.name, z.position, z.name`)
