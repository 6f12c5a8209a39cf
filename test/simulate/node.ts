import { createHash, webcrypto } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { migrate } from '../../db/migrate.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { openWorld, type World } from './world.ts'

const MIGRATIONS = new URL('../../db/migrations/', import.meta.url)

/** A database in memory that has no rows yet. */
export const migrated = async () => {
  const d1 = openSqlite(':memory:')
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'))
  await migrate(
    d1,
    files.map((name) => ({ name, sql: readFileSync(new URL(name, MIGRATIONS), 'utf8') })),
  )
  return d1
}

/** A world on Node, over one database in memory: a new one, or what one that was migrated before holds. */
export const openNodeWorld = async (dump?: ArrayBuffer): Promise<World> => {
  digestAtOnce()
  return openWorld(dump ? openSqlite(':memory:', dump) : await migrated())
}

/** Node's own digest answers from another thread, whenever that is done: a run would not be the same twice. */
export const digestAtOnce = (): void => {
  webcrypto.subtle.digest = (async (_: string, data: Uint8Array) => {
    const bytes = createHash('sha256').update(data).digest()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  }) as typeof webcrypto.subtle.digest
}

/** Called from a promise, a tick comes when no other promise has anything to do. */
export const nodeRest = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))
