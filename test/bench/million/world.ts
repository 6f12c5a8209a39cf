import { cpSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { uuidOf } from '../copies.ts'
import { type Estate, oneOfEach } from '../reads/estate.ts'
import { openWorld, type World } from '../world.ts'
import { fillMillion, inOneNetwork, RARE } from './fill.ts'

type Facts = Record<string, string | number | null>

/** The program over a database of so many servers, and what is known of those that are looked for. */
export interface Million {
  count: number
  world: World
  estate: Estate
  /** Bytes of the database. */
  bytes: number
  /** Seconds that it took to fill it. */
  seconds: number
  /** Rows of the database: one of the few, one of the many, the one that changed first, one that was deleted. */
  rare: Facts
  usual: Facts
  first: Facts
  gone: Facts
  rarePort: Facts
  usualPort: Facts
}

/** One database with one of everything, of which the others are made. */
export const openTemplate = async (folder: string): Promise<Estate> => {
  const world = await openWorld(folder)
  const estate = await oneOfEach(world)
  world.close()
  return estate
}

/** A copy of the template in a folder of its own, filled. */
export const openMillion = async (
  template: string,
  folder: string,
  estate: Estate,
  count: number,
): Promise<Million> => {
  cpSync(template, folder, { recursive: true })
  const file = join(folder, 'plimsoll.db')
  const db = new DatabaseSync(file)
  db.exec(
    'pragma journal_mode = memory; pragma synchronous = off; pragma cache_size = -1000000; pragma temp_store = memory',
  )
  const started = performance.now()
  fillMillion(db, estate, count)
  const seconds = (performance.now() - started) / 1000
  const known = factsIn(db, count)
  db.exec('pragma journal_mode = wal')
  db.close()
  // Neither loops nor what requests leave behind: clouds know nothing of the copies.
  const world = await openWorld(folder, { counted: false, cron: false })
  return { count, world, estate, bytes: statSync(file).size, seconds, ...known }
}

const factsIn = (db: DatabaseSync, count: number) => {
  const row = (sql: string, ...values: string[]) => ({ ...(db.prepare(sql).get(...values) as Facts) })
  const server = (n: number) =>
    row(
      'select s.*, a.request_id from servers s join server_actions a on a.server_id = s.id where s.id = ?',
      uuidOf('server', n),
    )
  const port = (n: number) =>
    row(
      `select p.*, g.security_group_id, c.name as host from ports p join port_security_groups g on g.port_id = p.id
       join servers s on s.id = p.device_id join clouds c on c.id = s.cloud_id where p.id = ?`,
      uuidOf('port', n),
    )
  const own = inOneNetwork(count)
  const rare = (own / RARE) * 2 + 5
  return {
    ...{ rare: server(rare), rarePort: port(rare), usual: server(2), usualPort: port(2) },
    ...{ first: server(own), gone: server(107) },
  }
}
