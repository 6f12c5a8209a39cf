import { eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { cloudLinks, clouds, networkPlans, projects, subnetPools } from '../../schema/index.ts'
import type { LinkedCloud } from '../clouds/links.ts'

export type NetworkPlanRow = typeof networkPlans.$inferSelect
/** With the prefix of its pool. */
export type NetworkPlanView = NetworkPlanRow & { pool: string | null }

const pool = sql<string | null>`${subnetPools.prefixes} ->> '$[0]'`

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ ...getTableColumns(networkPlans), pool })
    .from(networkPlans)
    .leftJoin(subnetPools, eq(subnetPools.id, networkPlans.poolId))
    .where(eq(networkPlans.projectId, projectId)),
)

/** The network plan of a project; null: it has none. */
export const networkPlanOf = async (db: Database, projectId: string): Promise<NetworkPlanView | null> =>
  (await ofProject.run(db, { projectId }))[0] ?? null

const shown = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({
      plan: networkPlans,
      pool,
      clouds: nested(
        { id: clouds.id, name: clouds.name, type: clouds.type },
        sql`mappings m join clouds r on r.id = m.cloud_id where m.project_id = ${projects.id}`,
        sql`r.name`,
      ),
      links: nested(
        getTableColumns(cloudLinks),
        sql`mappings m join cloud_links r on r.one = m.cloud_id where m.project_id = ${projects.id}`,
        sql`r.one, r.other`,
      ),
    })
    .from(projects)
    .leftJoin(networkPlans, eq(networkPlans.projectId, projects.id))
    .leftJoin(subnetPools, eq(subnetPools.id, networkPlans.poolId))
    .where(eq(projects.id, projectId)),
)

/** The plan of a project, if it has one, and its clouds with what leads from one to the other; null: no such project. One query. */
export const networkPlanShown = async (
  db: Database,
  projectId: string,
): Promise<{ plan: NetworkPlanView | null; clouds: (LinkedCloud & { type: string })[] } | null> => {
  const [row] = await shown.run(db, { projectId })
  if (!row) return null
  const { plan, pool, clouds, links } = row
  return {
    plan: plan && { ...plan, pool },
    clouds: clouds.map((cloud) => ({ ...cloud, links: links.filter(({ one }) => one === cloud.id) })),
  }
}

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
