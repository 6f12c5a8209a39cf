/** What the bytes of an image say of themselves, in the words that Glance's inspection has (oslo.utils, imageutils). */

/** So much of the beginning is looked at: the mark of an ISO is the farthest in. */
const HEAD = 64 * 1024
/** A disk of the VHD format may have its header at the end alone. */
const TAIL = 512

export interface Inspected {
  /** Glance's disk format, `tar` for an archive, `raw` for anything else. */
  format: string
  /** Bytes of the disk inside; null: the format does not say so where it is looked for. */
  virtualSize: number | null
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
  if (has('QFI\xfb')) return qcow2(head)
  if (has('KDMV')) return vmdk(head)
  if (has('# Disk DescriptorFile')) return { format: 'vmdk', virtualSize: null, unsafe: 'its extents are other files' }
  if (has('vhdxfile')) return { format: 'vhdx', virtualSize: null }
  if (has('conectix')) return { format: 'vhd', virtualSize: big(head, 48) }
  if (text(tail, tail.length - TAIL, 8) === 'conectix')
    return { format: 'vhd', virtualSize: big(tail, tail.length - TAIL + 48) }
  if (has('\x7f\x10\xda\xbe', 64)) return { format: 'vdi', virtualSize: little(head, 368) }
  if (has('WithoutFreeSpace') || has('WithouFreSpacExt')) return { format: 'ploop', virtualSize: null }
  if (has('CD001', 0x8001)) return { format: 'iso', virtualSize: size }
  if (has('ustar', 257)) return { format: 'tar', virtualSize: diskInOvf(head) }
  return { format: 'raw', virtualSize: size }
}

/** https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst */
const qcow2 = (head: Uint8Array): Inspected => {
  const found = { format: 'qcow2', virtualSize: big(head, 24) }
  if (big(head, 8) !== 0) return { ...found, unsafe: 'it has a backing file' }
  const external = (number(head, 4, 4) ?? 0) >= 3 && ((number(head, 76, 4) ?? 0) & 4) !== 0
  return external ? { ...found, unsafe: 'its data is in another file' } : found
}

const SECTOR = 512
/** Kinds of VMDK that are one file (Glance's `vmdk_allowed_types`). */
const ALONE = ['monolithicSparse', 'streamOptimized']

/** The header of a sparse extent, with the descriptor in it: the Virtual Disk Format's technical note, 5.0 */
const vmdk = (head: Uint8Array): Inspected => {
  const virtualSize = (little(head, 12) ?? 0) * SECTOR
  const at = (little(head, 28) ?? 0) * SECTOR
  const descriptor = text(head, at, (little(head, 36) ?? 0) * SECTOR)
  const type = /^createType="(\w+)"/m.exec(at > 0 ? descriptor : '')?.[1]
  const found = { format: 'vmdk', virtualSize }
  return type && ALONE.includes(type) ? found : { ...found, unsafe: `its type is ${type ?? 'not told'}` }
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

/** What is wrong with the data for an image of these formats, in Glance's words; null: nothing. */
export const mismatch = ({ diskFormat, containerFormat }: Formats, found: Inspected): string | null => {
  if (!LOOKED_INTO.includes(containerFormat ?? '')) return null
  if (containerFormat === 'ova')
    return found.format === 'tar' ? null : `Image container_format ova does not match stream data ${found.format}`
  // An archive is as good a raw disk as any other bytes, and there is no telling an AMI from them.
  const format = found.format === 'tar' ? 'raw' : found.format
  const expected = ['ami', 'ari', 'aki'].includes(diskFormat ?? '') ? 'raw' : diskFormat
  if (format !== expected) return `Image disk_format ${diskFormat} does not match stream data ${format}`
  return found.unsafe ? `Image failed safety checks: ${found.unsafe}` : null
}

/** The size of the disk inside; null where it is not looked for. */
export const virtualSizeOf = ({ containerFormat }: Formats, found: Inspected): number | null =>
  LOOKED_INTO.includes(containerFormat ?? '') ? found.virtualSize : null
