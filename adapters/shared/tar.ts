import { refuse } from './refusals.ts'

/** A file in an archive: where its bytes are. */
export interface Member {
  name: string
  offset: number
  size: number
}

const BLOCK = 512
const NAMES = 1 << 16
/** No package has more files. */
const MEMBERS = 1_000
/** A member has at most three: its records, a long name, and its own. */
const HEADERS = 3 * MEMBERS

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/\0.*$/s, '')
const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK

/** Octal digits, or for large files the number itself after a byte with its highest bit set. */
const numberIn = (field: Uint8Array): number =>
  (field[0] ?? 0) & 0x80
    ? field.slice(1).reduce((sum, byte) => sum * 256 + byte, (field[0] ?? 0) & 0x7f)
    : Number.parseInt(text(field).trim() || '0', 8)

const isSound = (header: Uint8Array): boolean => {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  return sum === numberIn(header.slice(148, 156))
}

const BLANK = 32
/** A length has no more digits: a block of records is not that large. */
const DIGITS = 7
/** `<length> <key>=<value>\n`, again and again; a length counts its own digits too. */
const recordsIn = (block: Uint8Array): Map<string, string> => {
  const records = new Map<string, string>()
  for (let at = 0; at < block.length; ) {
    const blank = block.subarray(at, at + DIGITS + 1).indexOf(BLANK)
    const length = Number(text(block.subarray(at, at + Math.max(blank, 0))))
    if (blank < 1 || !Number.isSafeInteger(length) || length <= blank)
      refuse('The OVA is not a tar archive, or a damaged one.')
    const record = new TextDecoder().decode(block.subarray(at + blank + 1, at + length - 1))
    const equals = record.indexOf('=')
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return records
}

/**
 * The files of a tar archive, in their order. Only headers are read, as ranges, never what is in the files.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 * @throws `definitive` for what is no archive, or ends too early
 */
export const membersOf = async (
  read: (offset: number, length: number) => Promise<Uint8Array>,
  total: number,
): Promise<Member[]> => {
  const members: Member[] = []
  let told = new Map<string, string>()
  let headers = 0
  for (let at = 0; at + BLOCK <= total; ) {
    const header = await read(at, BLOCK)
    if (header.every((byte) => byte === 0)) break
    if (!isSound(header)) refuse('The OVA is not a tar archive, or a damaged one.')
    const kind = String.fromCharCode(header[156] ?? 0)
    const size = Number(told.get('size') ?? numberIn(header.slice(124, 136)))
    const offset = at + BLOCK
    // A size below nothing would lead back to this very block, for ever.
    if (!Number.isSafeInteger(size) || size < 0 || members.length >= MEMBERS || ++headers > HEADERS)
      refuse('The OVA is not a tar archive, or a damaged one.')
    if (offset + size > total) refuse('The OVA ends too early.')
    at = offset + padded(size)
    if (kind === 'x' || kind === 'L') {
      if (size > NAMES) refuse('The OVA is not a tar archive, or a damaged one.')
      const inside = await read(offset, size)
      told = kind === 'x' ? recordsIn(inside) : told.set('path', text(inside))
      continue
    }
    // GNU tar, whose magic goes on with a blank, keeps other things there.
    const prefix = header[262] === 0 ? text(header.slice(345, 500)) : ''
    const name = told.get('path') ?? `${prefix}${prefix ? '/' : ''}${text(header.slice(0, 100))}`
    told = new Map()
    if (kind === '0' || kind === '\0') members.push({ name: name.replace(/^\.\//, ''), offset, size })
  }
  return members
}
