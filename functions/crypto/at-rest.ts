import { keyring } from './keyring.ts'
import { open, seal } from './seal.ts'

/**
 * Secrets of users in rows of the database: sealed for their place, so that a copy of the database tells none, and one
 * that was moved to another row does not open.
 */
interface Keeper {
  settings: { secretKeys: Uint8Array[] }
  deployment: { id: string }
}

const keys = ({ settings }: Keeper) => keyring(settings.secretKeys, 'rest')
const bound = ({ deployment }: Keeper, place: string): string => `${deployment.id}|${place}`

/** How whatever begins that today's first key sealed, and that an older one did, which is to be sealed again. */
export const headsAtRest = (keeper: Keeper): { today: string; older: string[] } => {
  const [today, ...older] = keys(keeper).map(({ kid }) => `v1.${kid}.`)
  return { today: today!, older }
}

/** @param place table, key of the row and column, e.g. `servers/<id>/user_data` */
export const sealAtRest = (keeper: Keeper, place: string, plain: string): string =>
  seal(plain, bound(keeper, place), keys(keeper))

/**
 * The secret in the clear; null if no key of ours opens it at this place. What an earlier version of this program wrote
 * in the clear is given as it is.
 */
export const openAtRest = (keeper: Keeper, place: string, kept: string): string | null =>
  isSealed(kept) ? open(kept, bound(keeper, place), keys(keeper)) : kept

const isSealed = (text: string): boolean => /^v1\.[0-9a-f]{8}\.[\w-]+$/.test(text)

/** The same secret under today's first key; null if it is already, or does not open. */
export const resealAtRest = (keeper: Keeper, place: string, kept: string): string | null => {
  if (kept.startsWith(headsAtRest(keeper).today)) return null
  const plain = openAtRest(keeper, place, kept)
  return plain === null ? null : sealAtRest(keeper, place, plain)
}
