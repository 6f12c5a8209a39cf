import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'

/** RFC 9562 namespace of everything that Plimsoll names by itself. */
const NAMESPACE = '6f0c1b1e-3a53-5f0e-9c3b-5d1b8a0e7c11'

const SPACE = Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex')

/** UUID v5 of a name: every process and every deployment gives the same id to the same thing. */
export const uuid5 = (name: string): string => {
  const bytes = createHash('sha1').update(SPACE).update(name).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

const ids = new Map<string, string>()
const IDS_KEPT = 1_000

/** The same for what has no row of its own and is shown again and again: a hash takes longer than many a read. */
export const idOf = (name: string): string => {
  const known = ids.get(name)
  if (known !== undefined) return known
  if (ids.size >= IDS_KEPT) ids.clear()
  const id = uuid5(name)
  ids.set(name, id)
  return id
}
