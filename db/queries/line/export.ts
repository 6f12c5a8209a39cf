import { and, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  addressScopes,
  bindings,
  cloudLinks,
  clouds,
  images,
  keypairs,
  mappings,
  networkPlans,
  projects,
  projectTemplates,
  segments,
  subnetPools,
} from '../../schema/index.ts'
import { isCloud } from '../clouds/clouds.ts'
import { filtersSaid } from '../clouds/policies.ts'
import { physicalNetworkOf } from '../network/network.ts'

/*
 * What is managed here, a piece at a time, in the order of the rows of a table: `after` is the number of the last row of the
 * piece before, and each row comes with its own.
 */

/** So many rows, after that one. */
export interface Piece {
  after: number
  limit: number
}

export interface ExportFilter extends Piece {
  /** Name of the cloud. */
  cloud?: string | undefined
  kind?: string | undefined
  projectId?: string | undefined
}

const exporting = prepared((db, { cloud, kind, projectId, after, limit }: Slots<ExportFilter>) =>
  db
    .select({ binding: bindings, cloud: clouds.name, user: keypairs.userId, row: sql<number>`bindings.rowid` })
    .from(bindings)
    .innerJoin(clouds, eq(clouds.id, bindings.cloudId))
    .leftJoin(keypairs, and(sql`${bindings.kind} = 'keypair'`, eq(keypairs.id, bindings.resourceId)))
    .where(
      and(
        sql`bindings.rowid > ${after}`,
        sql`${bindings.nativeId} is not null and ${bindings.phase} in ('bound', 'deleting')
          and not (${bindings.kind} = 'image' and ${bindings.projectId} = '')`,
        cloud && isCloud(bindings.cloudId, cloud),
        kind && sql`${bindings.kind} = ${kind}`,
        projectId && eq(bindings.projectId, projectId),
      ),
    )
    .orderBy(sql`bindings.rowid`)
    .limit(limit),
)

/** Everything that an object of a cloud stands for, in the order in which it was bound. A cloud's own catalogue is nobody's. */
export const exportPage = (db: Database, filter: ExportFilter) => exporting.run(db, filter)

/** The rows of a piece; `of`: a table as SQL names it. */
const piece = (of: SQL, { after }: { after: Placeholder }): SQL => sql`${of}.rowid > ${after}`

const scopes = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({ ...getTableColumns(addressScopes), row: sql<number>`address_scopes.rowid` })
    .from(addressScopes)
    .where(piece(sql`address_scopes`, { after }))
    .orderBy(sql`address_scopes.rowid`)
    .limit(limit),
)

/** Address scopes of all projects. */
export const exportedScopes = (db: Database, of: Piece) => scopes.run(db, of)

const pools = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({ ...getTableColumns(subnetPools), row: sql<number>`subnet_pools.rowid` })
    .from(subnetPools)
    .where(piece(sql`subnet_pools`, { after }))
    .orderBy(sql`subnet_pools.rowid`)
    .limit(limit),
)

/** Subnet pools of all projects. */
export const exportedPools = (db: Database, of: Piece) => pools.run(db, of)

/** What stands for a thing on a cloud, as SQL; null: nothing. */
const nativeOf = (kind: 'network' | 'subnet', id: SQL, cloud: SQL): SQL<string | null> =>
  sql`(select b.native_id from bindings b where b.kind = ${sql.raw(`'${kind}'`)} and b.resource_id = ${id}
    and b.cloud_id = ${cloud} and b.scope = '' and b.phase in ('bound', 'deleting'))`

/** A subnet of a segment; `native_id` null: its cloud has not made it. */
interface ExportedRange {
  id: string
  name: string
  cidr: string
  gateway_ip: string | null
  subnetpool_id: string | null
  zone: string | null
  native_id: string | null
}

const parts = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({
      ...getTableColumns(segments),
      row: sql<number>`segments.rowid`,
      physicalNetwork: sql<string>`${physicalNetworkOf(sql`${clouds.name}`, segments)}`,
      nativeNetwork: nativeOf('network', sql`segments.network_id`, sql`segments.cloud_id`),
      ranges: sql<ExportedRange[]>`(select json_group_array(json_object('id', s.id, 'name', s.name, 'cidr', s.cidr,
          'gateway_ip', s.gateway_ip, 'subnetpool_id', s.subnetpool_id, 'zone', s.zone,
          'native_id', ${nativeOf('subnet', sql`s.id`, sql`segments.cloud_id`)}) order by s.created_at, s.id)
        from subnets s where s.network_id = segments.network_id and ifnull(s.segment_id, segments.id) = segments.id)`.mapWith(
        JSON.parse,
      ),
    })
    .from(segments)
    .innerJoin(clouds, eq(clouds.id, segments.cloudId))
    .where(and(piece(sql`segments`, { after }), sql`${segments.projectId} <> ''`))
    .orderBy(sql`segments.rowid`)
    .limit(limit),
)

/** Segments of all projects with their ranges, and which network of their cloud they are. Ways out of clouds are nobody's. */
export const exportedSegments = (db: Database, of: Piece) => parts.run(db, of)

const wires = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({
      row: sql<number>`cloud_links.rowid`,
      one: clouds.name,
      other: sql<string>`(select o.name from clouds o where o.id = ${cloudLinks.other})`,
      reach: cloudLinks.reach,
    })
    .from(cloudLinks)
    .innerJoin(clouds, eq(clouds.id, cloudLinks.one))
    .where(piece(sql`cloud_links`, { after }))
    .orderBy(sql`cloud_links.rowid`)
    .limit(limit),
)

/** What operators said of the wiring of clouds. */
export const exportedLinks = (db: Database, of: Piece) => wires.run(db, of)

const plans = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({
      ...getTableColumns(networkPlans),
      row: sql<number>`network_plans.rowid`,
      pool: sql<string | null>`${subnetPools.prefixes} ->> '$[0]'`,
    })
    .from(networkPlans)
    .leftJoin(subnetPools, eq(subnetPools.id, networkPlans.poolId))
    .where(piece(sql`network_plans`, { after }))
    .orderBy(sql`network_plans.rowid`)
    .limit(limit),
)

/** The network plans of all projects. */
export const exportedPlans = (db: Database, of: Piece) => plans.run(db, of)

const mapped = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({
      row: sql<number>`mappings.rowid`,
      projectId: mappings.projectId,
      cloud: clouds.name,
      mapping: mappings.mapping,
      filters: filtersSaid(sql`mappings.mapping`, sql`${clouds.options}`),
    })
    .from(mappings)
    .innerJoin(clouds, eq(clouds.id, mappings.cloudId))
    .where(piece(sql`mappings`, { after }))
    .orderBy(sql`mappings.rowid`)
    .limit(limit),
)

/** As whom projects use clouds, and what was said of security groups there. */
export const exportedMappings = (db: Database, of: Piece) => mapped.run(db, of)

const templates = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({
      row: sql<number>`project_templates.rowid`,
      domainId: projectTemplates.domainId,
      clouds: sql`(select json_group_object(c.name, json(m.mapping)) from template_mappings m
        join clouds c on c.id = m.cloud_id where m.domain_id = project_templates.domain_id)`.mapWith(
        (text: string): Record<string, Record<string, Json>> => JSON.parse(text),
      ),
      quotas: projectTemplates.quotas,
      policy: projectTemplates.policy,
      mostProjects: projectTemplates.mostProjects,
    })
    .from(projectTemplates)
    .where(piece(sql`project_templates`, { after }))
    .orderBy(sql`project_templates.rowid`)
    .limit(limit),
)

/** What new projects of domains begin with. */
export const exportedTemplates = (db: Database, of: Piece) => templates.run(db, of)

const decreed = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({ row: sql<number>`projects.rowid`, projectId: projects.id, policy: projects.policy })
    .from(projects)
    .where(and(piece(sql`projects`, { after }), sql`${projects.policy} is not null`))
    .orderBy(sql`projects.rowid`)
    .limit(limit),
)

/** What was said of the placement of single projects. */
export const exportedPolicies = (db: Database, of: Piece) => decreed.run(db, of)

/** Copies that an operator named, of the image of a row. */
const namedCopies = sql`bindings b join clouds c on c.id = b.cloud_id
  where b.kind = 'image' and b.resource_id = images.id and b.named and b.phase = 'bound'`

const copies = prepared((db, { after, limit }: Slots<Piece>) =>
  db
    .select({
      row: sql<number>`images.rowid`,
      imageId: images.id,
      name: images.name,
      copies: sql<{ cloud: string; native_id: string }[]>`(select json_group_array(
        json_object('cloud', c.name, 'native_id', b.native_id) order by c.name) from ${namedCopies})`.mapWith(
        JSON.parse,
      ),
    })
    .from(images)
    .where(
      and(piece(sql`images`, { after }), sql`${images.deletedAt} is null`, sql`exists (select 1 from ${namedCopies})`),
    )
    .orderBy(sql`images.rowid`)
    .limit(limit),
)

/** Images of which an operator said what they are on a cloud. */
export const exportedCopies = (db: Database, of: Piece) => copies.run(db, of)
