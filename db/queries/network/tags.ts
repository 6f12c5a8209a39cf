import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  floatingIps,
  networks,
  ports,
  qosPolicies,
  routers,
  securityGroups,
  subnetPools,
  subnets,
} from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

/** What can be tagged, by the collection's name in the API. */
export const taggable = {
  networks,
  subnets,
  subnetpools: subnetPools,
  ports,
  routers,
  floatingips: floatingIps,
  'security-groups': securityGroups,
  policies: qosPolicies,
}
export type Taggable = keyof typeof taggable

const reading = Object.fromEntries(
  Object.entries(taggable).map(([what, table]) => [
    what,
    prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
      db
        .select({ tags: table.tags, revision: table.revision })
        .from(table)
        .where(and(eq(table.id, id), within(table.projectId, scope))),
    ),
  ]),
)

/** Tags of something that the scope owns, and the revision at which they were read. */
export const tagsOf = async (
  db: Database,
  scope: Scope,
  what: Taggable,
  id: string,
): Promise<{ tags: string[]; revision: number } | null> => (await reading[what]!.run(db, { scope, id }))[0] ?? null

/** Statement: these tags in place of all that a resource has, as one revision. `now` in milliseconds since 1970. */
export const setTags = (db: Database, what: Taggable, id: string, tags: string[], now: number) =>
  db.update(taggable[what]).set({ tags, updatedAt: now, revision: sql`revision + 1` }).where(eq(taggable[what].id, id))

/** For a guard: somebody changed it since. */
export const taggedMoved = (what: Taggable, id: string, revision: number) =>
  sql`not exists (select 1 from ${taggable[what]} where id = ${id} and revision = ${revision})`
