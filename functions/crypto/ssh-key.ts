import { Buffer } from 'node:buffer'
import { createHash, createPrivateKey } from 'node:crypto'
import { table } from '../../adapters/table.ts'

/** Parts of each kind of public key after its name (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4, PROTOCOL.u2f). */
const PARTS: Record<string, number> = table({
  'ssh-rsa': 2,
  'ssh-dss': 4,
  'ssh-ed25519': 1,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
})

/** MD5 of a public key in OpenSSH's one-line form, in pairs of digits as Nova shows it; null if it is no such key. */
export const sshFingerprint = (publicKey: string): string | null => {
  const [type = '', body = ''] = publicKey.trim().split(/\s+/)
  if (/[\r\n]/.test(publicKey.trim()) || !Object.hasOwn(PARTS, type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(body))
    return null
  const bytes = Buffer.from(body, 'base64')
  const parts = split(bytes)
  if (parts?.[0]?.toString() !== type || parts.length !== 1 + PARTS[type]!) return null
  if (type === 'ssh-ed25519' && parts[1]!.length !== 32) return null
  return pairs(createHash('md5').update(bytes).digest('hex'))
}

/** The length-prefixed strings of which a key consists; null if they do not fill it exactly. */
const split = (bytes: Buffer): Buffer[] | null => {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return null
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) return null
    parts.push(bytes.subarray(at + 4, end))
    at = end
  }
  return parts
}

/** `3f:a2:…` */
export const pairs = (hex: string): string => hex.match(/../g)!.join(':')

export interface RsaPair {
  /** PKCS #8, DER. */
  pkcs8: Uint8Array
  /** SubjectPublicKeyInfo, DER. */
  spki: Uint8Array
  modulus: Uint8Array
  exponent: Uint8Array
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** A new RSA pair of 2048 bits, as Nova makes them. */
export const newRsaPair = async (): Promise<RsaPair> => {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const pair = await crypto.subtle.generateKey(
    { ...algorithm, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
    true,
    ['sign', 'verify'],
  )
  const { n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return {
    pkcs8: new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)),
    spki: new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey)),
    modulus: Buffer.from(n!, 'base64url'),
    exponent: Buffer.from(e!, 'base64url'),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, Buffer.from(bytes))),
  }
}

/** The same pair as OpenSSH reads it: one line for servers, PEM for its owner. */
export const asSshKey = ({ pkcs8, modulus, exponent }: RsaPair): { publicKey: string; privateKey: string } => {
  const text = (bytes: Uint8Array) => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(bytes.length)
    return Buffer.concat([head, bytes])
  }
  const positive = (bytes: Uint8Array) => (bytes[0]! >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes)
  const wire = Buffer.concat([text(Buffer.from('ssh-rsa')), text(positive(exponent)), text(positive(modulus))])
  return {
    publicKey: `ssh-rsa ${wire.toString('base64')} Generated-by-Plimsoll`,
    privateKey: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs1' })
      .toString(),
  }
}
