/** What the bytes of an image say of themselves, in the words that Glance's inspection has (oslo.utils, imageutils). */

/** So much of the beginning is looked at: the mark of an ISO is the farthest in. */
export const HEAD = 64 * 1024
/** A disk of the VHD format may have its header at the end alone. */
const TAIL = 512

export interface Inspected {
  /** Glance's disk format, `tar` for an archive, `raw` for anything else. */
  format: string
  /** Bytes of the disk inside; null: the format does not say so where it is looked for. */
  virtualSize: number | null
  /** Of which kind it is, where a format has several: of a VMDK by the name in its descriptor. */
  kind?: string
  /** Why nobody should use it: it leads to files beside it. */
  unsafe?: string
}

/** Keeps what has to be looked at while the data goes by. */
export class Inspector {
  #head = new Uint8Array(HEAD)
  #tail = new Uint8Array()
  size = 0

  take(chunk: Uint8Array): void {
    if (this.size < HEAD) this.#head.set(chunk.subarray(0, HEAD - this.size), this.size)
    this.size += chunk.length
    const kept = this.#tail.subarray(Math.max(0, this.#tail.length - (TAIL - Math.min(TAIL, chunk.length))))
    this.#tail = joined(kept, chunk.subarray(Math.max(0, chunk.length - TAIL)))
  }

  /** Whether all of the beginning has been seen. */
  get knowsHead(): boolean {
    return this.size >= HEAD
  }

  inspect(): Inspected {
    return inspectImage(this.#head.subarray(0, this.size), this.#tail, this.size)
  }
}

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> => {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}

/**
 * @param head the first bytes, up to 64 KiB
 * @param tail the last 512 bytes, or all there are
 * @param size of the whole
 */
export const inspectImage = (head: Uint8Array, tail: Uint8Array, size: number): Inspected => {
  const found = recognised(head, tail, size)
  const { virtualSize } = found
  // A header may say anything; what no number here can hold nobody could read again.
  const holds = virtualSize === null || (Number.isSafeInteger(virtualSize) && virtualSize >= 0)
  return holds ? found : { ...found, virtualSize: null, unsafe: 'the size that it claims is impossible' }
}

const recognised = (head: Uint8Array, tail: Uint8Array, size: number): Inspected => {
  const has = (mark: string, at = 0) => text(head, at, mark.length) === mark
  const footed = text(tail, tail.length - TAIL, 8) === 'conectix'
  const formats: [matches: boolean, read: () => Inspected][] = [
    [has('QFI\xfb'), () => qcow2(head)],
    [has('QED\0'), () => ({ format: 'qed', virtualSize: null, unsafe: 'nobody supports its format' })],
    [has('KDMV'), () => vmdk(head)],
    [has('COWD'), () => ({ format: 'vmdk', virtualSize: null, unsafe: 'its type is vmfsSparse' })],
    [
      has('# Disk DescriptorFile'),
      () => ({ format: 'vmdk', virtualSize: null, unsafe: 'its extents are other files' }),
    ],
    [has('vhdxfile'), () => ({ format: 'vhdx', virtualSize: null })],
    [has('conectix'), () => ({ format: 'vhd', virtualSize: big(head, 48) })],
    [!has('conectix') && footed, () => ({ format: 'vhd', virtualSize: big(tail, tail.length - TAIL + 48) })],
    [has('\x7f\x10\xda\xbe', 64), () => vdi(head)],
    [has('WithoutFreeSpace') || has('WithouFreSpacExt'), () => ({ format: 'ploop', virtualSize: null })],
    [has('LUKS\xba\xbe'), () => luks(head, size)],
    [has('CD001', 0x8001), () => ({ format: 'iso', virtualSize: size })],
    [has('ustar', 257), () => ({ format: 'tar', virtualSize: diskInOvf(head) })],
  ]
  const [first, ...others] = formats.filter(([matches]) => matches).map(([, read]) => read())
  if (!first) return { format: 'raw', virtualSize: size, ...partitionFault(head) }
  // One header may hide another: who reads the image next need not read the one that was looked at.
  if (!others.length) return first
  const names = [first, ...others].map(({ format }) => format)
  return { ...first, unsafe: `it is of several formats at once (${names.join(', ')})` }
}

/** One that is neither dynamic (1) nor fixed (2) is what another disk differs in. https://forums.virtualbox.org/viewtopic.php?t=8046 */
const vdi = (head: Uint8Array): Inspected => {
  const type = number(head.slice(76, 80).reverse(), 0, 4)
  const found = { format: 'vdi', virtualSize: little(head, 368) }
  return type === 1 || type === 2 ? found : { ...found, unsafe: `its VDI type is ${type ?? 'not told'}` }
}

/** The first version has its keys in it; what follows is anybody's guess. https://gitlab.com/cryptsetup/cryptsetup/-/wikis/Specification */
const luks = (head: Uint8Array, size: number): Inspected => {
  const version = number(head, 6, 2)
  const found = { format: 'luks', virtualSize: size - (number(head, 104, 4) ?? 0) * SECTOR }
  return version === 1 ? found : { ...found, unsafe: `its LUKS version is ${version ?? 'not told'}` }
}

const PARTITIONS = 446
const PROTECTIVE = 0xee
/** What is wrong with the table of partitions that a raw disk begins with; a FAT file system is none, though it ends alike. */
const partitionFault = (head: Uint8Array): { unsafe?: string } => {
  const isFat = head[0x10] === 2 && head[0x15] === 0xf8
  if (isFat || head.length < SECTOR || number(head, 510, 2) !== 0x55aa) return {}
  const table = [0, 1, 2, 3].map((i) => head.subarray(PARTITIONS + 16 * i, PARTITIONS + 16 * (i + 1)))
  const used = table.filter((entry) => entry[4] !== 0)
  const shield = table.find((entry) => entry[4] === PROTECTIVE)
  if (table.some(([boot]) => boot !== 0 && boot !== 0x80)) return { unsafe: 'a partition has an invalid boot flag' }
  if (!used.length) return { unsafe: 'its boot record has no partitions' }
  if (!shield) return {}
  const starts =
    shield[1] === 0 && shield[2] === 2 && shield[3] === 0 && number(shield.slice(8, 12).reverse(), 0, 4) === 1
  if (!starts) return { unsafe: 'its protective partition has an invalid start' }
  return used.length > 1 || used[0] !== table[0] ? { unsafe: 'there are partitions beside its protective one' } : {}
}

const EXTERNAL_DATA = 4
/** Dirty, corrupt, external data, compression: whoever knows no more reads what has more wrongly. */
const KNOWN_FEATURES = 0b1111
/** https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst */
const qcow2 = (head: Uint8Array): Inspected => {
  const found = { format: 'qcow2', virtualSize: big(head, 24) }
  if (big(head, 8) !== 0) return { ...found, unsafe: 'it has a backing file' }
  const version = number(head, 4, 4)
  if (version === 2) return found
  if (version !== 3) return { ...found, unsafe: `its qcow2 version is ${version ?? 'not told'}` }
  const features = big(head, 72)
  if (features === null || features > KNOWN_FEATURES) return { ...found, unsafe: 'it has unknown features' }
  return features & EXTERNAL_DATA ? { ...found, unsafe: 'its data is in another file' } : found
}

const SECTOR = 512
/** Kinds of VMDK that are one file (Glance's `vmdk_allowed_types`). */
const ALONE = ['monolithicSparse', 'streamOptimized']

/** The header of a sparse extent, with the descriptor in it: the Virtual Disk Format's technical note, 5.0 */
const vmdk = (head: Uint8Array): Inspected => {
  const virtualSize = (little(head, 12) ?? 0) * SECTOR
  const at = (little(head, 28) ?? 0) * SECTOR
  const descriptor = at > 0 ? text(head, at, (little(head, 36) ?? 0) * SECTOR).replace(/\0.*$/s, '') : ''
  const unsafe = descriptorFault(descriptor)
  const kind = typeIn(descriptor)
  return { format: 'vmdk', virtualSize, ...(kind ? { kind } : {}), ...(unsafe === null ? {} : { unsafe }) }
}

const typeIn = (descriptor: string): string | undefined => /^createType="(\w+)"/m.exec(descriptor)?.[1]

/** Why a descriptor leads to other files, or says what is not understood; null: it does not. */
const descriptorFault = (descriptor: string): string | null => {
  const type = typeIn(descriptor)
  if (!type || !ALONE.includes(type)) return `its type is ${type ?? 'not told'}`
  const lines = descriptor
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
  const extents = lines.filter((line) => /^(RW|RDONLY|NOACCESS) /i.test(line))
  const unknown = lines.find((line) => !extents.includes(line) && !/^ddb|^[^ =]+=/.test(line))
  if (unknown !== undefined) return 'its descriptor has a line that is not understood'
  if (!extents.length) return 'it has no extents'
  return extents.every((line) => /^\w+ \d+ SPARSE "[^"/\\]*"$/i.test(line)) ? null : 'its extents are other files'
}

/** How large the first disk of an OVA is, by the OVF that it begins with. */
const diskInOvf = (head: Uint8Array): number | null => {
  if (!text(head, 0, 100).replace(/\0.*$/s, '').endsWith('.ovf')) return null
  const ovf = text(head, SECTOR, Number.parseInt(text(head, 124, 11), 8) || 0)
  const disk = /<(?:\w+:)?Disk\b[^<>]*>/.exec(ovf)?.[0] ?? ''
  const capacity = /\bcapacity="(\d+)"/.exec(disk)?.[1]
  const power = /\bcapacityAllocationUnits="byte(?:\s*\*\s*2\^(\d+))?"/.exec(disk)?.[1] ?? '0'
  return capacity === undefined ? null : Number(capacity) * 2 ** Number(power)
}

/** Latin-1: a byte is a character. */
const text = (bytes: Uint8Array, at: number, length: number): string =>
  at < 0 ? '' : String.fromCharCode(...bytes.subarray(at, at + Math.min(length, HEAD)))

/** Most significant byte first; null: it is not there. */
const number = (bytes: Uint8Array, at: number, length: number): number | null =>
  at < 0 || at + length > bytes.length
    ? null
    : bytes.subarray(at, at + length).reduce((sum, byte) => sum * 256 + byte, 0)
const big = (bytes: Uint8Array, at: number) => number(bytes, at, 8)
const little = (bytes: Uint8Array, at: number) => number(bytes.slice(at, at + 8).reverse(), 0, 8)

/** Containers whose inside is not looked at, as in Glance; the disk of an OVA is checked by the cloud that takes it. */
const LOOKED_INTO = ['bare', 'ova']

export interface Formats {
  diskFormat: string | null
  containerFormat: string | null
}

/**
 * What is wrong with the data for an image of these formats, in Glance's words; null: nothing. @param checked whether it has
 * to be of them: what nobody should use is wrong in any case
 */
export const mismatch = ({ diskFormat, containerFormat }: Formats, found: Inspected, checked = true): string | null => {
  if (!LOOKED_INTO.includes(containerFormat ?? '')) return null
  if (!checked) return whyUnsafe(found)
  if (containerFormat === 'ova')
    return found.format === 'tar' ? null : `Image container_format ova does not match stream data ${found.format}`
  // An archive is as good a raw disk as any other bytes, and there is no telling an AMI from them.
  const format = found.format === 'tar' ? 'raw' : found.format
  const expected = ['ami', 'ari', 'aki'].includes(diskFormat ?? '') ? 'raw' : diskFormat
  if (format !== expected) return `Image disk_format ${diskFormat} does not match stream data ${format}`
  return whyUnsafe(found)
}

const whyUnsafe = ({ unsafe }: Inspected): string | null => (unsafe ? `Image failed safety checks: ${unsafe}` : null)

/** The size of the disk inside; null where it is not looked for. */
export const virtualSizeOf = ({ containerFormat }: Formats, found: Inspected): number | null =>
  LOOKED_INTO.includes(containerFormat ?? '') ? found.virtualSize : null
