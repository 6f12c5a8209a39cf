import type { D1Database } from '@cloudflare/workers-types'

/** Each counter with the rows that justify it, over all projects. */
const COUNTED: Record<string, string> = {
  instances: 'select count(*) from servers where deleted_at is null',
  cores: `select sum(max(flavor->>'vcpus', coalesce(old_flavor->>'vcpus', 0), coalesce((select max(args->>'$.flavor.vcpus') from server_actions a
    where a.server_id = servers.id and a.action = 'resize' and a.state in ('pending', 'calling')), 0))) from servers where deleted_at is null`,
  ram: `select sum(max(flavor->>'ramMib', coalesce(old_flavor->>'ramMib', 0), coalesce((select max(args->>'$.flavor.ramMib') from server_actions a
    where a.server_id = servers.id and a.action = 'resize' and a.state in ('pending', 'calling')), 0))) from servers where deleted_at is null`,
  volumes: 'select count(*) from volumes where deleted_at is null',
  gigabytes: `select coalesce((select sum(size_gib) from volumes where deleted_at is null), 0)
    + coalesce((select sum(size_gib) from snapshots where deleted_at is null), 0)`,
  snapshots: 'select count(*) from snapshots where deleted_at is null',
  network: 'select count(*) from networks where not external',
  subnet: 'select count(*) from subnets',
  // Those of gateways and floating IPs belong to no project, and count for none.
  port: "select count(*) from ports where project_id <> ''",
  router: 'select count(*) from routers',
  floatingip: 'select count(*) from floating_ips',
  security_group: 'select count(*) from security_groups',
  server_groups: 'select count(*) from server_groups',
}
const RESOURCES = Object.keys(COUNTED)
const COUNTS = `select ${RESOURCES.map((resource) => `(${COUNTED[resource]}), (select sum(used) from quotas where resource = '${resource}')`).join(', ')}`

/** Counters that do not say what the rows say. True at every committed state. */
export const quotaDrift = async (d1: D1Database): Promise<string[]> => {
  const [row] = (await d1.prepare(COUNTS).raw()) as (number | null)[][]
  return RESOURCES.flatMap((resource, i) => {
    const [rows, used] = [row![2 * i] ?? 0, row![2 * i + 1] ?? 0]
    return rows === used ? [] : [`quota ${resource}: ${used} used, ${rows} rows`]
  })
}

/** Places of a network in which an address is given twice, and ports whose address is not where their server is. */
const ASTRAY = `select 'address ' || a.address || ' twice in a network' as what from ip_allocations a
    join subnets s on s.id = a.subnet_id group by s.network_id, a.address having count(*) > 1
  union all select 'port ' || sp.port_id || ' has its address in ' || g.cloud_id || '/' || ifnull(s.zone, '') || ', its server is in ' || v.cloud_id || '/' || v.zone
    from server_ports sp join servers v on v.id = sp.server_id and v.deleted_at is null and v.cloud_id is not null
    join ip_allocations a on a.port_id = sp.port_id join subnets s on s.id = a.subnet_id join segments g on g.id = s.segment_id
    where g.cloud_id <> v.cloud_id or s.zone <> v.zone`

/** What is wrong with addresses. True at every committed state. */
export const addressFaults = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(ASTRAY).all<{ what: string }>()).results.map(({ what }) => what)

/** Rows that are still on their way, though nobody works on them any more. */
const UNSETTLED = `select 'volume ' || status as what from volumes where deleted_at is null
    and status in ('creating', 'deleting', 'attaching', 'detaching', 'reserved', 'extending')
  union all select 'snapshot ' || status from snapshots where deleted_at is null and status in ('creating', 'deleting')
  union all select 'server ' || status || ' ' || coalesce(task_state, '') from servers where deleted_at is null and (status = 'BUILD' or task_state is not null)
  union all select 'image ' || status from images where deleted_at is null and status in ('queued', 'saving')
  union all select 'attachment ' || status from attachments where status in ('attaching', 'detaching')`

const TWICE = [
  'volumes',
  'snapshots',
  'servers',
  'ports',
  'networks',
  'routers',
  'security_groups',
  'keypairs',
  'images',
]

export const rowFaults = async (d1: D1Database): Promise<string[]> => {
  const faults = (await d1.prepare(UNSETTLED).all<{ what: string }>()).results.map(
    ({ what }) => `never settled: ${what}`,
  )
  const seen = await d1.prepare('select what from sim_seen').all<{ what: string }>()
  faults.push(...seen.results.map(({ what }) => what))
  for (const table of TWICE) {
    const { results } = await d1
      .prepare(`select name, count(*) as n from ${table} where name glob 'only-*' group by name having n > 1`)
      .all<{ name: string; n: number }>()
    faults.push(...results.map(({ n }) => `one request made ${n} ${table}`))
  }
  return faults
}
