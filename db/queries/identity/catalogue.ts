import { asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  catalogEndpoints,
  catalogRegions,
  catalogServices,
  policies,
  policyPlaces,
  projectEndpoints,
  serviceProviders,
} from '../../schema/index.ts'
import { deleteLimitsOf } from '../limits/limits.ts'

export type RegionRow = typeof catalogRegions.$inferSelect
export type ServiceRow = typeof catalogServices.$inferSelect
type ProviderRow = typeof serviceProviders.$inferSelect
export type EndpointRow = typeof catalogEndpoints.$inferSelect

/** What an operator added to the catalogue. */
export interface OwnCatalogue {
  services: ServiceRow[]
  endpoints: EndpointRow[]
  /** Other clouds, which tokens list beside the catalogue. */
  providers: ProviderRow[]
  /** Whether the catalogue of any project is cut to some endpoints. */
  filtered: boolean
}

interface Nothing {
  form: null
}
/** Each as one column of a query. */
const services = nested(getTableColumns(catalogServices), sql`${catalogServices} r`, sql`r.type, r.id`)
/** The same of endpoints, for queries that need them besides. */
export const endpointsColumn = nested(
  getTableColumns(catalogEndpoints),
  sql`${catalogEndpoints} r`,
  sql`r.service_id, r.id`,
)
const regionsColumn = nested(getTableColumns(catalogRegions), sql`${catalogRegions} r`, sql`r.id`)
const providers = nested(getTableColumns(serviceProviders), sql`${serviceProviders} r`, sql`r.id`)
const places = nested(getTableColumns(policyPlaces), sql`${policyPlaces} r`, sql`r.policy_id`)

const whole = prepared((db, _: Slots<Nothing>) =>
  db
    .select({
      services,
      endpoints: endpointsColumn,
      providers,
      filtered:
        sql`exists (select 1 from project_endpoints limit 1) or exists (select 1 from project_endpoint_groups limit 1)`.mapWith(
          Boolean,
        ),
    })
    .from(sql`(select 1)`),
)
const servicesAlone = prepared((db, _: Slots<Nothing>) =>
  db.select().from(catalogServices).orderBy(asc(catalogServices.type), asc(catalogServices.id)),
)
const endpointsAlone = prepared((db, _: Slots<Nothing>) =>
  db.select().from(catalogEndpoints).orderBy(asc(catalogEndpoints.serviceId), asc(catalogEndpoints.id)),
)
const withPolicies = prepared((db, { policyId }: Slots<{ policyId: string }>) =>
  db
    .select({
      ...{ services, endpoints: endpointsColumn, regions: regionsColumn, places },
      known: sql`exists (select 1 from ${policies} where id = ${policyId})`.mapWith(Boolean),
    })
    .from(sql`(select 1)`),
)
const regions = prepared((db, _: Slots<Nothing>) => db.select().from(catalogRegions).orderBy(asc(catalogRegions.id)))

/** All services, endpoints and other clouds that an operator named. One query. */
export const ownCatalogue = async (db: Database): Promise<OwnCatalogue> => (await whole.run(db, { form: null }))[0]!
/** The services alone, by type. */
export const ownServices = (db: Database): Promise<ServiceRow[]> => servicesAlone.run(db, { form: null })
/** The endpoints alone. */
export const ownEndpoints = (db: Database): Promise<EndpointRow[]> => endpointsAlone.run(db, { form: null })
/** What an operator added to the catalogue, with every place that a policy is for, and whether there is one of this id. One query. */
export const catalogueWithPolicies = async (db: Database, policyId: string) =>
  (await withPolicies.run(db, { policyId }))[0]!
/** The regions that an operator made, by id. */
export const ownRegions = (db: Database): Promise<RegionRow[]> => regions.run(db, { form: null })

/** As SQL, what does not hold while something is written: no operator's service or region of this id is there. */
export const noService = (id: string): SQL => sql`not exists (select 1 from catalog_services where id = ${id})`
export const noRegion = (id: string): SQL => sql`not exists (select 1 from catalog_regions where id = ${id})`
/** An endpoint is in one of these regions, or a region that is not among them is within one. */
export const regionsInUse = (ids: string[]): SQL => {
  const these = sql`(select value from json_each(${JSON.stringify(ids)}))`
  return sql`(exists (select 1 from catalog_endpoints where region_id in ${these})
    or exists (select 1 from registered_limits where region_id in ${these})
    or exists (select 1 from catalog_regions where parent_id in ${these} and id not in ${these}))`
}

/** Statements that make, change and remove what is in the catalogue. */
export const insertService = (db: Database, row: ServiceRow) => db.insert(catalogServices).values(row)
export const updateService = (db: Database, id: string, set: Partial<ServiceRow>) =>
  db.update(catalogServices).set(set).where(eq(catalogServices.id, id))
/** A service goes with its endpoints. */
export const deleteService = (db: Database, id: string) =>
  [
    ...deleteLimitsOf(db, id),
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
