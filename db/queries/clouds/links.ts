import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { cloudLinks, clouds, mappings } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'

/** A pair of clouds, by their ids in order, and what leads from each to the other. */
export type CloudLink = typeof cloudLinks.$inferSelect

const every = prepared((db) => db.select().from(cloudLinks))

/** All that operators said. Pairs of which they said nothing are not among them: nothing leads there. */
export const allLinks = (db: Database): Promise<CloudLink[]> => every.run(db, {})

/** A cloud, and the links of which it is the first: each link is named once. */
export interface LinkedCloud {
  id: string
  name: string
  links: CloudLink[]
}

const led = prepared((db, { scope }: Slots<{ scope: Scope }>) => {
  const query = db
    .select({
      id: clouds.id,
      name: clouds.name,
      links: nested(getTableColumns(cloudLinks), sql`cloud_links r where r.one = ${clouds.id}`, sql`r.other`),
    })
    .from(clouds)
    .$dynamic()
  if (!('every' in scope))
    query.innerJoin(mappings, and(eq(mappings.cloudId, clouds.id), eq(mappings.projectId, scope.projectId)))
  return query
})

/** The clouds that the scope's project is mapped to, with what was said of the ways between them. One query. */
export const linkedClouds = (db: Database, scope: Scope): Promise<LinkedCloud[]> => led.run(db, { scope })

/** Statements: these links in place of all that there were. */
export const replaceLinks = (db: Database, links: CloudLink[]) => [
  db.delete(cloudLinks),
  db.run(sql`insert into ${cloudLinks} (one, other, reach)
    select value->>'one', value->>'other', value->>'reach' from json_each(${JSON.stringify(links)})`),
]

/** Statement: nothing leads to a cloud that is taken away. */
export const unlink = (db: Database, cloudId: string) =>
  db.run(sql`delete from ${cloudLinks} where one = ${cloudId} or other = ${cloudId}`)
