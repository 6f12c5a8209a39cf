import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** SQL: when the last time ended of which this database knows nothing, in milliseconds since 1970; null: there was none. */
const lapsedUntil: SQL = sql`(select until * 60000 from lapses order by since desc limit 1)`

/** SQL, JSON text: names of clouds of a project on which its servers were not listed completely since then. */
export const unlistedOf = (projectId: unknown): SQL => sql`(select json_group_array(c.name) from mappings m
  join clouds c on c.id = m.cloud_id where m.project_id = ${projectId} and coalesce(m.listed_at, 0) < ${lapsedUntil})`

/** SQL: how many servers of a project clouds have that were made in such a time, and that did not get their rows back. */
export const straysOf = (projectId: unknown): SQL => sql`(select count(*) from mappings m
  join orphans o on o.cloud_id = m.cloud_id and o.kind = 'server' and o.project_id = m.project_id
  where m.project_id = ${projectId} and exists (select 1 from lapses l where o.epoch between l.since and l.until))`

/** Statement: all servers of these projects on a cloud were listed, from `startedAt` on; written once for each lapse. */
export const noteServersListed = (
  db: Database,
  { cloudId, projectIds, startedAt }: { cloudId: string; projectIds: string[]; startedAt: number },
) =>
  db.run(sql`update mappings set listed_at = ${startedAt}
    where cloud_id = ${cloudId} and project_id in (select value from json_each(${JSON.stringify(projectIds)}))
      and coalesce(listed_at, 0) < ${lapsedUntil} and ${startedAt} >= ${lapsedUntil}`)
