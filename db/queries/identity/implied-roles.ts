import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { impliedRoles } from '../../schema/index.ts'
import type { RoleRow } from './identity.ts'

type Named = Pick<RoleRow, 'id' | 'name' | 'domainId' | 'description'>
/** A role and one that whoever has it has as well. */
export interface Inference {
  prior: Named
  implied: Named
}

const named = (alias: string) =>
  sql<string>`json_object('id', ${sql.raw(alias)}.id, 'name', ${sql.raw(alias)}.name,
    'domainId', ${sql.raw(alias)}.domain_id, 'description', ${sql.raw(alias)}.description)`
interface Pair {
  priorId?: string | undefined
  impliedId?: string | undefined
}
const like = prepared((db, { priorId, impliedId }: Slots<Pair>) =>
  db
    .select({ prior: named('p'), implied: named('i') })
    .from(sql`implied_roles x join roles p on p.id = x.prior_id join roles i on i.id = x.implied_id`)
    .where(and(priorId && sql`x.prior_id = ${priorId}`, impliedId && sql`x.implied_id = ${impliedId}`))
    .orderBy(sql`p.name, i.name`),
)

/** What implies what, by name; with a role what that one implies, with two whether it does. */
export const inferences = async (db: Database, priorId?: string, impliedId?: string): Promise<Inference[]> =>
  (await like.run(db, { priorId, impliedId })).map(({ prior, implied }) => ({
    prior: JSON.parse(prior),
    implied: JSON.parse(implied),
  }))

/** Statement: who has one role has the other from now on. */
export const insertImplied = (db: Database, priorId: string, impliedId: string) =>
  db.insert(impliedRoles).values({ priorId, impliedId })
/** Statement: one role does not imply the other any more. */
export const deleteImplied = (db: Database, priorId: string, impliedId: string) =>
  db.delete(impliedRoles).where(and(eq(impliedRoles.priorId, priorId), eq(impliedRoles.impliedId, impliedId)))
