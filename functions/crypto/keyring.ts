import { deriveKeys, type Key } from './keys.ts'

const derived = new WeakMap<Uint8Array[], Map<string, Key[]>>()

/** The keys of one purpose, derived once for each list of secrets. */
export const keyring = (
  secrets: Uint8Array[],
  purpose: 'token' | 'credentials' | 'check' | 'rest' | 'secret' | 'one-time',
): Key[] => {
  const purposes = derived.get(secrets) ?? new Map<string, Key[]>()
  derived.set(secrets, purposes)
  const keys = purposes.get(purpose) ?? deriveKeys(secrets, purpose)
  purposes.set(purpose, keys)
  return keys
}
