import { createHash, webcrypto } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { migrate } from '../../db/migrate.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { openWorld, type World } from './world.ts'

const MIGRATIONS = new URL('../../db/migrations/', import.meta.url)

/** A world on Node: one database in memory, made and migrated once. */
export const openNodeWorld = async (): Promise<World> => {
  const d1 = openSqlite(':memory:')
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'))
  await migrate(
    d1,
    files.map((name) => ({ name, sql: readFileSync(new URL(name, MIGRATIONS), 'utf8') })),
  )
  digestAtOnce()
  return openWorld(d1)
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
