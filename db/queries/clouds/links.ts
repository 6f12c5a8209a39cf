import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared } from '../../prepared.ts'
import { cloudLinks } from '../../schema/index.ts'

/** A pair of clouds, by their ids in order, and what leads from each to the other. */
export type CloudLink = typeof cloudLinks.$inferSelect

const every = prepared((db) => db.select().from(cloudLinks))

/** All that operators said. Pairs of which they said nothing are not among them: nothing leads there. */
export const allLinks = (db: Database): Promise<CloudLink[]> => every.run(db, {})

/** Statements: these links in place of all that there were. */
export const replaceLinks = (db: Database, links: CloudLink[]) => [
  db.delete(cloudLinks),
  db.run(sql`insert into ${cloudLinks} (one, other, reach)
    select value->>'one', value->>'other', value->>'reach' from json_each(${JSON.stringify(links)})`),
]

/** Statement: nothing leads to a cloud that is taken away. */
export const unlink = (db: Database, cloudId: string) =>
  db.run(sql`delete from ${cloudLinks} where one = ${cloudId} or other = ${cloudId}`)
