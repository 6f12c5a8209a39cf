import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { mergedPolicy } from '../../policy.ts'
import type { Policy } from '../../schema/index.ts'
import { type Fill, fillColumns, fillJoined } from './marks.ts'
import { saidOfAll } from './policies.ts'

/** How a cloud stands, for one project. */
export interface Load extends Fill {
  id: string
  name: string
  type: string
  region: string | null
  enabled: boolean
  placing: boolean
  placingReason: string | null
  breakerOpenUntil: number
  seenAt: number | null
  lastError: string | null
  /** When a sweep of any kind of thing began there last. */
  sweptAt: number | null
  /** Servers of the project there. */
  ownServers: number
  /** What an hour of what is there costs now, in micros: of the project, or of all. */
  hourly: number
}

interface Loads {
  loads: Load[]
  policy: Policy
  /** What the project has elsewhere than at home. */
  spilled: { servers: number; vcpus: number }
  currency: string | null
}

/**
 * How full clouds are, and what they cost: those that a project is mapped to; with `all` every one, and of all projects what
 * an hour of it costs. One batch.
 */
export const loadsOf = async (db: Database, projectId: string, all: boolean): Promise<Loads> => {
  const whose = all ? sql`1` : sql`project_id = ${projectId}`
  const [rows, [own]] = await db.batch([
    db.all<
      Omit<Load, 'enabled' | 'placing'> & { enabled: number; placing: number }
    >(sql`select c.id, c.name, c.type, c.region, c.enabled, c.placing,
        c.placing_reason as placingReason, c.closed_until as breakerOpenUntil, c.seen_at as seenAt, c.last_error as lastError,
        (select max(started_at) from sweeps where cloud_id = c.id) as sweptAt, coalesce(own.servers, 0) as ownServers,
        coalesce(paid.hourly, 0) as hourly, ${fillColumns}
      from clouds c ${all ? sql`left join` : sql`join`} mappings m on m.cloud_id = c.id and m.project_id = ${projectId} ${fillJoined}
        left join (select cloud_id, sum(hourly) as hourly from meters where ${whose} and ended_at is null group by cloud_id) paid on paid.cloud_id = c.id
      order by c.position, c.name`),
    db.all<{ ofAll: string | null; said: string | null; servers: number; vcpus: number; currency: string | null }>(
      sql`select ${saidOfAll} as ofAll, (select policy from projects where id = ${projectId}) as said,
        coalesce((select servers from spill_use where project_id = ${projectId}), 0) as servers,
        coalesce((select vcpus from spill_use where project_id = ${projectId}), 0) as vcpus,
        (select currency from rates where base) as currency`,
    ),
  ])
  const { ofAll, said, servers, vcpus, currency } = own!
  const read = (text: string | null) => (text === null ? null : JSON.parse(text))
  return {
    loads: rows.map((row) => ({ ...row, enabled: row.enabled === 1, placing: row.placing === 1 })),
    policy: mergedPolicy(read(ofAll), read(said)),
    spilled: { servers, vcpus },
    currency,
  }
}
