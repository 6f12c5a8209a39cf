import { and, asc, eq, getTableColumns, type Placeholder, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  aggregateHosts,
  bindings,
  cloudHosts,
  cloudRooms,
  cloudSteady,
  clouds,
  cloudUse,
  heldRanges,
  mappings,
  networks,
  offers,
  priceBooks,
  prices,
  projects,
  segments,
  templateMappings,
  volumeServices,
  volumeTypes,
  zoneSizes,
  zones,
} from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { forgetCatalogue } from './catalogue.ts'
import { type HostRow, hostsColumn } from './hosts.ts'
import { unlink } from './links.ts'
import { forgetRefused } from './refused-offers.ts'

export type CloudRow = typeof clouds.$inferSelect
export type MappingRow = typeof mappings.$inferSelect

const every = prepared((db) => db.select().from(clouds).orderBy(asc(clouds.position), asc(clouds.name)))

/** Every registered cloud, in the broker's order of preference. */
export const allClouds = (db: Database): Promise<CloudRow[]> => every.run(db, {})

/** A cloud with its machines; none where it does not tell them apart. */
export interface CloudWithHosts {
  cloud: CloudRow
  hosts: HostRow[]
}
const everyWhole = prepared((db) =>
  db.select({ cloud: clouds, hosts: hostsColumn }).from(clouds).orderBy(asc(clouds.position), asc(clouds.name)),
)
const oneWhole = prepared((db, { name }: Slots<{ name: string }>) =>
  db.select({ cloud: clouds, hosts: hostsColumn }).from(clouds).where(eq(clouds.name, name)),
)

/** Every cloud with its machines, in the same order. One query. */
export const cloudsWithHosts = (db: Database): Promise<CloudWithHosts[]> => everyWhole.run(db, {})

/** The one of a name; null: there is none. */
export const cloudWithHosts = async (db: Database, name: string): Promise<CloudWithHosts | null> =>
  (await oneWhole.run(db, { name }))[0] ?? null

const byId = prepared((db, { id }: Slots<{ id: string }>) => db.select().from(clouds).where(eq(clouds.id, id)))

const types = prepared((db) => db.selectDistinct({ type: clouds.type }).from(clouds).orderBy(asc(clouds.type)))

/** The types of all registered clouds, each once. */
export const cloudTypes = async (db: Database): Promise<string[]> => (await types.run(db, {})).map(({ type }) => type)

/** A registered cloud, credentials sealed; null: there is none. */
export const cloudById = async (db: Database, id: string): Promise<CloudRow | null> =>
  (await byId.run(db, { id }))[0] ?? null

const byName = prepared((db, { name }: Slots<{ name: string }>) =>
  db.select().from(clouds).where(eq(clouds.name, name)),
)

/** The cloud of a name, which is unique; null: there is none. */
export const cloudByName = async (db: Database, name: string): Promise<CloudRow | null> =>
  (await byName.run(db, { name }))[0] ?? null

/** A cloud, and as what a project uses it. */
export interface MappedCloud {
  cloud: CloudRow
  mapping: MappingRow['mapping']
}

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ cloud: clouds, mapping: mappings.mapping })
    .from(clouds)
    .innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, projectId)))
    .orderBy(asc(clouds.position), asc(clouds.name)),
)

/** The clouds that the scope's project is mapped to; all of them for `everyProject`, as what nobody in particular uses. */
export const cloudsFor = async (db: Database, scope: Scope): Promise<MappedCloud[]> =>
  'every' in scope
    ? (await allClouds(db)).map((cloud) => ({ cloud, mapping: {} }))
    : ofProject.run(db, { projectId: scope.projectId })

/** The different ways in which projects are mapped to a cloud. */
export const mappingsTo = async (db: Database, cloudId: string): Promise<MappingRow['mapping'][]> =>
  (await db.selectDistinct({ mapping: mappings.mapping }).from(mappings).where(eq(mappings.cloudId, cloudId))).map(
    ({ mapping }) => mapping,
  )

const seen = prepared((db, { scope }: Slots<{ scope: Scope }>) => {
  const { id, name, enabled, placing, placingReason, breakerOpenUntil, seenAt } = getTableColumns(clouds)
  const shown = { id, name, enabled, placing, placingReason, breakerOpenUntil, seenAt, hosts: hostsColumn }
  const query = db.select(shown).from(clouds).$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query.orderBy(asc(clouds.position), asc(clouds.name))
})

/** Whether each of the same clouds answers, and its machines: nothing of how it is connected. */
export const cloudsSeen = (db: Database, scope: Scope) => seen.run(db, { scope })
export type CloudSeen = Awaited<ReturnType<typeof cloudsSeen>>[number]

const withMapping = prepared((db, { cloudId, projectId }: Slots<{ cloudId: string; projectId: string }>) =>
  db
    .select({ cloud: clouds, mapping: mappings.mapping })
    .from(clouds)
    .leftJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, projectId)))
    .where(eq(clouds.id, cloudId)),
)

/** A cloud with the project's mapping to it (null: none), in one query; null: no such cloud. */
export const cloudWithMapping = async (
  db: Database,
  cloudId: string,
  projectId: string,
): Promise<{ cloud: CloudRow; mapping: MappingRow['mapping'] | null } | null> =>
  (await withMapping.run(db, { cloudId, projectId }))[0] ?? null

const one = prepared((db, { projectId, cloudId }: Slots<{ projectId: string; cloudId: string }>) =>
  db
    .select()
    .from(mappings)
    .where(and(eq(mappings.projectId, projectId), eq(mappings.cloudId, cloudId))),
)

/** As what a project uses a cloud; null: it has no access. */
export const mappingOf = async (db: Database, projectId: string, cloudId: string): Promise<MappingRow | null> =>
  (await one.run(db, { projectId, cloudId }))[0] ?? null

const byCloudName = prepared((db, { projectId, name }: Slots<{ projectId: string; name: string }>) =>
  db
    .select({ mapping: mappings.mapping, createdAt: mappings.createdAt })
    .from(clouds)
    .leftJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, projectId)))
    .where(eq(clouds.name, name)),
)

/** As what a project uses the cloud of a name: null where it has no access; undefined: there is no such cloud. */
export const mappingNamed = async (
  db: Database,
  projectId: string,
  name: string,
): Promise<Pick<MappingRow, 'mapping' | 'createdAt'> | null | undefined> => {
  const [row] = await byCloudName.run(db, { projectId, name })
  return row && (row.mapping === null ? null : { mapping: row.mapping, createdAt: row.createdAt! })
}

const namedOf = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ name: clouds.name, mapping: mappings.mapping, createdAt: mappings.createdAt })
    .from(projects)
    .leftJoin(mappings, eq(mappings.projectId, projects.id))
    .leftJoin(clouds, eq(clouds.id, mappings.cloudId))
    .where(eq(projects.id, projectId))
    .orderBy(asc(clouds.position), asc(clouds.name)),
)

/** Mappings of one project with the names of their clouds; null: there is no such project. */
export const mappingsOf = async (db: Database, projectId: string) => {
  const rows = await namedOf.run(db, { projectId })
  const mapped = rows.flatMap(({ name, mapping, createdAt }) =>
    name === null || mapping === null ? [] : [{ name, mapping, createdAt: createdAt! }],
  )
  return rows.length ? mapped : null
}

/** Condition on `clouds c`: servers are placed there. */
export const takesServers = sql`c.enabled and c.placing`

/** Statement: registers a cloud. A name that is taken breaks its unique index. */
export const insertCloud = (db: Database, row: typeof clouds.$inferInsert) => db.insert(clouds).values(row)

/** Statement: changes a cloud. */
export const updateCloud = (db: Database, id: string, set: Partial<CloudRow>) =>
  db.update(clouds).set(set).where(eq(clouds.id, id))

/** Everything that the broker knows about a cloud, as statements for one batch. Its images become unreadable with it. */
export const deleteCloud = (db: Database, id: string) =>
  [
    db.delete(mappings).where(eq(mappings.cloudId, id)),
    db.delete(templateMappings).where(eq(templateMappings.cloudId, id)),
    db.delete(zones).where(eq(zones.cloudId, id)),
    db.delete(volumeServices).where(eq(volumeServices.cloudId, id)),
    db.delete(cloudHosts).where(eq(cloudHosts.cloudId, id)),
    db.delete(aggregateHosts).where(eq(aggregateHosts.cloudId, id)),
    db.delete(cloudRooms).where(eq(cloudRooms.cloudId, id)),
    db.delete(cloudUse).where(eq(cloudUse.cloudId, id)),
    db.delete(cloudSteady).where(eq(cloudSteady.cloudId, id)),
    db.run(sql`delete from passed_homes where cloud_id = ${id}`),
    db.delete(offers).where(eq(offers.cloudId, id)),
    db.delete(zoneSizes).where(eq(zoneSizes.cloudId, id)),
    db.delete(prices).where(eq(prices.cloudId, id)),
    db.delete(priceBooks).where(eq(priceBooks.cloudId, id)),
    db.delete(volumeTypes).where(eq(volumeTypes.cloudId, id)),
    db.delete(heldRanges).where(eq(heldRanges.cloudId, id)),
    forgetRefused(db, id),
    ...forgetCatalogue(db, id),
    db.delete(bindings).where(eq(bindings.cloudId, id)),
    db.run(sql`update flavors set retired = 1 where native and not retired and name not in (select name from offers)`),
    db.delete(networks).where(and(eq(networks.cloudId, id), sql`${networks.external} = 1`, eq(networks.projectId, ''))),
    db.delete(segments).where(eq(segments.cloudId, id)),
    unlink(db, id),
    db.delete(clouds).where(eq(clouds.id, id)),
  ] as const

/** True (as SQL) while something of a project lives on the cloud, so that the cloud or the mapping must stay. The catalogue is nobody's. */
export const holdsBindings = (cloudId: string, projectId?: string) => sql`exists (select 1 from bindings b
  where b.cloud_id = ${cloudId} and b.phase <> 'gone'
  and not (b.kind = 'image' and b.project_id = '')
  ${projectId === undefined ? sql`` : sql`and b.project_id = ${projectId}`})`

/** True (as SQL) while anything above the line depends on the cloud: bindings, rows placed there, a way out through it. */
export const holdsAnything = (cloudId: string) => sql`(${holdsBindings(cloudId)}
  or exists (select 1 from servers where cloud_id = ${cloudId} and deleted_at is null)
  or exists (select 1 from volumes where cloud_id = ${cloudId} and deleted_at is null)
  or exists (select 1 from segments g join subnets s on s.segment_id = g.id where g.cloud_id = ${cloudId})
  or exists (select 1 from networks where cloud_id = ${cloudId} and external = 1 and project_id <> '')
  or exists (select 1 from networks n join routers r on r.external_network_id = n.id where n.cloud_id = ${cloudId})
  or exists (select 1 from networks n join floating_ips f on f.floating_network_id = n.id where n.cloud_id = ${cloudId}))`

/** True (as SQL) when somebody else changed the cloud's credentials, or removed it, since they were read. */
export const cloudMoved = (id: string, credentialsVersion: number) =>
  sql`not exists (select 1 from clouds where id = ${id} and credentials_version = ${credentialsVersion})`

/** Statement: a project uses a cloud as this, whatever it was before; what it has there is to be listed. */
export const upsertMapping = (db: Database, row: MappingRow) =>
  db
    .insert(mappings)
    .values(row)
    .onConflictDoUpdate({
      target: [mappings.projectId, mappings.cloudId],
      set: { mapping: row.mapping, listedAt: null },
    })

/** Statement: a project has no access to a cloud any more. */
export const deleteMapping = (db: Database, projectId: string, cloudId: string) =>
  db.delete(mappings).where(and(eq(mappings.projectId, projectId), eq(mappings.cloudId, cloudId)))

interface BindingFilter {
  resourceId?: string | undefined
  /** Name of the cloud. */
  cloud?: string | undefined
  kind?: string | undefined
  after: number
  limit: number
}

const piece = prepared((db, { resourceId, cloud, kind, after, limit }: Slots<BindingFilter>) =>
  db
    .select({ binding: bindings, cloud: clouds.name, row: sql<number>`bindings.rowid` })
    .from(bindings)
    .innerJoin(clouds, eq(clouds.id, bindings.cloudId))
    .where(
      and(
        sql`bindings.rowid > ${after}`,
        resourceId && eq(bindings.resourceId, resourceId),
        cloud && isCloud(bindings.cloudId, cloud),
        kind && sql`${bindings.kind} = ${kind}`,
      ),
    )
    .orderBy(sql`bindings.rowid`)
    .limit(limit),
)

/** Condition: a column holds the id of the cloud of that name. */
export const isCloud = (column: SQLiteColumn, name: Placeholder) =>
  sql`${column} = (select id from clouds where name = ${name})`

/** Bindings in the order in which they were made, after the row `after`. */
export const bindingsFor = (db: Database, filter: BindingFilter) => piece.run(db, filter)

/** The breaker after a failure: the third in a row opens it for 5 s, each further one for twice as long, 5 min at most. */
export const countFailure = (db: Database, id: string, message: string, now: number) =>
  db.run(sql`update clouds set failures = failures + 1, last_error = ${message},
    closed_until = case when failures < 2 then 0 else ${now} + min(300000, 5000 << min(failures - 2, 6)) end where id = ${id}`)

/** The breaker after an answer; writes nothing when nothing is new. `seen_at` is exact to a minute. */
export const countSuccess = (db: Database, id: string, now: number) =>
  succeeding.run(db, { id, now, before: now - 60_000 })

const succeeding = prepared((db, { id, now, before }: Slots<{ id: string; now: number; before: number }>) =>
  db
    .update(clouds)
    .set({ failures: 0, breakerOpenUntil: 0, lastError: null, seenAt: sql`${now}` })
    .where(sql`id = ${id} and (failures > 0 or last_error is not null or seen_at is null or seen_at < ${before})`),
)
