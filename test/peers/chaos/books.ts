import { DatabaseSync } from 'node:sqlite'
import type { Found } from './census.ts'
import type { Ledger } from './story.ts'

/** Reads the database of a broker that may be running, killed or stopped. */
export const reading = <T>(file: string, read: (db: DatabaseSync) => T): T => {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    return read(db)
  } finally {
    db.close()
  }
}

type Row = Record<string, string | number | null>
const rows = (db: DatabaseSync, sql: string): Row[] => db.prepare(sql).all() as Row[]

/** A deletion that overtook a creation without an answer waits two minutes before it says that nothing was made. */
const WAITING = `want = 'absent' and phase = 'calling' and lease_until < unixepoch('now', 'subsec') * 1000`

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** A binding that has work to do, and what keeps it. */
const told = (b: Row): string => {
  const now = Date.now()
  const error = b.error === null ? '' : `: ${b.error}`
  const held = Number(b.lease_until) > now ? `, held for ${seconds(Number(b.lease_until) - now)}` : ''
  const called = b.called_at === null ? '' : `, called ${seconds(now - Number(b.called_at))} ago`
  return `${b.kind} ${b.resource_id} ${b.want} ${b.phase}, ${b.attempts} attempts, due in ${seconds(Number(b.due_at) - now)}${held}${called}${error}`
}

/** What is not settled yet, and why. `grace`: deletions that only wait until a lost creation cannot appear any more. */
export const unsettled = (file: string): { busy: Map<string, string>; grace: number } =>
  reading(file, (db) => {
    const due = rows(
      db,
      `select kind, resource_id, cloud_id, scope, phase, want, attempts, due_at, lease_until, called_at, error, ${WAITING} as waiting
        from bindings where due_at is not null`,
    )
    const held = new Set(due.filter((each) => each.waiting).map((each) => each.resource_id))
    const moving = [
      ...rows(
        db,
        `select 'server' as kind, id, status, task_state from servers where deleted_at is null and (status = 'BUILD' or task_state is not null)`,
      ),
      ...rows(
        db,
        `select 'volume' as kind, id, status from volumes where deleted_at is null and status not in ('available', 'in-use', 'error')`,
      ),
      ...rows(db, `select 'attachment' as kind, id, status from attachments where status <> 'attached'`),
    ].filter(({ id }) => !held.has(id!))
    const busy = new Map([
      ...due
        .filter((each) => !each.waiting)
        .map((b) => [`${b.kind} ${b.resource_id} ${b.cloud_id} ${b.scope}`, told(b)] as const),
      ...moving.map((m) => [`row of ${m.id}`, `${m.kind} ${m.id} is ${m.status} ${m.task_state ?? ''}`] as const),
    ])
    return { busy, grace: held.size }
  })

export interface Audit {
  lost: string[]
  leaked: string[]
  twins: string[]
  drift: string[]
  broken: string[]
  counts: Record<string, number>
}

const LIVE = `select kind, resource_id, native_id, phase, token from bindings where phase not in ('gone', 'failed', 'intent') and not (kind = 'image' and project_id = '')`
/** Types of which a kind has one object for each of its bindings. */
const MAIN: Record<string, string> = {
  server: 'instance',
  volume: 'volume',
  port: 'interface',
  network: 'vpc',
  subnet: 'subnet',
  router: 'gateway',
  security_group: 'group',
  floating_ip: 'address',
  keypair: 'key',
  snapshot: 'snapshot',
  image: 'image',
}

/** Rows against the cloud itself. */
export const audit = (file: string, found: Found[], ledger: Ledger): Audit =>
  reading(file, (db) => {
    const bindings = rows(db, LIVE)
    const byNative = new Map(found.map((each) => [each.native, each]))
    const held = new Set(bindings.map((b) => `${b.kind} ${b.resource_id}`))
    const known = new Set(bindings.map((b) => b.native_id))
    const lost: string[] = []
    for (const b of bindings.filter(({ kind, phase }) => MAIN[String(kind)] && phase === 'bound')) {
      const there = byNative.get(String(b.native_id))
      if (!there || there.resource !== b.resource_id || there.token !== b.token || there.type !== MAIN[String(b.kind)])
        lost.push(`${b.kind} ${b.resource_id} is bound to ${b.native_id}, which is ${JSON.stringify(there ?? null)}`)
    }
    const one = (type: string, kind: string, id: unknown) =>
      found.filter((each) => each.type === type && each.kind === kind && each.resource === id)
    for (const { id } of rows(db, `select id from servers where deleted_at is null and status = 'ACTIVE'`))
      if (one('instance', 'server', id).filter(({ at }) => at === 'running').length !== 1)
        lost.push(`server ${id} is ACTIVE and has not one running instance`)
    for (const { id } of rows(
      db,
      `select id from volumes where deleted_at is null and status in ('available', 'in-use')`,
    ))
      if (one('volume', 'volume', id).length !== 1) lost.push(`volume ${id} is there and has not one object`)
    for (const { id } of rows(db, `select id from floating_ips where status <> 'ERROR'`))
      if (one('address', 'floating_ip', id).length !== 1) lost.push(`floating IP ${id} has not one address`)
    for (const a of rows(db, `select server_id, volume_id from attachments where status = 'attached'`))
      if (one('volume', 'volume', a.volume_id)[0]?.at !== one('instance', 'server', a.server_id)[0]?.native)
        lost.push(`volume ${a.volume_id} is attached to ${a.server_id} and hangs elsewhere`)
    return {
      lost: [...lost, ...promises(db, ledger)],
      leaked: found
        .filter((each) => !held.has(`${each.kind} ${each.resource}`) || (isMain(each) && !known.has(each.native)))
        .map(({ type, native, kind, resource }) => `${type} ${native} (${kind} ${resource})`),
      twins: twins(found),
      drift: quotaDrift(db),
      broken: rows(db, `select id, fault from servers where deleted_at is null and status = 'ERROR'`).map(
        (s) => `${s.id}: ${s.fault}`,
      ),
      counts: Object.fromEntries(
        ['servers', 'volumes'].map((table) => [
          table,
          Number(rows(db, `select count(*) as n from ${table} where deleted_at is null`)[0]!.n),
        ]),
      ),
    }
  })

const isMain = ({ type, kind }: Found): boolean => MAIN[kind] === type

/** More than one object for a resource; a group has one for each network. */
const twins = (found: Found[]): string[] => {
  const seen = new Map<string, string[]>()
  for (const { type, kind, resource, native, at } of found) {
    const key = `${type} of ${kind} ${resource}${type === 'group' ? ` in ${at}` : ''}`
    seen.set(key, [...(seen.get(key) ?? []), native])
  }
  return [...seen].filter(([, natives]) => natives.length > 1).map(([key, natives]) => `${key}: ${natives.join(', ')}`)
}

const TABLES: Record<string, string> = {
  server: 'servers',
  volume: 'volumes',
  port: 'ports',
  security_group: 'security_groups',
  floating_ip: 'floating_ips',
}

/** What an answer promised and the rows do not hold; and names that stand twice where they were asked for once. */
const promises = (db: DatabaseSync, { promised }: Ledger): string[] => {
  const broken: string[] = []
  for (const [kind, table] of Object.entries(TABLES)) {
    const alive = table === 'servers' || table === 'volumes' ? 'where deleted_at is null' : ''
    const ids = new Set(rows(db, `select id from ${table} ${alive}`).map(({ id }) => id))
    for (const [id, promise] of promised)
      if (promise.kind === kind && ids.has(id) !== (promise.wish === 'kept'))
        broken.push(`${kind} ${id} was to be ${promise.wish} and ${ids.has(id) ? 'is there' : 'is not there'}`)
    if (kind === 'floating_ip') continue
    for (const { name, n } of rows(
      db,
      `select name, count(*) as n from ${table} where name <> '' and name <> 'default' group by name having n > 1`,
    ))
      broken.push(`${n} ${table} are called ${name}: one was asked for`)
  }
  return broken
}

/** Counters that differ from what the rows add up to. */
export const quotaDrift = (db: DatabaseSync): string[] => {
  const live = 'deleted_at is null'
  const sums: Record<string, string> = {
    instances: `select project_id, count(*) as n from servers where ${live} group by 1`,
    cores: `select project_id, sum(flavor->>'vcpus') as n from servers where ${live} group by 1`,
    ram: `select project_id, sum(flavor->>'ramMib') as n from servers where ${live} group by 1`,
    volumes: `select project_id, count(*) as n from volumes where ${live} group by 1`,
    gigabytes: `select project_id, sum(size_gib) as n from (select project_id, size_gib from volumes where ${live}
      union all select project_id, size_gib from snapshots where ${live}) group by 1`,
    network: `select project_id, count(*) as n from networks group by 1`,
    subnet: `select project_id, count(*) as n from subnets group by 1`,
    router: `select project_id, count(*) as n from routers group by 1`,
    port: `select project_id, count(*) as n from ports group by 1`,
    floatingip: `select project_id, count(*) as n from floating_ips group by 1`,
    security_group: `select project_id, count(*) as n from security_groups group by 1`,
    security_group_rule: `select project_id, count(*) as n from security_group_rules group by 1`,
  }
  return Object.entries(sums).flatMap(([resource, sql]) => {
    const counted = new Map(rows(db, sql).map(({ project_id, n }) => [project_id, n]))
    const used = rows(db, `select project_id, used from quotas where resource = '${resource}'`)
    return used
      .filter((each) => each.used !== (counted.get(each.project_id) ?? 0))
      .map((each) => `${resource}: ${each.used} used, ${counted.get(each.project_id) ?? 0} rows`)
  })
}
