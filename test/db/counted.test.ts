import { beforeEach, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../db/client.ts'
import { freshDatabase } from '../support/runtime.ts'

/* What is added up beforehand is what a look at all rows adds up, whichever way they are written. */

let db: Database
beforeEach(async () => {
  db = openDatabase(await freshDatabase())
})

const rows = async (text: string) => (await db.$client.prepare(text).all()).results ?? []
/** After each statement both questions have one answer, and at least one of them is not empty. */
const check = async (counted: string, added: string, statements: string[]): Promise<void> => {
  let most = 0
  for (const text of statements) {
    await db.$client.prepare(text).run()
    const [use, sums] = [await rows(counted), await rows(added)]
    expect([text, ...use]).toEqual([text, ...sums])
    most = Math.max(most, sums.length)
  }
  expect(most).toBeGreaterThan(1)
}
const numbers = (last: number) =>
  `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${last})`

describe('counted is', () => {
  test('what servers take in a zone: when they are placed, moved, resized, deleted and removed', async () => {
    const columns = 'id, project_id, user_id, name, hostname, flavor, cloud_id, zone, created_at, updated_at'
    const server = (id: string) => `${id}, 'p', 'u', 'n', 'h',
      json_object('vcpus', 1 + n % 3, 'ramMib', 512 * n, 'diskGib', n % 5), nullif('c' || n % 3, 'c0'), nullif('z' || n % 4, 'z0'), n, n`
    await check(
      'select cloud_id, zone, servers, vcpus, ram_mib, disk_gib from zone_use where servers <> 0 order by 1, 2',
      `select cloud_id, zone, count(*) as servers, sum(flavor ->> '$.vcpus') as vcpus, sum(flavor ->> '$.ramMib') as ram_mib,
        sum(flavor ->> '$.diskGib') as disk_gib from servers
        where deleted_at is null and cloud_id is not null and zone is not null group by 1, 2 order by 1, 2`,
      [
        `insert into servers (${columns}) ${numbers(40)} select ${server('n')} from numbers`,
        `update servers set cloud_id = 'c1' where cloud_id is null`,
        `update servers set zone = 'z9' where zone is null or zone = 'z1'`,
        `update servers set flavor = json_set(flavor, '$.vcpus', 9) where id % 2`,
        `update servers set deleted_at = 1 where id % 5 = 0`,
        `update servers set deleted_at = null, zone = 'z2' where id = 10`,
        `insert into servers (${columns}) ${numbers(1)} select ${server('5')} from numbers where true on conflict do nothing`,
        'delete from servers where id % 7 = 0',
      ],
    )
  })

  test('what one user of a project has: servers when they are made, resized, deleted and given away, and server groups', async () => {
    const columns = 'id, project_id, user_id, name, hostname, flavor, created_at, updated_at'
    const server = `n, 'p' || n % 2, 'u' || n % 3, 'n', 'h', json_object('vcpus', 1 + n % 3, 'ramMib', 512 * n, 'diskGib', n % 5), n, n`
    const held = (part: string) =>
      `max(flavor ->> '$.${part}', coalesce(old_flavor ->> '$.${part}', 0), coalesce(places ->> '$.to.flavor.${part}', 0))`
    await check(
      'select project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups from user_use where servers + server_groups <> 0 order by 1, 2',
      `select project_id, user_id, sum(servers) as servers, sum(vcpus) as vcpus, sum(ram_mib) as ram_mib, sum(disk_gib) as disk_gib, sum(server_groups) as server_groups from (
        select project_id, user_id, 1 as servers, ${held('vcpus')} as vcpus, ${held('ramMib')} as ram_mib, ${held('diskGib')} as disk_gib, 0 as server_groups
          from servers where deleted_at is null
        union all select project_id, user_id, 0, 0, 0, 0, 1 from server_groups) group by 1, 2 order by 1, 2`,
      [
        `insert into servers (${columns}) ${numbers(40)} select ${server} from numbers`,
        `update servers set flavor = json_set(flavor, '$.vcpus', 9) where id % 2`,
        `update servers set places = json_object('at', null, 'to', json_object('flavor', json_object('vcpus', 4, 'ramMib', 9999, 'diskGib', 1))) where id % 4 = 1`,
        `update servers set old_flavor = flavor, flavor = places -> '$.to.flavor', places = '{}' where id % 8 = 1`,
        `update servers set old_flavor = null where id = 9`,
        `update servers set places = '{}' where id = 5`,
        `update servers set deleted_at = 1 where id % 5 = 0`,
        `update servers set deleted_at = null, user_id = 'u9' where id = 10`,
        `update servers set project_id = 'p9' where id = 11`,
        'delete from servers where id % 7 = 0',
        `insert into server_groups (id, project_id, user_id, name, policy, created_at) ${numbers(9)} select n, 'p' || n % 2, 'u' || n % 5, 'n', 'affinity', n from numbers`,
        'delete from server_groups where id % 4 = 0',
      ],
    )
  })

  test('how many addresses of a subnet ports have: when they are given, moved, refused and given back', async () => {
    await check(
      'select subnet_id, used from address_use where used <> 0 order by 1',
      'select subnet_id, count(*) as used from ip_allocations group by 1 order by 1',
      [
        `insert into ip_allocations (subnet_id, address, port_id) ${numbers(40)} select 's' || n % 3, n, n from numbers`,
        `insert or ignore into ip_allocations (subnet_id, address, port_id) values ('s1', '1', 'x'), ('s1', '99', 'x')`,
        `update ip_allocations set subnet_id = 's7' where subnet_id = 's2'`,
        `delete from ip_allocations where subnet_id = 's0'`,
        'delete from ip_allocations where port_id % 4 = 0',
      ],
    )
  })
})
