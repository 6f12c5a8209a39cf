import { refuse } from '../../shared/refusals.ts'

/** So much of a disk has to be read to know what it is: the sparse header is one sector. */
export const VMDK_HEADER = 512

const SECTORS_PER_KIB = 2
const COMPRESSED = 1 << 16
const MARKERS = 1 << 17

const takesOnly = (found: string): never =>
  refuse(`The disk is ${found}; vSphere imports streamOptimized VMDK only, so it has to be converted first.`)

/**
 * What a disk's first sector says. Only a stream-optimised one can be sent to a host: its grains come one after the
 * other, each with its place.
 * https://www.vmware.com/app/vmdk/?src=vmdk ("Virtual Disk Format 5.0", hosted sparse extents)
 * @throws `definitive` for every other kind of disk, with its name
 */
export const readVmdk = (sector: Uint8Array): { capacityKiB: number } => {
  const text = new TextDecoder('latin1').decode(sector)
  if (text.startsWith('# Disk DescriptorFile'))
    return takesOnly(/createType\s*=\s*"(\w+)"/.exec(text)?.[1] ?? 'a descriptor without its data')
  if (text.startsWith('COWD')) return takesOnly('vmfsSparse')
  if (!text.startsWith('KDMV') || sector.length < VMDK_HEADER) return takesOnly('no VMDK at all')
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength)
  const flags = view.getUint32(8, true)
  const deflated = view.getUint16(77, true) === 1
  if (!(flags & COMPRESSED) || !(flags & MARKERS) || !deflated) return takesOnly('monolithicSparse')
  return { capacityKiB: Number(view.getBigUint64(12, true)) / SECTORS_PER_KIB }
}
