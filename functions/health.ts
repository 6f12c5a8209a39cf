import { writeHealth } from '../db/queries/line/settings.ts'
import type { Host } from './context.ts'
import { storageTrouble } from './http/storage-fault.ts'

/** An answer is good for so long, whoever asks, in milliseconds: strangers may ask, and it costs a write. */
const FRESH = 5_000

/** Why requests cannot be served, in a sentence; null: they can. Looks by writing: a full disk can still be read. */
export const healthOf = (host: Host): (() => Promise<string | null>) => {
  let last: { at: number; trouble: string | null } | undefined
  return async () => {
    if (host.ending?.()) return 'The process is ending.'
    // What a statement has met once is there still, wherever this one would look.
    if ('damage' in host.d1 && host.d1.damage) return 'The database is damaged.'
    const now = performance.now()
    if (last && now - last.at < FRESH) return last.trouble
    const trouble = await look(host)
    last = { at: now, trouble }
    return trouble
  }
}

const look = async (host: Host): Promise<string | null> => {
  try {
    await writeHealth(host.db, host.now())
    return null
  } catch (error) {
    host.log('error', 'the database cannot be written', { error: String(error) })
    return storageTrouble(error) ?? 'The database does not answer.'
  }
}
