import { eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { networkPlans, subnetPools } from '../../schema/index.ts'

export type NetworkPlanRow = typeof networkPlans.$inferSelect
/** With the prefix of its pool. */
export type NetworkPlanView = NetworkPlanRow & { pool: string | null }

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({
      projectId: networkPlans.projectId,
      routed: networkPlans.routed,
      poolId: networkPlans.poolId,
      prefixLength: networkPlans.prefixLength,
      updatedAt: networkPlans.updatedAt,
      pool: sql<string | null>`${subnetPools.prefixes} ->> '$[0]'`,
    })
    .from(networkPlans)
    .leftJoin(subnetPools, eq(subnetPools.id, networkPlans.poolId))
    .where(eq(networkPlans.projectId, projectId)),
)

/** The network plan of a project; null: it has none. */
export const networkPlanOf = async (db: Database, projectId: string): Promise<NetworkPlanView | null> =>
  (await ofProject.run(db, { projectId }))[0] ?? null

/** Statement: a plan in place of what a project had. */
export const setNetworkPlan = (db: Database, row: NetworkPlanRow) =>
  db.insert(networkPlans).values(row).onConflictDoUpdate({ target: networkPlans.projectId, set: row })

/** Statement: a project has no plan any more. */
export const deleteNetworkPlan = (db: Database, projectId: string) =>
  db.delete(networkPlans).where(eq(networkPlans.projectId, projectId))

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: the plan is not any more as it was read; `updatedAt` null: there was none. */
export const networkPlanMoved = (projectId: string, updatedAt: number | null) =>
  updatedAt === null
    ? sql`exists (select 1 from network_plans where project_id = ${projectId})`
    : sql`not exists (select 1 from network_plans where project_id = ${projectId} and updated_at = ${updatedAt})`

/** Condition of a guard: a project plans its networks from the subnet pool. */
export const poolPlanned = (poolId: string) => sql`exists (select 1 from network_plans where pool_id = ${poolId})`
