import { eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { autoTopologies, networks, subnetPools } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { isFoot, visible as seesNetwork } from './network.ts'
import { visible as seesPool } from './subnet-pools.ts'

/** Begins from the ways out, which are few, and not from what the project has. */
const way = (scope: Scope<string | Placeholder>): SQL<boolean> =>
  sql<boolean>`exists (select 1 from ${networks} where ${networks.id} in (select id from ${networks}
    where external = 1 and is_default = true) and ${seesNetwork(scope)})`.mapWith(Boolean)

/** One of each family at most is a default. */
const pool = (scope: Scope<string | Placeholder>): SQL<boolean> =>
  sql<boolean>`exists (select 1 from ${subnetPools} where ${subnetPools.isDefault} = 1 and ${seesPool(scope)})`.mapWith(
    Boolean,
  )

/** Id of the external network that is the default; null: none is. */
export const defaultWayOut = async (db: Database): Promise<string | null> =>
  (
    await db.get<{ id: string } | undefined>(
      sql`select id from networks where external = 1 and is_default = true order by created_at, id limit 1`,
    )
  )?.id ?? null

const found = prepared((db, { scope }: Slots<{ scope: Scope }>) =>
  db.select({ way: way(scope), pool: pool(scope) }).from(sql`(select 1)`),
)

/** Whether a project has what a network could be made of by itself: a default way out, a default subnet pool. One query. */
export const allocatableFrom = async (db: Database, projectId: string): Promise<{ way: boolean; pool: boolean }> =>
  (await found.run(db, { scope: { projectId } }))[0]!

export type AutoTopology = typeof autoTopologies.$inferSelect

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db.select().from(autoTopologies).where(eq(autoTopologies.projectId, projectId)),
)

/** What was made for a project by itself; null: nothing, or it is gone. */
export const autoTopologyOf = async (db: Database, projectId: string): Promise<AutoTopology | null> =>
  (await ofProject.run(db, { projectId }))[0] ?? null

/** Statement: this is what was made for a project by itself; a second is a `taken` of the batch. It goes with its network. */
export const insertAutoTopology = (db: Database, row: AutoTopology) => db.insert(autoTopologies).values(row)

/** Statement: nothing is known any more of what was made for a project by itself. */
export const deleteAutoTopology = (db: Database, projectId: string) =>
  db.delete(autoTopologies).where(eq(autoTopologies.projectId, projectId))

/** Something is on a network beside DHCP and the feet of one router. */
export const networkServes = async (
  db: Database,
  { networkId, routerId }: Pick<AutoTopology, 'networkId' | 'routerId'>,
): Promise<boolean> =>
  (
    await db.all(sql`select 1 from ports where network_id = ${networkId} and device_owner <> 'network:dhcp'
      and not (${isFoot('ports')} and device_id = ${routerId}) limit 1`)
  ).length > 0
