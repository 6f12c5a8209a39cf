import type { Surroundings } from '../contract.ts'

interface Patience {
  /** Whether the guest hears that it is to shut down. */
  listens: boolean
  /** How long it may take, in milliseconds. */
  patienceMs: number
  /** So long after it was asked it is asked anew: it was started since, and not by us. */
  forgottenMs: number
}

/**
 * What comes next for a guest that is to be off: to ask it, which is noted under `key`, to wait for it, or to cut its power. Whoever
 * starts it deletes the key.
 */
export const nextTowardsOff = async (
  { store, now }: Pick<Surroundings, 'store' | 'now'>,
  key: string,
  { listens, patienceMs, forgottenMs }: Patience,
): Promise<'ask' | 'wait' | 'cut'> => {
  const asked = await store.get(key)
  const since = asked ? now() - Number(asked.value) : null
  if (listens && (since === null || since > forgottenMs)) {
    await store.put(key, now(), asked?.version ?? 0)
    return 'ask'
  }
  if (listens && since !== null && since < patienceMs) return 'wait'
  await store.delete(key)
  return 'cut'
}
