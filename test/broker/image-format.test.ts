import { describe, expect, it } from 'vitest'
import { Inspector, mismatch, virtualSizeOf } from '../../functions/broker/image/image-format.ts'
import {
  isoDisk,
  noise,
  ovaArchive,
  qcow2Disk,
  rawDisk,
  vdiDisk,
  vhdDisk,
  vhdxDisk,
  vmdkDisk,
} from '../support/disks.ts'

const GIB = 2 ** 30
/** As it comes by, in pieces of that size. */
const inspected = (bytes: Uint8Array, piece = 1_000) => {
  const inspector = new Inspector()
  for (let at = 0; at < bytes.length; at += piece) inspector.take(bytes.subarray(at, at + piece))
  return inspector.inspect()
}
const asked = (name: string) => {
  const [diskFormat = null, containerFormat = null] = name.split('/')
  return { diskFormat, containerFormat }
}

describe('what data says of itself', () => {
  it.each([
    ['qcow2', qcow2Disk(), 2 * GIB],
    ['vmdk', vmdkDisk(), 3 * GIB],
    ['vhd', vhdDisk(), 4 * GIB],
    ['vhdx', vhdxDisk(), null],
    ['vdi', vdiDisk(), 5 * GIB],
    ['iso', isoDisk(), 70_000],
    ['tar', ovaArchive(), 3 * GIB],
    ['raw', rawDisk(), 1_600_000],
    ['raw', noise(100), 100],
    ['raw', new Uint8Array(), 0],
  ])('%s, with the size of the disk inside', (format, bytes, virtualSize) => {
    for (const piece of [7, 512, 1_000, 1_000_000])
      expect(inspected(bytes, piece)).toMatchObject({ format, virtualSize })
  })

  it('vmdk, with its kind', () => {
    expect(inspected(vmdkDisk())).toMatchObject({ kind: expect.stringMatching(/^(monolithicSparse|streamOptimized)$/) })
  })

  it('leads to no other file', () => {
    expect(inspected(qcow2Disk({ backing: 512 })).unsafe).toBe('it has a backing file')
    expect(inspected(qcow2Disk({ incompatible: 4 })).unsafe).toBe('its data is in another file')
    expect(inspected(qcow2Disk({ incompatible: 1 })).unsafe).toBeUndefined()
    expect(inspected(vmdkDisk({ type: 'monolithicFlat' })).unsafe).toBe('its type is monolithicFlat')
    expect(inspected(vmdkDisk({ type: 'monolithicSparse' })).unsafe).toBeUndefined()
    const descriptor = new TextEncoder().encode('# Disk DescriptorFile\ncreateType="vmfs"\nRW 8 VMFS "/etc/passwd"\n')
    expect(inspected(descriptor)).toMatchObject({ format: 'vmdk', unsafe: 'its extents are other files' })
  })
})

const laid = (size: number, ...parts: [at: number, bytes: number[] | string][]): Uint8Array => {
  const bytes = noise(size)
  bytes.fill(0, 0, 512)
  for (const [at, part] of parts)
    bytes.set(typeof part === 'string' ? Uint8Array.from(part, (c) => c.charCodeAt(0)) : part, at)
  return bytes
}
const SIGNED: [number, number[]] = [510, [0x55, 0xaa]]
/** Protective: from the first sector on. */
const SHIELD = [0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0]

describe('what nobody should open', () => {
  const vmdkWith = (extent: string) => {
    const bytes = vmdkDisk()
    const at = Buffer.from(bytes).indexOf('RDONLY ')
    bytes.set(
      Uint8Array.from(extent.padEnd(40, ' ').concat('\n#'), (c) => c.charCodeAt(0)),
      at,
    )
    return bytes
  }

  it.each<[what: string, bytes: Uint8Array, words: string]>([
    ['qcow2 of features that nobody knows', qcow2Disk({ incompatible: 16 }), 'it has unknown features'],
    ['qcow2 of a feature far away', qcow2Disk({ incompatible: 2 ** 52 }), 'it has unknown features'],
    ['qcow2 of the first version', laid(2_000, [0, 'QFI\xfb\0\0\0\x01']), 'its qcow2 version is 1'],
    ['QED', laid(2_000, [0, 'QED\0']), 'nobody supports its format'],
    ['LUKS of the second version', laid(2_000, [0, 'LUKS\xba\xbe\0\x02']), 'its LUKS version is 2'],
    ['a vmdk of a flat extent', vmdkWith('RW 8 FLAT "flat.vmdk" 0'), 'its extents are other files'],
    ['a vmdk of a file elsewhere', vmdkWith('RW 8 SPARSE "/etc/passwd"'), 'its extents are other files'],
    ['a vmdk of a device', vmdkWith('RW 8 VMFSRDM "x"'), 'its extents are other files'],
    ['a vmdk of no extent', vmdkWith('# nothing'), 'it has no extents'],
    ['a vmdk of a line of its own', vmdkWith('hello there'), 'its descriptor has a line that is not understood'],
    ['an older vmdk', laid(2_000, [0, 'COWD']), 'its type is vmfsSparse'],
    [
      'qcow2 and ISO in one',
      laid(70_000, [0, qcow2Disk().subarray(0, 512) as never], [0x8001, 'CD001']),
      'it is of several formats at once (qcow2, iso)',
    ],
    ['a boot record without partitions', laid(2_000, SIGNED), 'its boot record has no partitions'],
    [
      'a partition of an odd flag',
      laid(2_000, SIGNED, [446, [7, 0, 0, 0, 0x83]]),
      'a partition has an invalid boot flag',
    ],
    [
      'a protective partition that is not first',
      laid(2_000, SIGNED, [462, SHIELD]),
      'there are partitions beside its protective one',
    ],
    [
      'a protective partition elsewhere',
      laid(2_000, SIGNED, [446, SHIELD.with(8, 9)]),
      'its protective partition has an invalid start',
    ],
  ])('%s', (_, bytes, words) => expect(inspected(bytes).unsafe).toBe(words))

  it.each<[what: string, bytes: Uint8Array]>([
    ['a disk with a table of partitions', laid(2_000, SIGNED, [446, [0x80, 1, 1, 0, 0x83]])],
    ['a disk with a newer one', laid(2_000, SIGNED, [446, SHIELD])],
    ['a FAT file system', laid(2_000, SIGNED, [0x10, [2]], [0x15, [0xf8]])],
  ])('but not %s', (_, bytes) => expect(inspected(bytes)).toEqual({ format: 'raw', virtualSize: 2_000 }))

  it('is no raw disk, whatever its owner says', () => {
    for (const head of ['QED\0', 'LUKS\xba\xbe\0\x01', 'COWD'])
      expect(mismatch(asked('raw/bare'), inspected(laid(2_000, [0, head])))).toMatch(
        /^Image disk_format raw does not match/,
      )
    const parted = inspected(laid(2_000, SIGNED))
    expect(mismatch(asked('raw/bare'), parted)).toMatch(/^Image failed safety checks/)
  })
})

describe('an image', () => {
  const of = (formats: string, bytes: Uint8Array) => mismatch(asked(formats), inspected(bytes))

  it('is what it says it is', () => {
    expect(of('qcow2/bare', qcow2Disk())).toBeNull()
    expect(of('vmdk/ova', ovaArchive())).toBeNull()
    expect(of('raw/bare', rawDisk())).toBeNull()
    expect(of('raw/bare', ovaArchive()), 'an archive on a raw disk').toBeNull()
    expect(of('ami/bare', rawDisk())).toBeNull()
    expect(of('raw/docker', qcow2Disk()), 'a container that nobody looks into').toBeNull()
  })

  it('that is something else is refused in the words of Glance', () => {
    expect(of('qcow2/bare', rawDisk())).toBe('Image disk_format qcow2 does not match stream data raw')
    expect(of('raw/bare', qcow2Disk())).toBe('Image disk_format raw does not match stream data qcow2')
    expect(of('vmdk/bare', vhdDisk())).toBe('Image disk_format vmdk does not match stream data vhd')
    expect(of('vmdk/ova', vmdkDisk())).toBe('Image container_format ova does not match stream data vmdk')
    expect(of('ami/ami', qcow2Disk())).toBeNull()
    expect(of('ami/bare', qcow2Disk())).toBe('Image disk_format ami does not match stream data qcow2')
    expect(of('qcow2/bare', qcow2Disk({ backing: 1 }))).toBe('Image failed safety checks: it has a backing file')
  })

  it('of a container that nobody looks into has no known size inside', () => {
    expect(virtualSizeOf(asked('raw/docker'), inspected(rawDisk()))).toBeNull()
    expect(virtualSizeOf(asked('vmdk/ova'), inspected(ovaArchive()))).toBe(3 * GIB)
  })
})

it('a size that no number can hold is not believed', () => {
  const disk = qcow2Disk()
  new DataView(disk.buffer).setBigUint64(24, 2n ** 60n)
  const found = inspected(disk)
  expect(found).toMatchObject({ format: 'qcow2', virtualSize: null })
  expect(mismatch(asked('qcow2/bare'), found)).toContain('impossible')
})
