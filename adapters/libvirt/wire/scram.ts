import { joined, Malformed } from './xdr.ts'

/*
 * A login by SCRAM (RFC 5802, with SHA-256 by RFC 7677) without channel binding, as a client: each side proves to the other that
 * it knows the password, and neither says it.
 */

/** A dialogue of SASL: what is said first, and what answers each thing that the server says; null: it has proved itself. */
export interface Dialogue {
  mechanism: string
  first: Uint8Array<ArrayBuffer>
  answer(told: Uint8Array): Promise<Uint8Array<ArrayBuffer> | null>
}

/** RFC 7677 wants so many at least; a server that says more than so many wants our time. */
const ITERATIONS = { least: 4_096, most: 100_000 }
const NONCE_BYTES = 24
/** No channel is bound, and nobody else is acted for. */
const HEADER = 'n,,'

const ENCODER = new TextEncoder()
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => ENCODER.encode(text)
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4) throw new Malformed('what is no base64')
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}

const hmac = async (key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> => {
  const usable = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', usable, bytesOf(text)))
}
const salted = async (password: string, salt: Uint8Array<ArrayBuffer>, iterations: number) => {
  const key = await crypto.subtle.importKey('raw', bytesOf(password), 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256))
}

/** Fields of a message, by their letter; what comes twice, or has none, makes it none. */
const fieldsOf = (message: string): Map<string, string> => {
  const fields = message.split(',').map((field) => [field.slice(0, 1), field.slice(2), field.slice(1, 2)] as const)
  const found = new Map(fields.map(([name, value]) => [name, value]))
  if (found.size < fields.length || fields.some(([, , equals]) => equals !== '='))
    throw new Malformed('a login in other words')
  return found
}

const numberIn = (text: string | undefined): number => (/^[1-9]\d{0,8}$/.test(text ?? '') ? Number(text) : 0)

/** @param nonce given by tests alone */
export const scram = (
  username: string,
  password: string,
  nonce = base64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))),
): Dialogue => {
  const first = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  /** What a server says that knows the password. */
  let proof: string | null = null
  const prove = async (told: string) => {
    const fields = fieldsOf(told)
    const [both = '', iterations] = [fields.get('r'), numberIn(fields.get('i'))]
    if (!both.startsWith(nonce) || both.length === nonce.length) throw new Malformed('a nonce that is not ours')
    if (iterations < ITERATIONS.least || iterations > ITERATIONS.most)
      throw new Malformed(`a password that is hashed ${iterations} times`)
    const key = await salted(password, fromBase64(fields.get('s') ?? ''), iterations)
    const last = `c=${btoa(HEADER)},r=${both}`
    const all = `${first},${told},${last}`
    const own = await hmac(key, 'Client Key')
    const stored = new Uint8Array(await crypto.subtle.digest('SHA-256', own))
    const signature = await hmac(stored, all)
    proof = `v=${base64(await hmac(await hmac(key, 'Server Key'), all))}`
    return `${last},p=${base64(own.map((byte, at) => byte ^ signature[at]!))}`
  }
  return {
    mechanism: 'SCRAM-SHA-256',
    first: bytesOf(HEADER + first),
    async answer(told) {
      const words = new TextDecoder().decode(told)
      if (proof === null) return bytesOf(await prove(words))
      if (words !== proof) throw new Malformed('a server that does not know the password')
      return null
    },
  }
}

/** The password itself, for lines on which nobody else listens (RFC 4616). */
export const plain = (username: string, password: string): Dialogue => ({
  mechanism: 'PLAIN',
  first: joined([bytesOf(`\0${username}\0${password}`)]) as Uint8Array<ArrayBuffer>,
  answer: async () => null,
})
