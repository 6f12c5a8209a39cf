import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { mergedPolicy } from '../../policy.ts'
import { prepared, type Slots } from '../../prepared.ts'
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

const COLUMNS = [
  ...['id', 'name', 'type', 'region', 'enabled', 'placing', 'placingReason', 'breakerOpenUntil', 'seenAt', 'lastError'],
  ...['sweptAt', 'ownServers', 'hourly', 'cloudMark', 'roomVcpus', 'roomRamMib', 'takenVcpus', 'takenRamMib'],
  ...['ownRoomVcpus', 'ownRoomRamMib', 'ownVcpus', 'ownRamMib', 'passed'],
] as const satisfies (keyof Load)[]
const row = sql.raw(`json_array(${COLUMNS.join(', ')})`)

const loadIn = (values: unknown[]): Load => {
  const read = Object.fromEntries(COLUMNS.map((name, i) => [name, values[i]])) as unknown as Load
  return { ...read, enabled: Boolean(read.enabled), placing: Boolean(read.placing) }
}
const parsed = (text: string) => JSON.parse(text)

const loads = prepared((db, { projectId, form }: Slots<{ projectId: string; form: { all: boolean } }>) => {
  const whose = form.all ? sql`1` : sql`project_id = ${projectId}`
  return db
    .select({
      ofAll: sql`${saidOfAll}`.mapWith(parsed),
      said: sql`(select policy from projects where id = ${projectId})`.mapWith(parsed),
      servers: sql<number>`coalesce((select servers from spill_use where project_id = ${projectId}), 0)`,
      vcpus: sql<number>`coalesce((select vcpus from spill_use where project_id = ${projectId}), 0)`,
      currency: sql<string | null>`(select currency from rates where base)`,
      loads: sql<
        unknown[][]
      >`(select json_group_array(${row}) from (select c.id, c.name, c.type, c.region, c.enabled, c.placing,
          c.placing_reason as placingReason, c.closed_until as breakerOpenUntil, c.seen_at as seenAt, c.last_error as lastError,
          (select max(started_at) from sweeps where cloud_id = c.id) as sweptAt, coalesce(own.servers, 0) as ownServers,
          coalesce(paid.hourly, 0) as hourly, ${fillColumns}
        from clouds c ${form.all ? sql`left join` : sql`join`} mappings m on m.cloud_id = c.id and m.project_id = ${projectId} ${fillJoined}
          left join (select cloud_id, sum(hourly) as hourly from meters where ${whose} and ended_at is null group by cloud_id) paid
            on paid.cloud_id = c.id
        order by c.position, c.name))`.mapWith(parsed),
    })
    .from(sql`(select 1)`)
})

/**
 * How full clouds are, and what they cost: those that a project is mapped to; with `all` every one, and of all projects what
 * an hour of it costs. One query.
 */
export const loadsOf = async (db: Database, projectId: string, all: boolean): Promise<Loads> => {
  const [own] = await loads.run(db, { projectId, form: { all } })
  const { ofAll, said, servers, vcpus, currency } = own!
  return {
    loads: own!.loads.map(loadIn),
    policy: mergedPolicy(ofAll as Partial<Policy> | null, said as Partial<Policy> | null),
    spilled: { servers, vcpus },
    currency,
  }
}
