import { asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  catalogEndpoints,
  catalogRegions,
  catalogServices,
  policyPlaces,
  projectEndpoints,
} from '../../schema/index.ts'

export type RegionRow = typeof catalogRegions.$inferSelect
export type ServiceRow = typeof catalogServices.$inferSelect
export type EndpointRow = typeof catalogEndpoints.$inferSelect

/** What an operator added to the catalogue. */
export interface OwnCatalogue {
  services: ServiceRow[]
  endpoints: EndpointRow[]
  /** Whether the catalogue of any project is cut to some endpoints. */
  filtered: boolean
}

interface Nothing {
  form: null
}
const services = prepared((db, _: Slots<Nothing>) =>
  db.select().from(catalogServices).orderBy(asc(catalogServices.type), asc(catalogServices.id)),
)
const endpoints = prepared((db, _: Slots<Nothing>) =>
  db.select().from(catalogEndpoints).orderBy(asc(catalogEndpoints.serviceId), asc(catalogEndpoints.id)),
)
const anyFiltered = prepared((db, _: Slots<Nothing>) =>
  db
    .select({
      any: sql<number>`exists (select 1 from project_endpoints limit 1) or exists (select 1 from project_endpoint_groups limit 1)`,
    })
    .from(sql`(select 1)`),
)
const regions = prepared((db, _: Slots<Nothing>) => db.select().from(catalogRegions).orderBy(asc(catalogRegions.id)))

/** All services and endpoints that an operator made. One round trip. */
export const ownCatalogue = async (db: Database): Promise<OwnCatalogue> => {
  const form = { form: null }
  const [made, at, [cut]] = await db.batch([
    services.statement(db, form),
    endpoints.statement(db, form),
    anyFiltered.statement(db, form),
  ])
  return { services: made, endpoints: at, filtered: cut?.any === 1 }
}
/** The regions that an operator made, by id. */
export const ownRegions = (db: Database): Promise<RegionRow[]> => regions.run(db, { form: null })

/** As SQL, what does not hold while something is written: no operator's service or region of this id is there. */
export const noService = (id: string): SQL => sql`not exists (select 1 from catalog_services where id = ${id})`
export const noRegion = (id: string): SQL => sql`not exists (select 1 from catalog_regions where id = ${id})`
/** An endpoint is in one of these regions, or a region that is not among them is within one. */
export const regionsInUse = (ids: string[]): SQL => {
  const these = sql`(select value from json_each(${JSON.stringify(ids)}))`
  return sql`(exists (select 1 from catalog_endpoints where region_id in ${these})
    or exists (select 1 from catalog_regions where parent_id in ${these} and id not in ${these}))`
}

/** Statements that make, change and remove what is in the catalogue. */
export const insertService = (db: Database, row: ServiceRow) => db.insert(catalogServices).values(row)
export const updateService = (db: Database, id: string, set: Partial<ServiceRow>) =>
  db.update(catalogServices).set(set).where(eq(catalogServices.id, id))
/** A service goes with its endpoints. */
export const deleteService = (db: Database, id: string) =>
  [
    db.delete(policyPlaces).where(eq(policyPlaces.serviceId, id)),
    db.run(
      sql`delete from policy_places where endpoint_id in (select id from catalog_endpoints where service_id = ${id})`,
    ),
    db.run(sql`delete from project_endpoints where endpoint_id in
      (select id from catalog_endpoints where service_id = ${id})`),
    db.delete(catalogEndpoints).where(eq(catalogEndpoints.serviceId, id)),
    db.delete(catalogServices).where(eq(catalogServices.id, id)),
  ] as const
export const insertEndpoint = (db: Database, row: EndpointRow) => db.insert(catalogEndpoints).values(row)
export const updateEndpoint = (db: Database, id: string, set: Partial<EndpointRow>) =>
  db.update(catalogEndpoints).set(set).where(eq(catalogEndpoints.id, id))
/** An endpoint goes from the projects that have it by itself. */
export const deleteEndpoint = (db: Database, id: string) =>
  [
    db.delete(policyPlaces).where(eq(policyPlaces.endpointId, id)),
    db.delete(projectEndpoints).where(eq(projectEndpoints.endpointId, id)),
    db.delete(catalogEndpoints).where(eq(catalogEndpoints.id, id)),
  ] as const
export const insertRegion = (db: Database, row: RegionRow) => db.insert(catalogRegions).values(row)
/** Nothing if it is there already. */
export const ensureRegion = (db: Database, id: string) => db.insert(catalogRegions).values({ id }).onConflictDoNothing()
export const updateRegion = (db: Database, id: string, set: Partial<RegionRow>) =>
  db.update(catalogRegions).set(set).where(eq(catalogRegions.id, id))
export const deleteRegions = (db: Database, ids: string[]) =>
  ids.flatMap((id) => [
    db.delete(policyPlaces).where(eq(policyPlaces.regionId, id)),
    db.delete(catalogRegions).where(eq(catalogRegions.id, id)),
  ])
