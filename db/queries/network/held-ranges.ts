import { type SQL, sql } from 'drizzle-orm'
import type { HeldRange } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'

/* Ranges of addresses that are somebody else's on a cloud, as its inventory saw them. */

/** Statements: what others hold on a cloud is this and nothing else. Rows that are the same stay. */
export const replaceHeldRanges = (db: Database, cloudId: string, held: HeldRange[]) => {
  const seen = JSON.stringify(held.map((row) => ({ ...row, whole: row.whole ? 1 : 0 })))
  return [
    db.run(sql`delete from held_ranges where cloud_id = ${cloudId} and cidr || ' ' || whole || ' ' || network not in (
      select value ->> 'cidr' || ' ' || (value ->> 'whole') || ' ' || (value ->> 'network') from json_each(${seen}))`),
    db.run(sql`insert into held_ranges (cloud_id, network, whole, cidr)
      select ${cloudId}, value ->> 'network', value ->> 'whole', value ->> 'cidr' from json_each(${seen}) where true
      on conflict do nothing`),
  ] as const
}

/** Of others, on a cloud and where operators say that routes lead from there; not what is lent: that is where the project's is. */
const around = (projectId: string, cloudId: string): SQL => sql`held_ranges h where h.cloud_id in (
    select ${cloudId} union all select iif(l.one = ${cloudId}, l.other, l.one) from cloud_links l
      where l.reach = 'routed' and ${cloudId} in (l.one, l.other))
  and not (h.whole and (exists (select 1 from mappings m join json_each(m.mapping) v
      where m.project_id = ${projectId} and m.cloud_id = h.cloud_id and v.value = h.network)
    or exists (select 1 from clouds c join json_each(c.options) v where c.id = h.cloud_id and v.value = h.network)))`

/** What a new subnet of a project on a cloud has to stay away from, and as of which of the ranges that were seen. */
export interface Held {
  cidrs: string[]
  newest: number
}

/**
 * What others hold; `own`: with what the project has there itself, of whatever network. As many as an inventory keeps, and its
 * quota of subnets.
 */
export const heldAround = async (db: Database, projectId: string, cloudId: string, own: boolean): Promise<Held> => {
  const rows = await db.all<{ cidr: string | null; newest: number }>(sql`
    select null as cidr, ifnull(max(id), 0) as newest from held_ranges
    union all select h.cidr, h.id from ${around(projectId, cloudId)}
    union all select s.cidr, 0 from segments g join subnets s on s.network_id = g.network_id and ifnull(s.segment_id, g.id) = g.id
      where ${own ? 1 : 0} and g.project_id = ${projectId} and +g.cloud_id = ${cloudId}`)
  return { cidrs: rows.flatMap(({ cidr }) => cidr ?? []), newest: Math.max(...rows.map(({ newest }) => newest)) }
}

/** Condition of a guard: more was seen to be held there since. */
export const heldSince = (projectId: string, cloudId: string, newest: number): SQL =>
  sql`exists (select 1 from ${around(projectId, cloudId)} and h.id > ${newest})`
