import { DatabaseSync } from 'node:sqlite'
import { eq, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { describe, expect, test } from 'vitest'
import { splitSql } from '../../db/migrate.ts'
import { outer } from '../../db/nested.ts'
import { networks } from '../../db/schema/index.ts'
import { startPlimsoll } from '../support/harness.ts'
import { MIGRATIONS } from '../support/runtime.ts'
import { ALLOWED } from './allowed.ts'
import { FEW, GROWING } from './growing.ts'
import { judgeOf } from './judge.ts'
import { refused } from './watch.ts'

/*
 * Every story on Node asks SQLite for the plan of every statement that the program runs in it (`watch.ts`), and fails where
 * one costs more the more is stored. Here is what is found, and what is not held against a statement.
 */

const schema = MIGRATIONS.DB.flatMap(({ sql: text }) => splitSql(text))
const judge = judgeOf(schema)
const rows = 'select * from ports where'

describe('refused is', () => {
  test.each([
    ['a look at every row', 'select * from servers where fault is not null', 'all of servers is read'],
    ['one by an alias', 'select p.id from clouds c, ports p where p.status = c.name', 'all of ports is read'],
    ['one of a statement that writes', "update bindings set due_at = 1 where token = 'x'", 'all of bindings is read'],
    ['a look at all that a project has', `${rows} project_id = ?`, 'much of ports is read'],
    [
      'ids that are looked for among all that a project has',
      `${rows} project_id = ? and id in (select value from json_each(?))`,
      'much of ports is read',
    ],
    [
      'all that a client asks for, however much it is',
      `${rows} project_id = ? order by created_at, id`,
      'much of ports',
    ],
    [
      'a page that is sorted',
      `${rows} project_id = ? order by description limit 10`,
      'much of ports is read and sorted',
    ],
    [
      'a page of one project along all others',
      `${rows} project_id = ? order by mac_address limit 1`,
      'of ports is read',
    ],
    [
      'an index that is made for one statement',
      'select * from ports a, ports b where a.id = ? and b.name = a.name',
      'of ports',
    ],
    [
      'a look for one among all',
      'insert into guards (broken) select ? where exists (select 1 from servers s where s.fault is not null)',
      'all of servers is read',
    ],
    [
      'a look for one among many',
      'insert into guards (broken) select ? where exists (select 1 from ports where network_id = ? and description = ?)',
      'much of ports is read',
    ],
    ['a look at all that is settled', 'select * from bindings where due_at is null', 'much of bindings is read'],
    [
      'a column of an inner table that was meant to be of the outer one',
      'select (select count(*) from ports p where p.network_id = "id") from "networks" where "networks"."id" = ?',
      'names id without its table',
    ],
  ])('%s', (_, text, fault) => {
    expect(judge(text).join('\n')).toContain(fault)
  })

  test('a story in which the program does so', async () => {
    const { db } = (await startPlimsoll()).context()
    await expect(db.all(sql`select * from servers`)).rejects.toThrow('all of servers is read: SCAN servers')
    expect(refused.splice(0)).toHaveLength(1)
  })

  test('a look that drizzle takes at another column than it was given', async () => {
    const { db } = (await startPlimsoll()).context()
    const cloud = (id: SQL | SQLiteColumn) =>
      db
        .select({ cloud: sql`(select name from clouds where id = ${id})` })
        .from(networks)
        .where(eq(networks.id, 'n'))
    await expect(cloud(networks.id)).rejects.toThrow('names id without its table')
    expect(refused.splice(0)).toHaveLength(1)
    expect(await cloud(outer(networks.id))).toEqual([])
  })
})

describe('nothing is held against', () => {
  test.each([
    ['one row', 'select * from servers where id = ?'],
    ['rows by their ids', 'select * from servers where id in (select value from json_each(?)) and +project_id = ?'],
    ['a page along an index', `${rows} project_id = ? and created_at > ? order by created_at, id limit 10`],
    ['a few among many', 'select * from bindings where due_at <= ?'],
    ['whether there is any at all', 'insert into guards (broken) select 1 where exists (select 1 from servers)'],
    [
      'whether there is any in it',
      'insert into guards (broken) select ? where exists (select 1 from ports where network_id = ?)',
    ],
    ['tables that do not grow', 'select * from clouds order by name'],
    [
      'a column of an inner table alone',
      'select (select json_group_array("resource") from "quotas" where "project_id" = p.id) from "projects" p where p.id = ?',
    ],
    [
      'the name of what is counted',
      'select (select count(*) as "id" from "ports" "id" where "id"."id" = ?) as "id" from "networks" where "id" = ?',
    ],
  ])('%s', (_, text) => {
    expect(judge(text)).toEqual([])
  })
})

test('tables and indexes are named as they are, and every table grows or is known not to', () => {
  const db = new DatabaseSync(':memory:')
  for (const text of schema) db.exec(text)
  const made = (what: string) =>
    db
      .prepare("select name from sqlite_master where type = ? and name not like 'sqlite_%'")
      .all(what)
      .map(({ name }) => name as string)
  const still =
    'metadef_namespaces metadef_items clouds cloud_links zones zone_sizes offers prices price_books part_prices rates volume_types volume_services made_volume_types qos_specs group_types mappings flavors flavor_access volume_type_access domains roles implied_roles catalog_regions catalog_services catalog_endpoints endpoint_groups policies policy_places domain_configs registered_limits consumers identity_providers remote_ids federation_mappings federation_protocols service_providers zone_use settings leases lapses guards sweeps listing_parts held_ranges cloud_use cloud_rooms cloud_hosts cloud_steady spill_use passed_homes roomy_homes project_templates template_mappings aggregates aggregate_hosts quota_defaults user_quotas user_use default_security_group_rules'
  expect(new Set([...Object.keys(GROWING), ...still.split(' ')])).toEqual(new Set(made('table')))
  expect(FEW.filter((index) => !made('index').includes(index))).toEqual([])
})

test('whatever is allowed has a reason', () => {
  for (const { because } of ALLOWED) expect(because).toMatch(/^[A-Z].{20,}\.$/)
})
