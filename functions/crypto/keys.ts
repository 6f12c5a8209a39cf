import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

export interface Key {
  /** First characters of the key's hash: tells which key sealed something. */
  kid: string
  /** Made ready once: to do so takes longer than to seal a token. */
  key: KeyObject
}

/** One key per purpose, derived from the operator's secrets (HKDF-SHA256). The first seals, every one opens. */
export const deriveKeys = (secrets: Uint8Array[], purpose: string): Key[] =>
  secrets.map((secret) => {
    const key = new Uint8Array(hkdfSync('sha256', secret, 'plimsoll', purpose, 32))
    const kid = createHash('sha256').update(key).digest('hex').slice(0, 8)
    return { kid, key: createSecretKey(key) }
  })
