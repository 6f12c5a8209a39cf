import type { D1Database } from '@cloudflare/workers-types'
import type { MemoryStore } from './memory-store.ts'
import { type Rows, rowsOf } from './rows.ts'

/** A world as its story finds it: a first start and its embedded clouds, with what those have on offer. */
export interface Beginning {
  rows: Rows
  cloudState: MemoryStore
  /** Milliseconds since 1970. */
  now: number
  /** By name. */
  ids: Record<'projects' | 'users' | 'roles' | 'clouds', Record<string, string>>
}

/** By the clouds. */
const known = new Map<string, Beginning>()

/** How a world with these clouds begins, if there was one before. */
export const beginningWith = (clouds: object[]): Beginning | undefined => known.get(JSON.stringify(clouds))

/** Keeps how a world with these clouds began; but for who it is, which is sealed with a key of its own. */
export const keepBeginning = async (
  clouds: object[],
  d1: D1Database,
  { cloudState, now, ids }: Omit<Beginning, 'rows'>,
): Promise<void> => {
  const rows = await rowsOf(d1, ['settings'])
  known.set(JSON.stringify(clouds), { rows, cloudState: cloudState.copy(), now, ids: structuredClone(ids) })
}
