import { refuse } from '../../shared/refusals.ts'

/** A file in an archive: where its bytes are. */
export interface Member {
  name: string
  offset: number
  size: number
}

const BLOCK = 512
const NAMES = 1 << 20
/** No package has more files. */
const MEMBERS = 1_000

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

/** `<length> <key>=<value>\n`, again and again. */
const recordsIn = (block: string): Record<string, string> =>
  Object.fromEntries([...block.matchAll(/\d+ ([^=\n]+)=([^\n]*)\n/g)].map(([, key, value]) => [key!, value!]))

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
  let told: { path?: string; size?: string } = {}
  for (let at = 0; at + BLOCK <= total; ) {
    const header = await read(at, BLOCK)
    if (header.every((byte) => byte === 0)) break
    if (!isSound(header)) refuse('The OVA is not a tar archive, or a damaged one.')
    const kind = String.fromCharCode(header[156] ?? 0)
    const size = told.size === undefined ? numberIn(header.slice(124, 136)) : Number(told.size)
    const offset = at + BLOCK
    // A size below nothing would lead back to this very block, for ever.
    if (!Number.isSafeInteger(size) || size < 0 || members.length >= MEMBERS)
      refuse('The OVA is not a tar archive, or a damaged one.')
    if (offset + size > total) refuse('The OVA ends too early.')
    at = offset + padded(size)
    if (kind === 'x' || kind === 'L') {
      if (size > NAMES) refuse('The OVA is not a tar archive, or a damaged one.')
      const inside = new TextDecoder().decode(await read(offset, size))
      told = kind === 'x' ? recordsIn(inside) : { ...told, path: inside.replace(/\0.*$/s, '') }
      continue
    }
    // GNU tar, whose magic goes on with a blank, keeps other things there.
    const prefix = header[262] === 0 ? text(header.slice(345, 500)) : ''
    const name = told.path ?? `${prefix}${prefix ? '/' : ''}${text(header.slice(0, 100))}`
    told = {}
    if (kind === '0' || kind === '\0') members.push({ name: name.replace(/^\.\//, ''), offset, size })
  }
  return members
}
