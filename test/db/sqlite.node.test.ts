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
