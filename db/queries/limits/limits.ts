import { and, asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { limits, registeredLimits } from '../../schema/index.ts'

/* Keystone's unified limits: what each project has of a resource of a service, and what one has in its place. */

export type RegisteredRow = typeof registeredLimits.$inferSelect
export type LimitRow = typeof limits.$inferSelect
/** What a limit is of. */
export interface Resource {
  serviceId: string
  /** Empty: in every region. */
  regionId: string
  resourceName: string
}
/** A limit with what it is of. */
export type ListedLimit = LimitRow & Resource
/** What a list is cut to; undefined: not asked for. */
export type ResourceFilter = { [K in keyof Resource]: Resource[K] | undefined }

const registered = prepared((db, { id }: Slots<{ id: string }>) =>
  db.select().from(registeredLimits).where(eq(registeredLimits.id, id)),
)
/** A registered limit; null: there is none. */
export const registeredById = async (db: Database, id: string): Promise<RegisteredRow | null> =>
  (await registered.run(db, { id }))[0] ?? null

const like = ({ serviceId, regionId, resourceName }: Slots<ResourceFilter>) =>
  and(
    serviceId && eq(registeredLimits.serviceId, serviceId),
    regionId && eq(registeredLimits.regionId, regionId),
    resourceName && eq(registeredLimits.resourceName, resourceName),
  )
const everyRegistered = prepared((db, filter: Slots<ResourceFilter>) =>
  db
    .select()
    .from(registeredLimits)
    .where(like(filter))
    .orderBy(asc(registeredLimits.serviceId), asc(registeredLimits.regionId), asc(registeredLimits.resourceName)),
)
/** Registered limits, by service, region and name. */
export const listRegistered = (db: Database, filter: ResourceFilter): Promise<RegisteredRow[]> =>
  everyRegistered.run(db, filter)

const columns = {
  ...getTableColumns(limits),
  ...{ serviceId: registeredLimits.serviceId, regionId: registeredLimits.regionId },
  resourceName: registeredLimits.resourceName,
}
const withResource = sql`${registeredLimits.id} = ${limits.registeredId}`
const limit = prepared((db, { id }: Slots<{ id: string }>) =>
  db.select(columns).from(limits).innerJoin(registeredLimits, withResource).where(eq(limits.id, id)),
)
/** A limit; null: there is none. */
export const limitById = async (db: Database, id: string): Promise<ListedLimit | null> =>
  (await limit.run(db, { id }))[0] ?? null

export interface LimitFilter extends ResourceFilter {
  projectId: string | undefined
  domainId: string | undefined
  /** Of this domain, or of a project in it. */
  withinId: string | undefined
  most: number
}
const everyLimit = prepared((db, { projectId, domainId, withinId, most, ...resource }: Slots<LimitFilter>) =>
  db
    .select(columns)
    .from(limits)
    .innerJoin(registeredLimits, withResource)
    .where(
      and(
        projectId && eq(limits.projectId, projectId),
        domainId && eq(limits.domainId, domainId),
        withinId &&
          sql`(${limits.domainId} = ${withinId} or ${limits.projectId} in (select id from projects where domain_id = ${withinId}))`,
        like(resource as Slots<ResourceFilter>),
      ),
    )
    // What is asked for by nothing begins from what is registered, of which there is little.
    .orderBy(
      ...(projectId || domainId || withinId || like(resource as Slots<ResourceFilter>)
        ? []
        : [asc(registeredLimits.id), asc(limits.projectId), asc(limits.domainId)]),
    )
    .limit(most),
)
/** Limits, the first `most` of them. */
export const listLimits = (db: Database, filter: LimitFilter): Promise<ListedLimit[]> => everyLimit.run(db, filter)

/** As SQL, that there is no such registered limit. */
export const noRegistered = (id: string): SQL => sql`not exists (select 1 from registered_limits where id = ${id})`
/** As SQL, that some project or domain has a limit in the place of a registered one. */
export const isReplaced = (id: string): SQL => sql`exists (select 1 from limits where registered_id = ${id})`

/** Statement: a new registered limit. */
export const insertRegistered = (db: Database, row: RegisteredRow) => db.insert(registeredLimits).values(row)
/** Statement: changes one. */
export const updateRegistered = (db: Database, row: RegisteredRow) =>
  db.update(registeredLimits).set(row).where(eq(registeredLimits.id, row.id))
/** Statement: one goes. */
export const deleteRegistered = (db: Database, id: string) =>
  db.delete(registeredLimits).where(eq(registeredLimits.id, id))
/** Statements: what is registered of a service goes, with what is in its place. */
export const deleteLimitsOf = (db: Database, serviceId: string) =>
  [
    db.run(
      sql`delete from limits where registered_id in (select id from registered_limits where service_id = ${serviceId})`,
    ),
    db.run(sql`delete from registered_limits where service_id = ${serviceId}`),
  ] as const
/** Statement: a new limit. */
export const insertLimit = (db: Database, row: LimitRow) => db.insert(limits).values(row)
/** Statement: changes one. */
export const updateLimit = (db: Database, id: string, set: Pick<LimitRow, 'resourceLimit' | 'description'>) =>
  db.update(limits).set(set).where(eq(limits.id, id))
/** Statement: one goes. */
export const deleteLimit = (db: Database, id: string) => db.delete(limits).where(eq(limits.id, id))
/** Statement: the limits of a project go. */
export const deleteLimitsFor = (db: Database, projectId: string) =>
  db.run(sql`delete from limits where project_id = ${projectId}`)
