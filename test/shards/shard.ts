import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types'
import { openSqlite } from '../../db/sqlite.ts'

/**
 * One of the databases over which projects are spread, and the directory that says which project is where. They are real
 * databases, so that what a batch promises is what is relied on; what a project has is rows with a number each.
 *
 * `state` of a resident: `open` takes reads and writes; `copied` too, and notes what is written; `closed` takes reads only;
 * `left` takes neither, `arriving` not yet, and `gone` never again: what is late for it still has to be told so.
 */
const SHARD = [
  'create table guards (broken text not null)',
  `create trigger guards_refuse before insert on guards begin select raise(abort, 'guard'); end`,
  `create table residents (project text primary key, version integer not null, state text not null, mover integer not null)`,
  `create table rows (id text primary key, project text not null, value integer not null, made integer not null,
     missing integer not null default 0)`,
  'create table touched (id text primary key, project text not null)',
  ...['insert', 'update'].map(
    (verb) => `create trigger note_${verb} after ${verb} on rows
      when exists (select 1 from residents where project = new.project and state = 'copied')
      begin insert or ignore into touched values (new.id, new.project); end`,
  ),
]
const DIRECTORY = [
  'create table guards (broken text not null)',
  `create trigger guards_refuse before insert on guards begin select raise(abort, 'guard'); end`,
  'create table projects (id text primary key, shard integer not null, version integer not null, fence integer not null default 0)',
  // `opening`: the directory has the new place; before that, all of it begins anew.
  `create table moves (project text primary key, goal integer not null, origin integer not null, fence integer not null,
     opening integer not null default 0)`,
]

export interface Place {
  shard: number
  version: number
}
export interface Row {
  id: string
  project: string
  value: number
  made: number
  missing: number
}

export interface Estate {
  directory: D1Database
  shards: D1Database[]
}

export const openEstate = async (shards: number, projects: string[]): Promise<Estate> => {
  const open = async (schema: string[]): Promise<D1Database> => {
    const db = openSqlite(':memory:')
    for (const sql of schema) await db.prepare(sql).run()
    return db
  }
  const estate = {
    directory: await open(DIRECTORY),
    shards: await Promise.all(Array.from({ length: shards }, () => open(SHARD))),
  }
  for (const [i, project] of projects.entries()) {
    const shard = i % shards
    await estate.directory.prepare('insert into projects values (?, ?, 1, 0)').bind(project, shard).run()
    await estate.shards[shard]!.prepare(`insert into residents values (?, 1, 'open', 0)`).bind(project).run()
  }
  return estate
}

/** A batch that a guard refused: what it took for granted is not so any more. */
export class Refused extends Error {}

/** All statements or none; gives what the last one reads. Throws `Refused` where a guard is broken, and the database's own error for anything else. */
export const commit = async <T = unknown>(db: D1Database, ...statements: D1PreparedStatement[]): Promise<T[]> => {
  try {
    return (await db.batch<T>(statements)).at(-1)!.results
  } catch (error) {
    throw /\bguard\b/.test(String(error)) ? new Refused() : error
  }
}

/** Breaks the batch unless the condition holds. */
export const guard = (db: D1Database, condition: string, ...values: unknown[]): D1PreparedStatement =>
  db.prepare(`insert into guards select 'x' where not (${condition})`).bind(...values)
