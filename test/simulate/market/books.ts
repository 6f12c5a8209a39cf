import type { D1Database } from '@cloudflare/workers-types'
import { offerOf, type Refused } from './memory.ts'

/** A machine that the books count: the current one of a server, or the one beside it. */
interface Holding {
  server: string
  beside: boolean
  cloud: string
  zone: string
  size: string
  option: string
  /** Micros; null: unpriced. */
  hourly: number | null
  launched: boolean
  movable: boolean
}

/** What the books say at a committed state. Money in micros, null where there is no limit. */
export interface Books {
  held: Holding[]
  refused: Refused[]
  hourly: number
  most: number | null
  month: number
  budget: number | null
  spilled: number
  cap: number | null
  /** vCPUs at home: of servers, and of all; and up to how many. */
  admitted: number
  taken: number
  limit: number
}

const MONTH = '2026-03'
const place = (at: string) =>
  `'zone', ${at} ->> 'zone', 'size', ${at} ->> 'native', 'option', coalesce(${at} ->> 'option', 'on-demand')`
const READ = `select json_object(
  'held', (select json_group_array(json(held)) from (
    select json_object('server', id, 'beside', json('false'), 'cloud', cloud_id, ${place("(places -> 'at')")},
        'hourly', max(coalesce(places ->> '$.at.hourly', 0), coalesce(places ->> '$.to.hourly', 0), coalesce(places ->> '$.before.hourly', 0)),
        'launched', json(iif(launched_at is null, 'false', 'true')), 'movable', json(iif(metadata ->> 'plimsoll:movable' = 'true', 'true', 'false'))) as held
      from servers where deleted_at is null and cloud_id is not null
    union all select json_object('server', server_id, 'beside', json('true'), 'cloud', cloud_id, ${place('place')}, 'hourly', hourly,
        'launched', json(iif(state = 'arriving' and runs_at is null, 'false', 'true')), 'movable', json('true'))
      from server_moves where cloud_id is not null)),
  'refused', (select json_group_array(json_object('cloud', cloud_id, 'zone', zone, 'size', size, 'option', option, 'until', until)) from refused_offers),
  'hourly', coalesce((select hourly from spend where project_id = p.id), 0),
  'month', coalesce((select reserved from spend where project_id = p.id), 0)
    + coalesce((select settled from spend_months where project_id = p.id and month = '${MONTH}'), 0),
  'spilled', coalesce((select servers from spill_use where project_id = p.id), 0),
  'most', p.policy ->> '$.max_hourly_cost.micros', 'budget', p.policy ->> '$.budget.micros', 'cap', p.policy ->> '$.spill_cap.instances',
  'admitted', coalesce((select vcpus from cloud_use where cloud_id = c.id and project_id = ''), 0),
  'taken', coalesce((select vcpus from cloud_use where cloud_id = c.id and project_id = ''), 0)
    + coalesce((select foreign_vcpus from cloud_rooms where cloud_id = c.id), 0),
  'limit', (p.policy ->> ('$.marks.' || c.name)) * (c.options ->> '$.room.vcpus')) as said
  from projects p, clouds c where p.id = ? and c.id = ?`

export const readBooks = async (d1: D1Database, projectId: string, homeId: string): Promise<Books> => {
  const said = JSON.parse((await d1.prepare(READ).bind(projectId, homeId).first<string>('said'))!)
  const refused = said.refused.map((each: Record<string, string> & { until: number }) => ({
    offer: offerOf(each.cloud!, each.zone!, each.size!, each.option!),
    until: each.until,
  }))
  return { ...said, refused }
}

/** Parts of a vCPU are not told apart below that. */
const EPSILON = 1e-6
const nameOf = ({ server, beside }: Holding): string => `${server}${beside ? ' beside' : ''}`
const whatOf = ({ cloud, size, option }: Holding): string => `${cloud}/${size}/${option}`

/**
 * What was admitted between two states though a limit forbids it. What is there may come to be above one, when that is lowered or
 * prices rise: then nothing more is admitted.
 */
export const beyond = (before: Books, now: Books): string[] => {
  const had = new Map(before.held.map((each) => [nameOf(each), each]))
  const fresh = now.held.filter((each) => {
    const other = had.get(nameOf(each))
    return !other || (whatOf(other) !== whatOf(each) && (each.hourly ?? 0) > (other.hourly ?? 0))
  })
  // A server that comes home is the machine that was beside it.
  const bought = fresh.filter(({ server }) => !had.has(server) || !had.has(`${server} beside`))
  const over = (what: string, limit: number | null, had: number, has: number, may: boolean): string[] =>
    limit !== null && may && has > had && has > limit + EPSILON
      ? [`${what}: ${has} of ${limit}, and it was ${had}`]
      : []
  return [
    ...(now.admitted > before.admitted && now.taken > now.limit + EPSILON
      ? [`admitted above the mark: ${now.taken} vCPUs of ${now.limit}`]
      : []),
    ...over('spends more an hour than it may', now.most, before.hourly, now.hourly, bought.length > 0),
    ...over('spends more of its budget than there is', now.budget, before.month, now.month, bought.length > 0),
    ...over('more of it is out than may be', now.cap, before.spilled, now.spilled, true),
  ]
}
