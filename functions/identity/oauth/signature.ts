import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { table } from '../../../adapters/table.ts'
import { percent } from '../percent.ts'

/* Signatures of OAuth 1.0a (https://www.rfc-editor.org/rfc/rfc5849#section-3.4), as far as they are made with a secret. */

/** What the header `Authorization: OAuth …` of a request says, decoded; null: there is none. */
export const oauthOf = (headers: Headers): Record<string, string> | null => {
  const header = headers.get('Authorization') ?? ''
  if (!/^OAuth\s/i.test(header) || header.length > 4096) return null
  const said: Record<string, string> = Object.create(null)
  for (const part of header.slice(6).split(',')) {
    const at = part.indexOf('=')
    const name = decoded(part.slice(0, Math.max(0, at)).trim())
    const value = decoded(
      part
        .slice(at + 1)
        .trim()
        .replace(/^"|"$/g, ''),
    )
    // What is said twice is said by two.
    if (at < 0 || name === null || value === null || said[name] !== undefined) return null
    if (name !== 'realm') said[name] = value
  }
  return said
}

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

const HASHES: Record<string, string> = table({ 'HMAC-SHA1': 'sha1', 'HMAC-SHA256': 'sha256' })

interface Signed {
  method: string
  /** As the client wrote it, with its query. */
  url: string
  oauth: Record<string, string>
  /** Of the consumer, and of its token or empty. */
  secrets: { consumer: string; token: string }
}

/** The text that is signed: method, address and parameters in their order (section 3.4.1). */
const baseOf = ({ method, url, oauth }: Omit<Signed, 'secrets'>): string => {
  const { protocol, host, pathname, searchParams } = new URL(url)
  const { oauth_signature: _, ...rest } = oauth
  const pairs = [...searchParams, ...Object.entries(rest)].map(([name, value]) => [percent(name), percent(value)])
  const parameters = pairs
    .sort(([a, b], [c, d]) => (a === c ? (b! < d! ? -1 : 1) : a! < c! ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return [method.toUpperCase(), `${protocol}//${host}${pathname}`, parameters].map(percent).join('&')
}

/** Whether a request was signed with these secrets, or bears them (section 3.4.4). A way to sign that is not one with a secret is none. */
export const isSigned = (signed: Signed): boolean => {
  const { oauth_signature_method: method = '', oauth_signature: signature = '' } = signed.oauth
  const key = `${percent(signed.secrets.consumer)}&${percent(signed.secrets.token)}`
  if (method === 'PLAINTEXT') return isSame(Buffer.from(key), Buffer.from(signature))
  const hash = HASHES[method]
  return !!hash && isSame(createHmac(hash, key).update(baseOf(signed)).digest(), Buffer.from(signature, 'base64'))
}

const isSame = (wanted: Buffer, given: Buffer): boolean =>
  wanted.length === given.length && timingSafeEqual(wanted, given)
