import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { HostKey } from '../../contract.ts'

/** Types of public keys that are believed; what else a host may have is too weak, or not spoken. */
const TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa']
const FINGERPRINT = /^SHA256:([A-Za-z0-9+/]{43})=?$/

/** A key in SSH's own format begins with its type, and the length of that before it. */
const typeIn = (key: Buffer): string => (key.length > 4 ? key.subarray(4, 4 + key.readUInt32BE(0)).toString() : '')

/**
 * The key of a host as an operator has it: `SHA256:…`, as `ssh-keygen -l` prints it, a line of a `known_hosts` file, or one of
 * a `.pub` file. @returns why it is none, as the end of a sentence
 */
export const readHostKey = (text: string): HostKey | string => {
  const line = text.trim()
  const fingerprint = FINGERPRINT.exec(line)?.[1]
  if (fingerprint !== undefined) return { fingerprint, type: null }
  if (line.startsWith('@')) return 'is a line of an authority, or of a key that was taken back, which is not read'
  const words = line.split(/\s+/)
  const at = words.slice(0, 2).findIndex((word) => TYPES.includes(word))
  if (at < 0) return `is neither SHA256:… nor a line of known_hosts with a key of ${TYPES.join(', ')}`
  const key = Buffer.from(words[at + 1] ?? '', 'base64')
  if (typeIn(key) !== words[at]) return 'is not whole: its key is not of the type that it says'
  return { fingerprint: createHash('sha256').update(key).digest('base64').slice(0, 43), type: words[at]! }
}
