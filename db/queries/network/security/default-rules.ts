import { asc, eq, sql } from 'drizzle-orm'
import { table } from '../../../../adapters/table.ts'
import type { Database } from '../../../client.ts'
import { always } from '../../../conditions.ts'
import { prepared, type Slots } from '../../../prepared.ts'
import { defaultSecurityGroupRules as rules } from '../../../schema/index.ts'
import { type Attributes, pagesOf } from '../network-listing.ts'

/* Rules that new security groups begin with. They are the deployment's, and every project sees them. */

export type DefaultRuleRow = typeof rules.$inferSelect

export const defaultRuleAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${rules.id}` },
  description: { is: 'text', sql: sql`${rules.description}` },
  direction: { is: 'text', sql: sql`${rules.direction}` },
  ethertype: { is: 'text', sql: sql`${rules.ethertype}` },
  protocol: { is: 'text', sql: sql`${rules.protocol}` },
  port_range_min: { is: 'number', sql: sql`${rules.portRangeMin}` },
  port_range_max: { is: 'number', sql: sql`${rules.portRangeMax}` },
  remote_ip_prefix: { is: 'text', sql: sql`${rules.remoteIpPrefix}` },
  remote_group_id: { is: 'text', sql: sql`${rules.remoteGroupId}` },
  remote_address_group_id: { is: 'text', sql: sql`${rules.remoteAddressGroupId}` },
  used_in_default_sg: { is: 'flag', sql: sql`${rules.usedInDefault}` },
  used_in_non_default_sg: { is: 'flag', sql: sql`${rules.usedInOthers}` },
})

/** One page of the rules that new groups begin with, whoever asks. */
export const listDefaultRules = pagesOf(
  rules,
  defaultRuleAttributes,
  () => always,
  (db, page) =>
    db
      .select()
      .from(rules)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit),
)

const byId = prepared((db, { id }: Slots<{ id: string }>) => db.select().from(rules).where(eq(rules.id, id)))

/** One of them; null: there is none under that id. */
export const defaultRuleById = async (db: Database, id: string): Promise<DefaultRuleRow | null> =>
  (await byId.run(db, { id }))[0] ?? null

const all = prepared((db) => db.select().from(rules).orderBy(asc(rules.createdAt), asc(rules.id)))

/** All of them, in the order in which they were made: there are few. */
export const defaultRules = (db: Database): Promise<DefaultRuleRow[]> => all.run(db, {})

/** Statement: a further one. One that means the same as another for the same groups breaks a unique signature. */
export const insertDefaultRule = (db: Database, row: DefaultRuleRow) => db.insert(rules).values(row)

/** Statement: takes one away; groups that began with it keep their rules. */
export const deleteDefaultRule = (db: Database, id: string) => db.delete(rules).where(eq(rules.id, id))

/** Condition of a guard: there are so many of them already. */
export const defaultRulesFull = (most: number) => sql`(select count(*) from default_security_group_rules) >= ${most}`
