import { and, eq, getTableColumns, inArray, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Database } from '../../client.ts'
import { anyOf, both, either } from '../../conditions.ts'
import {
  bindings,
  flavors,
  images,
  keypairs,
  networkPlans,
  networks,
  ports,
  projects,
  securityGroups,
  segments,
  spillUse,
  subnets,
  volumes,
} from '../../schema/index.ts'
import { foundWithin, type Scope, within } from '../../scope.ts'
import type { VolumeZone } from '../block-storage/volume-zones.ts'
import { isPlace } from '../clouds/aggregates.ts'
import { takesServers } from '../clouds/clouds.ts'
import { type Fill, fillColumns, fillJoined } from '../clouds/marks.ts'
import { policyIn, saidIn, saidOfAll, type Terms, termsColumns } from '../clouds/policies.ts'
import { sharedWith } from '../line/sharing.ts'
import type { BurstSpending } from '../money/burst-spending.ts'
import { NOTHING_SPENT, type Spending, spendingOf } from '../money/spending.ts'
import { isExternal, isFoot, isShared } from '../network/network.ts'
import { addressPairs } from '../network/ports.ts'
import { lentTo } from '../network/rbac.ts'
import { candidatesFor, candidatesIn } from './candidates.ts'
import { diskSourceStatements, type SourceImage, type SourceReferences, type SourceSnapshot } from './disk-sources.ts'
import { homeOf } from './home.ts'
import { type GroupPlace, groupForPlacing } from './server-groups.ts'

export type NetworkRow = typeof networks.$inferSelect

/**
 * Clouds that a project may use, with what is said of it there; `readOnly`: nothing is changed there; `named`: `place` (`<cloud>`,
 * `<cloud>.<zone>` or the zone of an aggregate) names it, or zones of it.
 */
const cloudsNamed = (db: Database, projectId: string, place: string | null) =>
  db.all<CloudNamed>(sql`
    select c.id, c.name, c.type, c.region, ${fillColumns}, c.options ->> 'read_only' is true as readOnly,
      iif(c.name = ${place}, null, (select json_group_array(z.name) ${zonesNamed(place)})) as zones,
      (c.name = ${place} or exists (select 1 ${zonesNamed(place)})) as named, ${termsColumns}
    from mappings m join clouds c on c.id = m.cloud_id and ${takesServers} ${fillJoined}
    where m.project_id = ${projectId}`)

const zonesNamed = (place: string | null): SQL =>
  sql`from zones z where z.cloud_id = c.id and ${isPlace({ cloudId: sql`c.id`, cloud: sql`c.name`, zone: sql`z.name` }, place)}`

type CloudNamed = Terms &
  Fill & {
    id: string
    name: string
    type: string
    region: string | null
    readOnly: number
    /** Names of the zones there that are meant, as JSON text; null: all that it has. */
    zones: string | null
    named: number
  }

/** Nobody named the groups of a port: it is in that of its project which comes by itself, and in no other. */
const inDefaultGroupAlone = sql<number>`(select count(*) > 0 and min(g.is_default is not null) from port_security_groups x
  join security_groups g on g.id = x.security_group_id where x.port_id = ports.id)`

/** What a new server refers to, as the user wrote it. */
export interface References {
  /** Milliseconds since 1970. */
  now: number
  projectId: string
  userId: string
  scope: Scope
  flavorId: string
  imageId: string | null
  keyName: string | null
  networkIds: string[]
  /** Also every network that the project could have meant by naming none. */
  anyNetwork: boolean
  portIds: string[]
  /** Names or ids. */
  securityGroups: string[]
  volumeIds: string[]
  /** What disks are made of for it; null: none is. */
  sources: SourceReferences | null
  /** Of a server group; null: none. */
  groupId: string | null
  place: string | null
}

/** A statement that goes along with others, if it still waits to. `settle` throws where what they read does not count. */
interface Along {
  pending: boolean
  statement(db: Database): BatchItem<'sqlite'>
  settle(rows: never): void
}

/**
 * Everything that a new server refers to, in one round trip, and something that is looked at along with it. What is not
 * there, or not the caller's to see, is missing.
 */
export const lookUpReferences = async (db: Database, refs: References, along?: Along) => {
  const { projectId, scope } = refs
  const wayOut = both(
    isExternal,
    sql`${networks.cloudId} in (select cloud_id from mappings where project_id = ${projectId})`,
  )
  const lent = lentTo('network', networks.id, { projectId })
  const mine = either(isShared, within(networks.projectId, scope), lent, wayOut)
  const named = anyOf(networks.id, refs.networkIds)
  const unnamed = both(eq(networks.external, false), either(eq(networks.projectId, projectId), isShared, lent))
  const wanted = both(mine, refs.anyNetwork ? either(named, unnamed) : named)
  const ofPorts = sql`select network_id from ports where ${anyOf(sql`id`, refs.portIds)}`
  const ofNetworks = (networkId: SQLiteColumn): SQL =>
    refs.anyNetwork
      ? sql`${networkId} in (select id from networks where ${unnamed}) or ${anyOf(networkId, refs.networkIds)} or ${networkId} in (${ofPorts})`
      : sql`${anyOf(networkId, refs.networkIds)} or ${networkId} in (${ofPorts})`
  const onSale =
    'every' in scope
      ? sql`(not ${flavors.native} or not ${flavors.retired})`
      : sql`not ${flavors.retired} and (${flavors.native} or ${flavors.isPublic}
          or exists (select 1 from flavor_access a where a.flavor_id = ${flavors.id} and a.project_id = ${projectId}))`
  const look = along?.pending ? along.statement(db) : db.run(sql`select 1 where false`)
  const [
    looked,
    flavor,
    image,
    imageOn,
    nets,
    parts,
    subs,
    feet,
    portRows,
    groups,
    keypair,
    volumeRows,
    candidates,
    clouds,
    home,
    policy,
    grouping,
    ...sources
  ] = await db.batch([
    look,
    db
      .select()
      .from(flavors)
      .where(and(eq(flavors.id, refs.flavorId), onSale)),
    db
      .select()
      .from(images)
      .where(
        and(
          eq(images.id, refs.imageId ?? ''),
          isNull(images.deletedAt),
          either(
            within(images.projectId, scope),
            sql`${images.visibility} in ('public', 'community')`,
            sharedWith(scope),
          ),
        ),
      ),
    db
      .select({ cloudId: bindings.cloudId, scope: bindings.scope })
      .from(bindings)
      .where(and(eq(bindings.resourceId, refs.imageId ?? ''), eq(bindings.kind, 'image'), eq(bindings.phase, 'bound'))),
    db
      .select()
      .from(networks)
      .where(either(wanted, sql`${networks.id} in (${ofPorts})`)),
    db.select().from(segments).where(ofNetworks(segments.networkId)).orderBy(segments.createdAt, segments.id),
    db.select().from(subnets).where(ofNetworks(subnets.networkId)).orderBy(subnets.createdAt, subnets.id),
    db.all<{
      networkId: string
      cloudId: string | null
    }>(sql`select distinct p.network_id as networkId, g.cloud_id as cloudId from ports p
        left join ip_allocations a on a.port_id = p.id left join subnets s on s.id = a.subnet_id left join segments g on g.id = s.segment_id
        where ${isFoot('p')} and (${anyOf(sql`p.network_id`, refs.networkIds)}
          or p.network_id in (${ofPorts})
          ${refs.anyNetwork ? sql`or p.network_id in (select id from networks where ${unnamed})` : sql``})`),
    db
      .select({ ...getTableColumns(ports), addressPairs, plain: inDefaultGroupAlone })
      .from(ports)
      .where(and(anyOf(ports.id, refs.portIds), foundWithin(ports.projectId, scope))),
    db
      .select()
      .from(securityGroups)
      .where(
        and(
          eq(securityGroups.projectId, projectId),
          either(anyOf(securityGroups.id, refs.securityGroups), anyOf(securityGroups.name, refs.securityGroups)),
        ),
      ),
    db
      .select()
      .from(keypairs)
      .where(and(eq(keypairs.userId, refs.userId), eq(keypairs.name, refs.keyName ?? ''))),
    db
      .select({
        ...getTableColumns(volumes),
        cloud: sql<string>`(select name from clouds where id = volumes.cloud_id)`,
        attachment: sql<string | null>`(select id from attachments where volume_id = volumes.id)`,
      })
      .from(volumes)
      .where(and(anyOf(volumes.id, refs.volumeIds), isNull(volumes.deletedAt), foundWithin(volumes.projectId, scope))),
    candidatesFor(db, { now: refs.now, projectId, flavorId: refs.flavorId, place: refs.place }),
    cloudsNamed(db, projectId, refs.place),
    homeOf(db, projectId),
    db
      .select({
        policy: projects.policy,
        ofAll: saidOfAll,
        plan: networkPlans,
        spending: spendingOf(refs.now),
        // D1 gives rows as objects, in which a name is there once.
        spilledServers: sql<number>`coalesce(${spillUse.servers}, 0)`.as('spilled_servers'),
        spilledVcpus: sql<number>`coalesce(${spillUse.vcpus}, 0)`.as('spilled_vcpus'),
      })
      .from(projects)
      .leftJoin(spillUse, eq(spillUse.projectId, projects.id))
      .leftJoin(networkPlans, eq(networkPlans.projectId, projects.id))
      .where(eq(projects.id, projectId)),
    groupForPlacing(db, refs.groupId, projectId),
    // Most servers have no disks made: then nothing is read for them.
    ...((refs.sources ? diskSourceStatements(db, refs, refs.sources) : []) as []),
  ])
  const [imagesMade = [], snapshotsMade = [], volumeZones = []] = sources as unknown as [
    SourceImage[],
    SourceSnapshot[],
    VolumeZone[],
  ]
  if (along?.pending) along.settle(looked as never)
  return {
    /** Whose servers they are. */
    projectId,
    flavor: flavor[0] ?? null,
    image: image[0] ?? null,
    imageClouds: imageOn.map(({ cloudId }) => cloudId),
    /** Clouds that have the image for every project. */
    imageNative: imageOn.filter(({ scope }) => scope === '').map(({ cloudId }) => cloudId),
    /** Clouds that take the image's data once it is converted: in words what that takes, by id. */
    conversions: {} as Record<string, string>,
    /** Clouds that take it in no way: why, by id. */
    untaken: {} as Record<string, string>,
    networks: nets,
    segments: parts,
    subnets: subs,
    /** Nova lets administrators alone put servers on ways out. */
    mayAttachExternal: 'every' in scope,
    /** Networks that a router has an interface on; `cloudId`: on the segment there, where its subnets lie in segments. */
    feet,
    ports: portRows,
    securityGroups: groups,
    keypair: keypair[0] ?? null,
    volumes: volumeRows,
    sources: { images: imagesMade, snapshots: snapshotsMade, zones: volumeZones },
    candidates: candidatesIn(candidates),
    /** Those that the project may use. */
    clouds,
    terms: clouds satisfies Terms[],
    home: home[0] ?? null,
    policy: policy[0] ? policyIn(policy[0]) : null,
    /** Of what that was made. */
    said: saidIn(policy[0]),
    /** What the project spends. */
    spending: (policy[0] ? JSON.parse(policy[0].spending) : NOTHING_SPENT) as Spending,
    /** What the burst may spend, and does, that the servers are to be members of; null: they are not. */
    burst: null as BurstSpending | null,
    /** What it has elsewhere than at home. */
    spilled: { servers: policy[0]?.spilledServers ?? 0, vcpus: policy[0]?.spilledVcpus ?? 0 },
    /** How its networks become routed by themselves. */
    plan: policy[0]?.plan ?? null,
    /** The server group, with where its servers are. */
    group: grouping[0] ? { ...grouping[0], places: JSON.parse(grouping[0].places) as GroupPlace[] } : null,
  }
}
export type Found = Awaited<ReturnType<typeof lookUpReferences>>

/**
 * An image that is there, whoever owns it (who may see it is for the caller to judge), with what a project's servers on a
 * cloud have of it: `here` is null where nobody has asked for it there.
 */
export const imageForServer = async (db: Database, id: string, cloudId: string, projectId: string) => {
  const [[image], [here]] = await db.batch([
    db
      .select()
      .from(images)
      .where(and(eq(images.id, id), isNull(images.deletedAt))),
    db
      .select({ phase: bindings.phase, nativeId: bindings.nativeId, error: bindings.error })
      .from(bindings)
      .where(
        and(
          eq(bindings.resourceId, id),
          eq(bindings.kind, 'image'),
          eq(bindings.cloudId, cloudId),
          inArray(bindings.scope, ['', projectId]),
          ne(bindings.phase, 'gone'),
        ),
      )
      .orderBy(bindings.scope),
  ])
  return { image: image ?? null, here: here ?? null }
}

/** Networks that a project could have meant by naming none: with a subnet, not external, its own or shared. Two at most. */
export const loneNetworks = (db: Database, projectId: string) =>
  db
    .select({ id: networks.id })
    .from(networks)
    .where(
      and(
        eq(networks.external, false),
        either(eq(networks.projectId, projectId), isShared, lentTo('network', networks.id, { projectId })),
        sql`exists (select 1 from subnets where network_id = ${networks.id})`,
      ),
    )
    .limit(2)
