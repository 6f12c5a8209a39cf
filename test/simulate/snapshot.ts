import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types'

export interface Snapshot {
  /** Notes what a statement may write to. */
  note(sql: string): void
  /** Puts every table back as it was that was written to since. */
  restore(): Promise<void>
}

/** The table that a statement writes to; null: none. */
const TARGET = /^\s*(?:insert into|update|delete from)\s+"?(\w+)/i
/** What is written behind the statements, by the world itself and by triggers. */
const BEHIND = [
  'clouds', 'deliveries', 'listeners', 'notices', 'sim_seen', 'sim_statuses', 'webhooks', 'meters', 'spend', 'spend_months', 'cloud_use', 'cloud_steady', 'spill_use', 'sim_meters',
] // biome-ignore format: a list

/** Tables that nothing in a simulation writes. */
const STILL = new Set([
  'd1_migrations', 'domains', 'users', 'roles', 'grants', 'implied_roles', 'user_groups', 'group_members', 'rates', 'flavor_access',
]) // biome-ignore format: a list

/** What must never be seen in any committed state, written down by the database itself. */
const WATCHES = [
  'create table sim_seen (what text not null)',
  'create table sim_statuses (n integer primary key autoincrement, server text not null, status text not null)',
  `create trigger sim_begun after insert on servers
    begin insert into sim_statuses (server, status) values (new.id, new.status); end`,
  `create trigger sim_changed after update of status on servers when old.status <> new.status
    begin insert into sim_statuses (server, status) values (new.id, new.status); end`,
  'create table sim_meters (server text not null, cloud text not null, beside integer not null, started integer not null, ended integer not null)',
  `create trigger sim_metered after delete on meters when old.kind = 'server' and old.started_at is not null and old.ended_at is not null
    begin insert into sim_meters values (old.server_id, old.cloud_id, old.beside, old.started_at, old.ended_at); end`,
  `create trigger sim_lease after insert on server_actions
      when new.action = 'lease_end' and exists (select 1 from servers where id = new.server_id and lease_ends_at > new.started_at)
    begin insert into sim_seen values ('a lease ended before its time: ' || new.server_id); end`,
  `create trigger sim_gone after update of phase on bindings when old.phase = 'gone' and new.phase <> 'gone' and old.project_id <> ''
    begin insert into sim_seen values ('gone came back: ' || old.kind || ' ' || old.resource_id || ' is ' || new.phase); end`,
  `create trigger sim_orphan after insert on journal when new.action = 'orphan.remove'
      and exists (select 1 from bindings where kind = new.kind and phase in ('bound', 'deleting') and native_id = new.detail->>'native_id')
    begin insert into sim_seen values ('an orphan had a row: ' || new.kind || ' ' || (new.detail->>'native_id')); end`,
]

/** Remembers every table inside the database itself: a copy of each that has rows, and nothing of those that have none. */
export const takeSnapshot = async (d1: D1Database): Promise<Snapshot> => {
  for (const sql of WATCHES) await d1.prepare(sql).run()
  const { results } = await d1
    .prepare(
      "select name from sqlite_master where type = 'table' and name not glob 'sqlite_*' and name not glob '_cf_*'",
    )
    .all<{ name: string }>()
  const restore = new Map<string, D1PreparedStatement[]>()
  for (const { name } of results) {
    if (STILL.has(name)) continue
    const clear = d1.prepare(`delete from "${name}"`)
    restore.set(name, [clear])
    if (!(await d1.prepare(`select 1 from "${name}" limit 1`).first())) continue
    await d1.prepare(`create table "sim_copy_${name}" as select * from "${name}"`).run()
    restore.set(name, [clear, d1.prepare(`insert into "${name}" select * from "sim_copy_${name}"`)])
  }
  const targets = new Map<string, string | null>()
  const written = new Set([...restore.keys()])
  const note = (sql: string) => {
    let target = targets.get(sql)
    if (target === undefined) {
      target = TARGET.exec(sql)?.[1] ?? null
      if (target === null && /^\s*with\b/i.test(sql) && /\b(insert|update|delete)\b/i.test(sql))
        throw new Error(`what does this write to: ${sql}`)
      targets.set(sql, target)
    }
    if (target !== null) written.add(target)
  }
  const count = d1.prepare('delete from sqlite_sequence')
  return {
    note,
    restore: async () => {
      await d1.batch([count, ...[...written].flatMap((name) => restore.get(name) ?? [])])
      written.clear()
      for (const name of BEHIND) written.add(name)
    },
  }
}
