import { eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { securityGroupRules, segments } from '../../schema/index.ts'
import { taggable } from './tags.ts'

/** What has a revision, by the collection's name in the API. */
const tables = { ...taggable, 'security-group-rules': securityGroupRules, segments }
export type Revised = keyof typeof tables
/** Whether the resources of a collection (`networks`, `ports`, …) count their revisions. */
export const isRevised = (collection: string): collection is Revised => Object.hasOwn(tables, collection)

/** Whoever owns it: only those read it here who may change it. Null: it is not there. */
export const revisionOf = async (db: Database, what: Revised, id: string): Promise<number | null> => {
  const [row] = await db.select({ revision: tables[what].revision }).from(tables[what]).where(eq(tables[what].id, id))
  return row?.revision ?? null
}

/** For a guard: it is there, and at another revision. */
export const revisionIsNot = (what: Revised, id: string, revision: number) =>
  sql`exists (select 1 from ${tables[what]} where id = ${id} and revision <> ${revision})`
