import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2'
import type { D1Database } from '@cloudflare/workers-types'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { Hono } from 'hono'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { onD1Itself } from './support/rounds.ts'
import { d1Itself, freshDatabase, MIGRATIONS, runtime } from './support/runtime.ts'

const things = sqliteTable('things', {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  size: integer().notNull(),
})

/** Without tables of the program: what a database does is not told by those. */
const bare = () => freshDatabase('DB', [])

let db: D1Database
const begin = async (open: () => Promise<D1Database>) => {
  db = await open()
  await db.exec(
    'create table things (id integer primary key, name text not null unique, size integer not null check (size > 0))',
  )
  await db.exec(
    'create table parts (id integer primary key, thing integer not null references things (id) on delete cascade)',
  )
}
beforeEach(() => begin(bare))

const insert = (name: string, size: number) =>
  db.prepare('insert into things (name, size) values (?, ?)').bind(name, size)
const count = () => db.prepare('select count(*) as n from things').first<number>('n')

test('the runtime is the one asked for', () => {
  if (runtime === 'node') expect(Number(process.versions.node.split('.')[0])).toBe(24)
  else expect(navigator.userAgent).toBe('Cloudflare-Workers')
})

test('stories have the database that is asked for', async () => {
  const { meta } = await db.prepare('select 1').all()
  const other = onD1Itself ? meta.served_by !== 'object' : meta.served_by === 'object'
  expect(runtime === 'node' ? meta.served_by === 'node:sqlite' : other, String(meta.served_by)).toBe(true)
})

test('a fresh database records its migrations and has nothing of the one before', async () => {
  for (const turn of ['made', 'emptied', 'its tables were changed']) {
    const fresh = await freshDatabase()
    expect(await fresh.prepare('select count(*) as n from d1_migrations').first('n'), turn).toBe(MIGRATIONS.DB.length)
    expect(await fresh.prepare('select count(*) as n from leases').first('n'), turn).toBe(0)
    await fresh.prepare(`insert into leases (name, until) values ('left behind', 1)`).run()
    if (turn !== 'made') await fresh.exec('create table left_behind (id integer)')
  }
})

test('migrations apply once, in order, each with its record or not at all', async () => {
  const first = {
    name: '9000_a.sql',
    sql: "create table a (x text default ';'); -- one; two\ninsert into a values ('--');",
  }
  const guard = `create trigger guard before insert on a when new.x = case 1 when 1 then 'no' end begin
    select raise(abort, 'refused'); -- not the end
    select 1;
  end;
  insert into a values ('yes')`
  expect(await migrate(db, [{ name: '9001_b.sql', sql: guard }, first])).toEqual(['9000_a.sql', '9001_b.sql'])
  expect(await migrate(db, [first, { name: '9001_b.sql', sql: guard }])).toEqual([])
  expect(await db.prepare('select x from a').raw()).toEqual([['--'], ['yes']])
  const broken = { name: '9002_c.sql', sql: "create table c (x int); insert into a values ('no')" }
  await expect(migrate(db, [first, broken])).rejects.toThrow('refused')
  await expect(db.prepare('select * from c').all()).rejects.toThrow('no such table')
})

test('hono answers', async () => {
  const app = new Hono<{ Bindings: { DB: D1Database } }>()
  app.get('/count', async (c) => c.json(await c.env.DB.prepare('select count(*) as n from things').first()))
  const response = await app.request('/count', {}, { DB: db })
  expect([response.status, await response.json()]).toEqual([200, { n: 0 }])
})

test('drizzle queries, prepares and batches', async () => {
  const orm = drizzle(db, { schema: { things } })
  await orm.insert(things).values({ name: 'a', size: 1 })
  expect(await orm.insert(things).values({ name: 'b', size: 2 }).returning()).toEqual([{ id: 2, name: 'b', size: 2 }])
  const byName = orm
    .select()
    .from(things)
    .where(eq(things.name, sql.placeholder('name')))
    .prepare()
  expect(await byName.get({ name: 'b' })).toEqual({ id: 2, name: 'b', size: 2 })
  expect(await orm.query.things.findMany({ columns: { name: true } })).toEqual([{ name: 'a' }, { name: 'b' }])
  const [updated, rows] = await orm.batch([
    orm.update(things).set({ size: 3 }).where(eq(things.id, 1)).returning({ size: things.size }),
    orm.select().from(things),
  ])
  expect([updated, rows.length]).toEqual([[{ size: 3 }], 2])
  await expect(orm.transaction(async () => {})).rejects.toThrow()
})

/** What stories have, and in workerd D1 itself as well: they are alike. */
const databases: [string, () => Promise<D1Database>][] = [
  ['a database of a story', bare],
  ...(runtime === 'workerd' ? [['D1 itself', d1Itself] as [string, typeof d1Itself]] : []),
]

describe.each(databases)('%s', (_, open) => {
  beforeEach(() => begin(open))

  test('a batch is all or nothing, and says which constraint refused', async () => {
    const refused = db.batch([insert('a', 1), insert('b', 0)])
    await expect(refused).rejects.toThrow(/^D1_ERROR: CHECK constraint failed: size > 0: SQLITE_CONSTRAINT/)
    expect(await count()).toBe(0)
    const [, second] = await db.batch([insert('a', 1), insert('b', 2)])
    expect(second?.meta).toMatchObject({ changes: 1, last_row_id: 2 })
    await expect(insert('a', 1).run()).rejects.toThrow(
      'D1_ERROR: UNIQUE constraint failed: things.name: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)',
    )
    await expect(db.prepare('insert into parts (thing) values (9)').run()).rejects.toThrow(
      'D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)',
    )
  })

  // The local D1 is reset by this, with another message.
  test.runIf(runtime === 'node')('what is refused only at the end of a batch undoes it too', async () => {
    const dangling = [db.prepare('pragma defer_foreign_keys = on'), db.prepare('insert into parts (thing) values (9)')]
    await expect(db.batch([insert('a', 1), ...dangling])).rejects.toThrow('D1_ERROR: FOREIGN KEY constraint failed')
    expect(await count()).toBe(0)
  })

  test('changes count what cascades, and what an update touched', async () => {
    await db.batch([insert('a', 1), db.prepare('insert into parts (thing) values (1), (1)')])
    expect((await db.prepare('update things set size = 2 where id = 9').run()).meta.changes).toBe(0)
    expect((await db.prepare('update things set size = 2 returning id').all()).meta.changes).toBe(1)
    expect((await db.prepare('delete from things').run()).meta.changes).toBe(3)
  })

  test('a trigger refuses in its own words', async () => {
    await db.exec(
      "create trigger full before insert on things when new.size > 9 begin select raise(abort, 'quota'); end",
    )
    await expect(insert('big', 10).run()).rejects.toThrow(
      'D1_ERROR: quota: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_TRIGGER)',
    )
  })

  test('values come back as D1 gives them', async () => {
    const values = [true, 1.5, null, new Uint8Array([1, 2]), Number.NaN, 'x']
    const row = await db
      .prepare('select ? as a, ? as b, ? as c, ? as d, ? as e, ? as f')
      .bind(...values)
      .first()
    expect(row).toStrictEqual({ a: 1, b: 1.5, c: null, d: [1, 2], e: null, f: 'x' })
    const twice = db.prepare('select 1 as a, 2 as a')
    expect([await twice.first(), await twice.raw(), await twice.raw({ columnNames: true })]).toEqual([
      { a: 2 },
      [[1, 2]],
      [
        ['a', 'a'],
        [1, 2],
      ],
    ])
    expect(await db.prepare('select value from json_each(?)').bind('[1,"b"]').raw()).toEqual([[1], ['b']])
    expect(await db.prepare('select ?2 as a, ?1 as b').bind(1, 2).first()).toEqual({ a: 2, b: 1 })
    expect(await db.prepare('select id from things').first('id')).toBe(null)
  })

  test.each([
    [
      '101 parameters',
      () =>
        db
          .prepare(`select 1 where 1 in (${Array(101).fill('?')})`)
          .bind(...Array(101).fill(1))
          .all(),
      /too many SQL variables/,
    ],
    [
      'a LIKE pattern of 51 bytes',
      () =>
        insert('a', 1)
          .run()
          .then(() => db.prepare('select 1 from things where name like ?').bind('x'.repeat(51)).all()),
      /D1_ERROR: LIKE or GLOB pattern too complex: SQLITE_ERROR/,
    ],
    [
      'a column that is not there',
      () => db.prepare('select 1 as a').first('b'),
      /D1_COLUMN_NOTFOUND: Column not found \(b\)/,
    ],
    [
      'too few values',
      () => db.prepare('select ? as a, ? as b').bind(1).all(),
      /D1_ERROR: Wrong number of parameter bindings/,
    ],
    [
      'too many values',
      () => db.prepare('select ? as a').bind(1, 2).all(),
      /D1_ERROR: Wrong number of parameter bindings/,
    ],
    [
      'undefined',
      async () => db.prepare('select ? as a').bind(undefined),
      /D1_TYPE_ERROR: Type 'undefined' not supported/,
    ],
    ['a transaction', () => db.prepare('/* x */ begin').run(), /D1_ERROR/],
    ['an empty batch', () => db.batch([]), /D1_ERROR: No SQL statements detected/],
    [
      'six SELECTs in a UNION',
      () => db.prepare(Array(6).fill('select 1').join(' union ')).all(),
      /too many terms in compound SELECT: SQLITE_ERROR/,
    ],
    ['a statement of two lines in exec', () => db.exec('create table q (\nid int)'), /incomplete input/],
    ['attach', () => db.prepare("attach ':memory:' as x").run(), /D1_ERROR/],
  ])('refuses %s', async (_what, ask, words) => {
    await expect(ask()).rejects.toThrow(words)
  })
})

test('node:crypto seals and derives', () => {
  const key = scryptSync('password', 'salt', 32, { N: 2 ** 14, r: 8, p: 5, maxmem: 64 * 1024 * 1024 })
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = Buffer.concat([cipher.update('secret', 'utf8'), cipher.final()])
  const opener = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(cipher.getAuthTag())
  expect(Buffer.concat([opener.update(sealed), opener.final()]).toString()).toBe('secret')
})

test('the EC2 client reads an XML answer', async () => {
  const body = `<?xml version="1.0" encoding="UTF-8"?><DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>r-1</requestId><regionInfo><item><regionName>eu-north-1</regionName></item><item><regionName>us-east-1</regionName></item></regionInfo>
    </DescribeRegionsResponse>`
  const client = new EC2Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      handle: async () => {
        const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': 'r-1' }
        return { response: { statusCode: 200, headers, body: new Response(body).body } as never }
      },
    },
  })
  const { Regions, $metadata } = await client.send(new DescribeRegionsCommand({}))
  expect([Regions?.map((region) => region.RegionName), $metadata.requestId]).toEqual([
    ['eu-north-1', 'us-east-1'],
    'r-1',
  ])
})
