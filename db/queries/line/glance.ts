import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { mergedPolicy } from '../../policy.ts'
import { prepared, type Slots } from '../../prepared.ts'
import type { Policy } from '../../schema/index.ts'
import { type Fill, fillColumns, fillJoined } from '../clouds/marks.ts'
import { saidOfAll } from '../clouds/policies.ts'
import { MOST_COUNTED } from './figures.ts'

/** A cloud at a glance, in the operator's order. */
export interface Glimpse extends Pick<Fill, 'cloudMark' | 'roomVcpus' | 'roomRamMib' | 'takenVcpus' | 'takenRamMib'> {
  name: string
  enabled: number
  /** Until when it is left alone, as it did not answer. */
  closedUntil: number
}

/** What is under way, and how full clouds are. */
export interface Glance {
  clouds: Glimpse[]
  /** What was said of all projects. */
  policy: Policy
  /** Bindings with work left, and those of them whose time has come: `MOST_COUNTED` at most. */
  underWay: number
  due: number
}

const most = sql.raw(String(MOST_COUNTED))
const parsed = (text: string) => JSON.parse(text)
const glance = prepared((db, { now }: Slots<{ now: number }>) =>
  db
    .select({
      ofAll: sql`${saidOfAll}`.mapWith(parsed),
      underWay: sql<number>`(select count(*) from (select 1 from bindings where due_at is not null limit ${most}))`,
      due: sql<number>`(select count(*) from (select 1 from bindings where due_at is not null and due_at <= ${now} limit ${most}))`,
      clouds: sql<
        Glimpse[]
      >`(select json_group_array(json_object('name', name, 'enabled', enabled, 'closedUntil', closed_until,
          'cloudMark', cloudMark, 'roomVcpus', roomVcpus, 'roomRamMib', roomRamMib, 'takenVcpus', takenVcpus, 'takenRamMib', takenRamMib))
        from (select c.name, c.enabled, c.closed_until, ${fillColumns} from clouds c
          left join mappings m on m.cloud_id = c.id and m.project_id = '' ${fillJoined} order by c.position, c.name))`.mapWith(
        parsed,
      ),
    })
    .from(sql`(select 1)`),
)

/** How everything stands, for one look. One query, which reads few rows however much is stored. */
export const glanceAt = async (db: Database, now: number): Promise<Glance> => {
  const { ofAll, ...read } = (await glance.run(db, { now }))[0]!
  return { ...read, policy: mergedPolicy(ofAll as Partial<Policy> | null, null) }
}
