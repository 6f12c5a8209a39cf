import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Key } from './keys.ts'

const NONCE = 12
const TAG = 16

/** `v1.<kid>.<base64url of nonce, tag, ciphertext>` under AES-256-GCM; `aad` binds the text to its place. */
export const seal = (plain: string, aad: string, [first]: Key[]): string => {
  if (!first) throw new Error('no key to seal with')
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', first.key, nonce)
  cipher.setAAD(Buffer.from(aad))
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return `v1.${first.kid}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
}

/** The text, or null if it was sealed by no key of ours, for another place, or tampered with. */
export const open = (sealed: string, aad: string, keys: Key[]): string | null => {
  const [version, kid, payload] = sealed.split('.')
  const found = keys.find((k) => k.kid === kid)
  if (version !== 'v1' || !found || !payload) return null
  const bytes = Buffer.from(payload, 'base64url')
  if (bytes.length < NONCE + TAG) return null
  try {
    const decipher = createDecipheriv('aes-256-gcm', found.key, bytes.subarray(0, NONCE))
    decipher.setAAD(Buffer.from(aad))
    decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
    return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
