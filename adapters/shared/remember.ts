import type { Surroundings } from '../contract.ts'

/**
 * What was found out at most `ms` milliseconds ago, or else is found out now. Kept in this process alone, and gone
 * whenever the process likes.
 * @param fresh found out now, whatever is kept
 */
export const remembered = async <T>(
  { cache, now }: Pick<Surroundings, 'cache' | 'now'>,
  key: string,
  ms: number,
  findOut: () => Promise<T>,
  fresh = false,
): Promise<T> => {
  const kept = cache.get(key)
  if (kept && !fresh && kept.until > now()) return kept.value as T
  const value = await findOut()
  cache.set(key, { value, until: now() + ms })
  return value
}
