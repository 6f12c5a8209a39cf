import { and, asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { policies, policyPlaces } from '../../schema/index.ts'

export type PolicyRow = typeof policies.$inferSelect
/** Where a policy is for: an endpoint, a service, or a service in a region; what is not said is empty. */
export type PolicyPlace = Omit<typeof policyPlaces.$inferSelect, 'policyId'>

interface ById {
  id: string
}
const ofId = prepared((db, { id }: Slots<ById>) => db.select().from(policies).where(eq(policies.id, id)))
/** A policy; null: there is none. */
export const policyById = async (db: Database, id: string): Promise<PolicyRow | null> =>
  (await ofId.run(db, { id }))[0] ?? null

const like = prepared((db, { type }: Slots<{ type: string | undefined }>) =>
  db
    .select()
    .from(policies)
    .where(type && eq(policies.type, type))
    .orderBy(asc(policies.type), asc(policies.id)),
)
/** Policies, by type; what the filter leaves open is not asked. */
export const listPolicies = (db: Database, type: string | undefined) => like.run(db, { type })

/** As SQL, that there is no such policy. */
export const noPolicy = (id: string): SQL => sql`not exists (select 1 from policies where id = ${id})`

/** Statement: a new policy. */
export const insertPolicy = (db: Database, row: PolicyRow) => db.insert(policies).values(row)
/** Statement: changes a policy. */
export const updatePolicy = (db: Database, id: string, set: Partial<PolicyRow>) =>
  db.update(policies).set(set).where(eq(policies.id, id))
/** Statements: a policy goes from wherever it was for. */
export const deletePolicy = (db: Database, id: string) =>
  [
    db.delete(policyPlaces).where(eq(policyPlaces.policyId, id)),
    db.delete(policies).where(eq(policies.id, id)),
  ] as const

const at = ({ endpointId, serviceId, regionId }: PolicyPlace) =>
  and(
    eq(policyPlaces.endpointId, endpointId),
    eq(policyPlaces.serviceId, serviceId),
    eq(policyPlaces.regionId, regionId),
  )

const forPlace = prepared((db, { endpointId, serviceId, regionId }: Slots<PolicyPlace>) =>
  db
    .select(getTableColumns(policies))
    .from(policyPlaces)
    .innerJoin(policies, eq(policies.id, policyPlaces.policyId))
    .where(
      and(
        eq(policyPlaces.endpointId, endpointId),
        eq(policyPlaces.serviceId, serviceId),
        eq(policyPlaces.regionId, regionId),
      ),
    ),
)
/** The policy for just this place; null: none was said. */
export const policyAt = async (db: Database, place: PolicyPlace): Promise<PolicyRow | null> =>
  (await forPlace.run(db, place))[0] ?? null

/** Statement: a policy is for a place from now on, in place of another that was. */
export const putPolicy = (db: Database, policyId: string, place: PolicyPlace) =>
  db
    .insert(policyPlaces)
    .values({ ...place, policyId })
    .onConflictDoUpdate({
      target: [policyPlaces.endpointId, policyPlaces.serviceId, policyPlaces.regionId],
      set: { policyId },
    })

/** Statement: a policy is for a place no more. */
export const takePolicy = (db: Database, policyId: string, place: PolicyPlace) =>
  db.delete(policyPlaces).where(and(at(place), eq(policyPlaces.policyId, policyId)))
