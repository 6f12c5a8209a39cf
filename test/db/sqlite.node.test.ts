import { beforeEach, expect, test } from 'vitest'
import { type LocalDatabase, openSqlite } from '../../db/sqlite.ts'

let db: LocalDatabase
let heard: string[][]
beforeEach(async () => {
  db = openSqlite(':memory:')
  await db.exec('create table told (project text unique)')
  await db.exec('create table asked (project text)')
  await db.exec('create trigger asked_told after insert on asked begin insert into told values (new.project); end')
  heard = []
  db.onInsert('told', 'project', (projects) => heard.push([...projects].toSorted()))
})
const insert = (project: string, table = 'told') => db.prepare(`insert into ${table} values (?)`).bind(project)

test('what is inserted is heard once it is committed, by whatever way it came about', async () => {
  await insert('one').run()
  await db.batch([insert('two'), insert('three', 'asked'), db.prepare('select 1 as one')])
  await db.prepare('insert into told values (?) returning project').bind('four').first()
  await db.prepare('select * from told').all()
  expect(heard).toEqual([['one'], ['three', 'two'], ['four']])
})

test('two hear the same, and another table is another matter', async () => {
  const others: string[][] = []
  db.onInsert('told', 'project', (projects) => others.push([...projects]))
  db.onInsert('asked', 'project', (projects) => others.push(['asked', ...projects]))
  await insert('one').run()
  await insert('two', 'asked').run()
  expect(heard).toEqual([['one'], ['two']])
  expect(others.toSorted()).toEqual([['asked', 'two'], ['one'], ['two']])
})

test('what was rolled back is heard by nobody, then or later', async () => {
  await expect(db.batch([insert('one'), insert('one')])).rejects.toThrow('UNIQUE')
  await expect(db.prepare(`insert into told values ('two'), ('two')`).run()).rejects.toThrow('UNIQUE')
  expect(heard).toEqual([])
  await insert('three').run()
  expect(heard).toEqual([['three']])
})

test('the file knows nothing of it', async () => {
  const copy = openSqlite(':memory:', await db.dump())
  await copy.prepare(`insert into told values ('one')`).run()
  expect(heard).toEqual([])
  copy.close()
})

const forgotten = { wait: 2, forgettable: 1 }
test.each<[keyof typeof forgotten, string[]]>([
  ['forgettable', ['insert into journal values (1)']],
  ['forgettable', ['delete from "login_failures" where id = 1', 'update "login_failures" set id = 2']],
  ['forgettable', ['insert into login_failures values (1) on conflict (id) do update set id = 1']],
  ['wait', ["insert into told values ('one')", 'insert into journal values (1)']],
  ['wait', ['with one as (select 1) insert into told select * from one', 'insert into journal values (1)']],
  ['wait', ['replace into told values (1)', 'insert into journal values (1)']],
  ['wait', ['update or ignore told set project = 1', 'delete from journal']],
  ['wait', ["insert into told values ('one')"]],
  ['wait', ['insert into journal values (1)', "insert into told values ('one')"]],
])('commits %s: %j', async (which, texts) => {
  await db.exec('create table journal (id integer primary key)')
  await db.exec('create table login_failures (id integer primary key)')
  const level = () => db.prepare('select synchronous as level from pragma_synchronous')
  const results = await db.batch([level(), ...texts.map((text) => db.prepare(text))])
  expect(results[0]!.results).toEqual([{ level: forgotten[which] }])
  expect(await level().first('level')).toBe(2)
})

test('what was refused leaves the next commit as durable as any', async () => {
  await db.exec('create table journal (id integer primary key)')
  const twice = 'insert into journal values (1), (1)'
  await expect(db.batch([db.prepare(twice)])).rejects.toThrow('UNIQUE')
  expect(await db.prepare('select synchronous as level from pragma_synchronous').first('level')).toBe(2)
})
