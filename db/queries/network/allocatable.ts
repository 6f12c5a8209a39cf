import { type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { networks, subnetPools } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { visible as seesNetwork } from './network.ts'
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
