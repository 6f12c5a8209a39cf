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
    for (const piece of [7, 512, 1_000, 1_000_000]) expect(inspected(bytes, piece)).toEqual({ format, virtualSize })
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
