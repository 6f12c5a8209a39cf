import type { D1Database } from '@cloudflare/workers-types'
import type { MemoryStore } from '../memory-store.ts'
import { type Rows, rowsOf } from './rows.ts'

/** A world as its story finds it: what is in its database and what its clouds remember. Any number may begin like that. */
export interface Beginning {
  rows: Rows
  cloudState: MemoryStore
  /** Milliseconds since 1970. */
  now: number
  /** By name. */
  ids: Record<'projects' | 'users' | 'roles' | 'clouds', Record<string, string>>
  /** What its rows are sealed with; absent: it is nobody yet, and has keys of its own. */
  secretKeys?: Uint8Array[]
}

/** A world at rest as it is now, which goes on as if nothing had happened. */
export const keep = async (d1: D1Database, world: Omit<Beginning, 'rows'>): Promise<Beginning> => ({
  ...world,
  rows: await rowsOf(d1, world.secretKeys ? [] : ['settings']),
  cloudState: world.cloudState.copy(),
  ids: structuredClone(world.ids),
})

/** First starts, by their clouds. */
const known = new Map<string, Beginning>()

/** How a first start with these clouds ends, if there was one before. */
export const firstStart = (clouds: object[]): Beginning | undefined => known.get(JSON.stringify(clouds))

export const keepFirstStart = async (clouds: object[], ...world: Parameters<typeof keep>): Promise<void> => {
  known.set(JSON.stringify(clouds), await keep(...world))
}
