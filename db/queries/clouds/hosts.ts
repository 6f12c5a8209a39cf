import { asc, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Zone } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { cloudHosts } from '../../schema/index.ts'

export type HostRow = typeof cloudHosts.$inferSelect

/** Statements: the machines of a cloud are these. One that does not answer keeps the date at which it did. */
export const replaceHosts = (db: Database, cloudId: string, zones: Pick<Zone, 'name' | 'hosts'>[], now: number) => {
  const rows = zones.flatMap(({ name: zone, hosts = [] }) =>
    hosts.map(({ name, answers }) => ({ zone, name, answers, seenAt: answers ? now : null })),
  )
  const listed = JSON.stringify(rows)
  return [
    db.run(sql`delete from cloud_hosts where cloud_id = ${cloudId}
      and name not in (select value->>'name' from json_each(${listed}))`),
    db.run(sql`insert into cloud_hosts (cloud_id, zone, name, answers, seen_at)
      select ${cloudId}, value->>'zone', value->>'name', value->>'answers', value->>'seenAt' from json_each(${listed}) where true
      on conflict (cloud_id, name) do update set zone = excluded.zone, answers = excluded.answers,
        seen_at = coalesce(excluded.seen_at, cloud_hosts.seen_at)`),
  ] as const
}

/** Statement: not all of a cloud's machines showed what they have, so they are asked how they are: soon, unless one is known to be silent. */
export const askHostsSoon = (db: Database, cloudId: string, now: number) =>
  db.run(sql`update clouds set inventory_due_at = ${now} where id = ${cloudId} and inventory_due_at > ${now}
    and exists (select 1 from cloud_hosts where cloud_id = ${cloudId})
    and not exists (select 1 from cloud_hosts where cloud_id = ${cloudId} and not answers)`)

const ofCloud = prepared((db, { cloudId }: Slots<{ cloudId: string }>) =>
  db.select().from(cloudHosts).where(eq(cloudHosts.cloudId, cloudId)).orderBy(asc(cloudHosts.name)),
)

/** The machines of one cloud, in the order of their names. */
export const hostsOf = (db: Database, cloudId: string): Promise<HostRow[]> => ofCloud.run(db, { cloudId })

/** The same as a column of a query of clouds. */
export const hostsColumn = nested(
  getTableColumns(cloudHosts),
  sql`${cloudHosts} r where r.cloud_id = clouds.id`,
  sql`r.name`,
)
