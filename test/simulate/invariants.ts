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

/** What a server holds, as marks count it. */
const held = (what: string) => `max(s.flavor ->> '${what}', coalesce(s.places ->> '$.at.${what}', 0),
  coalesce(s.places ->> '$.before.${what}', 0), coalesce(s.places ->> '$.to.${what}', 0))`
const THERE = 's.deleted_at is null and s.cloud_id is not null'
const STEADY = `${THERE} and s.launched_at is not null and s.task_state is null and s.vm_state <> 'error'`
const sum = (what: string) => `coalesce(sum(${what}), 0)`

/** Counters of marks that do not say what the rows say, and clouds above a mark of their own. */
const MARKS = `select 'use of ' || u.cloud_id || ' by ' || u.project_id || ': ' || u.vcpus || '/' || u.ram_mib || ' counted' as what
    from cloud_use u where (u.servers, u.vcpus, u.ram_mib) is not (select sum(n), ${sum('vcpus')}, ${sum('ram')} from (
      select count(*) as n, ${sum(held('vcpus'))} as vcpus, ${sum(held('ramMib'))} as ram
        from servers s where ${THERE} and s.cloud_id = u.cloud_id and u.project_id in ('', s.project_id)
      union all select count(*), ${sum('vcpus')}, ${sum('ram_mib')} from server_moves m where m.cloud_id = u.cloud_id and u.project_id in ('', m.project_id)))
  union all select 'server ' || s.id || ' is counted nowhere' from servers s where ${THERE}
    and 2 > (select count(*) from cloud_use u where u.cloud_id = s.cloud_id and u.project_id in ('', s.project_id))
  union all select 'steady on ' || t.cloud_id || ': ' || t.vcpus || ' counted' from cloud_steady t where t.vcpus <> (
    select ${sum("coalesce(s.places ->> '$.at.vcpus', s.flavor ->> 'vcpus')")} from servers s where ${STEADY} and s.cloud_id = t.cloud_id)
  union all select 'spill of ' || p.project_id || ': ' || p.servers || ' counted' from spill_use p where (p.servers, p.vcpus) is not (
    select count(*), ${sum(held('vcpus'))} from servers s where ${THERE} and s.spilled and s.project_id = p.project_id)
  union all select 'cloud ' || c.name || ' is above its mark: ' || u.vcpus from clouds c join cloud_use u on u.cloud_id = c.id and u.project_id = ''
    where u.vcpus > (c.options ->> 'mark') * (c.options ->> '$.room.vcpus') + 0.000001`

/** What is wrong with what marks count. True at every committed state. */
export const markFaults = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(MARKS).all<{ what: string }>()).results.map(({ what }) => what)

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

/** What triggers count of money, beside the rows that it is counted from. */
const SPENT = `select 'spend of ' || p.id || ': ' || hourly || ' an hour of ' || of_servers || ', ' || reserved || ' kept of ' || of_meters || ', ' || settled || ' settled of ' || of_costs as what
    from (select id, coalesce((select hourly from spend where project_id = p.id), 0) as hourly,
      coalesce((select sum(max(coalesce(places ->> '$.at.hourly', 0), coalesce(places ->> '$.to.hourly', 0), coalesce(places ->> '$.before.hourly', 0)))
        from servers where project_id = p.id and deleted_at is null and cloud_id is not null), 0)
        + coalesce((select sum(hourly) from server_moves where project_id = p.id and cloud_id is not null), 0)
        + coalesce((select sum(hourly) from meters where project_id = p.id and kind <> 'server' and ended_at is null), 0) as of_servers,
      coalesce((select reserved from spend where project_id = p.id), 0) as reserved,
      coalesce((select sum(reserved) from meters where project_id = p.id), 0) as of_meters,
      coalesce((select sum(settled) from spend_months where project_id = p.id), 0) as settled,
      coalesce((select sum(hourly * ms / 3600000) from costs where project_id = p.id), 0) as of_costs from projects p) p
    where hourly <> of_servers or reserved <> of_meters or settled <> of_costs
  union all select 'server ' || server_id || ' has ' || count(*) || ' meters' from meters where ended_at is null group by server_id, beside having count(*) > 1
  union all select 'server ' || id || ' has no meter' from servers s where deleted_at is null and cloud_id is not null
    and not exists (select 1 from meters where server_id = s.id and ended_at is null and not beside)
  union all select 'the other machine of ' || server_id || ' has no meter, or one too many' from server_moves m
    where (cloud_id is not null) <> (select count(*) from meters where server_id = m.server_id and ended_at is null and beside)`

/** Projects above what they may spend an hour. True at every committed state while neither prices nor limits change. */
const OVERSPENT = `select 'project ' || p.id || ' spends ' || s.hourly || ' an hour, and may ' || (p.policy ->> '$.max_hourly_cost.micros')
    from projects p join spend s on s.project_id = p.id where s.hourly > p.policy ->> '$.max_hourly_cost.micros'`

/** What is wrong with money. True at every committed state. */
export const moneyFaults = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(SPENT).all<{ what: string }>()).results.map(({ what }) => what)

export const overspent = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(OVERSPENT).all<{ what: string }>()).results.map(({ what }) => what)

/** Servers with two machines that are not one current and one beside it, and what is held for nobody. True at every committed state. */
const BESIDE = `select 'server ' || b.resource_id || ' has a machine on ' || b.cloud_id || ' that is neither current nor said of' as what
    from bindings b join servers s on s.id = b.resource_id and s.deleted_at is null
    left join server_moves m on m.server_id = s.id
    where b.kind = 'server' and b.phase <> 'gone' and b.cloud_id is not s.cloud_id and b.cloud_id is not m.cloud_id
  union all select 'server ' || m.server_id || ' has its other machine where it is' from server_moves m join servers s on s.id = m.server_id
    where m.cloud_id = s.cloud_id
  union all select 'server ' || m.server_id || ' moves, and may not' from server_moves m where state = 'arriving' and m.cancelled = 0
    and not exists (select 1 from server_placements where server_id = m.server_id)
  union all select 'held for nobody: ' || a.address from ip_allocations a where a.port_id glob '*/arriving'
    and not exists (select 1 from server_ports p join server_moves m on m.server_id = p.server_id and m.state = 'arriving'
      where p.port_id || '/arriving' = a.port_id)`

/** What is wrong with servers that have two machines for a while. */
export const besideFaults = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(BESIDE).all<{ what: string }>()).results.map(({ what }) => what)

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

const COST = `max(coalesce(s.places ->> '$.at.hourly', 0), coalesce(s.places ->> '$.to.hourly', 0), coalesce(s.places ->> '$.before.hourly', 0))`
const MEMBERS = 'from burst_members m join servers s on s.id = m.server_id where m.burst_id = b.id'

/** Bursts with more members than they may have, members that are there and are not, and counters that do not say what rows say. */
const WRONG = `select 'burst ' || b.id || ' got a member beyond ' || b.most as what from bursts b
    where (select count(*) from burst_members m where m.burst_id = b.id and m.ended_at is null) > b.most
      and exists (select 1 from burst_members m where m.burst_id = b.id and m.ended_at is null and m.created_at > b.counted_at)
  union all select 'burst ' || b.id || ' is over, and has a member' from bursts b where b.ended_at is not null
    and exists (select 1 from burst_members m where m.burst_id = b.id and m.ended_at is null)
  union all select 'member ' || m.server_id || ' is there, and its server is not' from burst_members m left join servers s on s.id = m.server_id
    where (m.ended_at is null) <> (s.id is not null and s.deleted_at is null)
  union all select 'burst ' || b.id || ': ' || u.hourly || ' an hour, ' || u.reserved || ' kept, ' || u.settled || ' settled are counted'
    from bursts b join burst_use u on u.burst_id = b.id
    where u.hourly <> (select coalesce(sum(${COST}), 0) ${MEMBERS} and s.deleted_at is null and s.cloud_id is not null)
        + (select coalesce(sum(v.hourly), 0) from burst_members m join server_moves v on v.server_id = m.server_id where m.burst_id = b.id and v.cloud_id is not null)
      or u.reserved <> (select coalesce(sum(t.reserved), 0) from burst_members m join meters t on t.server_id = m.server_id where m.burst_id = b.id)
      or u.settled <> (select coalesce(sum(c.hourly * c.ms / 3600000), 0) from burst_members m join costs c on c.server_id = m.server_id where m.burst_id = b.id)
  union all select 'burst ' || b.id || ' costs ' || u.hourly || ' an hour, and may ' || (b.max_hourly_cost ->> 'micros')
    from bursts b join burst_use u on u.burst_id = b.id where u.hourly > b.max_hourly_cost ->> 'micros'`

/** What is wrong with bursts. True at every committed state. */
export const burstFaults = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(WRONG).all<{ what: string }>()).results.map(({ what }) => what)

/** What was bought while the database was not kept is counted once each cloud was listed, and one that is shut off is not. */
const UNCOUNTED = `b.reason like '%nobody has listed%' and exists (select 1 from mappings m join clouds c on c.id = m.cloud_id
  where m.project_id = b.project_id and not c.enabled)`

/** Bursts that are neither over, nor have the least that they are to have, and might. */
const UNQUIET = `select 'burst ' || b.id || ' was never drained' as what from bursts b where b.draining_at is not null and b.ended_at is null
  union all select 'burst ' || b.id || ' has fewer than ' || b.least || ' members: ' || coalesce(b.reason, 'nothing is in the way') from bursts b
    where b.draining_at is null and b.finished_at is null and b.ended_at is null
      and (select count(*) from burst_members m where m.burst_id = b.id and m.ended_at is null and m.leaving is null) < b.least
      and not (${UNCOUNTED})`

/** What is wrong with them when everything is at rest. */
export const burstsUnquiet = async (d1: D1Database): Promise<string[]> =>
  (await d1.prepare(UNQUIET).all<{ what: string }>()).results.map(({ what }) => what)
