import type { Database } from '../../client.ts'
import { usedOnce } from '../../schema/index.ts'

/**
 * Uses up what proves something once. False: it was used before.
 * @param id tells it from everything else
 * @param until how long it could be used (milliseconds since 1970), after which nothing has to be remembered
 */
export const useOnce = async (db: Database, id: string, until: number): Promise<boolean> => {
  const taken = await db.insert(usedOnce).values({ id, until }).onConflictDoNothing().returning({ id: usedOnce.id })
  return taken.length > 0
}
