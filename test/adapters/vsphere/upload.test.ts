import { describe, expect, it } from 'vitest'
import type { ImageData } from '../../../adapters/contract.ts'
import { membersOf } from '../../../adapters/shared/tar.ts'
import { parseXml } from '../../../adapters/shared/xml.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { openUpload } from '../../../adapters/vsphere/package/upload.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { monolithicSparse, ova, ovf, streamOptimized, tar } from './disk-image.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const opened = (data: Uint8Array, format = 'vmdk/ova', arch: ImageData['arch'] = 'x86_64') => {
  const blobs = new MemoryBlobs()
  blobs.kept.set('b', data as Uint8Array<ArrayBuffer>)
  const context = { surroundings: { blobs } } as unknown as Context
  return openUpload(context, { blob: 'b', format, sizeBytes: data.length, arch, os: 'linux', minDiskGiB: 0 })
}
const reading = (data: Uint8Array) => async (offset: number, length: number) => data.slice(offset, offset + length)

describe('a disk', () => {
  it('that is stream-optimised is taken, with the size that it says', async () => {
    const disk = await streamOptimized(48, 'x')
    expect(await opened(disk, 'vmdk/bare')).toEqual({
      kind: 'disk',
      capacityKiB: 48 * 1024,
      files: [{ name: 'disk.vmdk', offset: 0, size: disk.length, sum: null }],
    })
  })

  it.each([
    ['monolithicSparse', monolithicSparse(1)],
    [
      'monolithicFlat',
      utf8('# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 2048 FLAT "d-flat.vmdk" 0\n'),
    ],
    ['vmfsSparse', utf8(`COWD${' '.repeat(600)}`)],
    ['no VMDK at all', utf8(`QFI\xfb${' '.repeat(600)}`)],
    ['no VMDK at all', new Uint8Array(0)],
    ['no VMDK at all', utf8('KDMV')],
  ])('that is %s is refused by its name', async (name, data) => {
    await expect(opened(data, 'vmdk/bare')).rejects.toMatchObject({
      code: 'definitive',
      message: `The disk is ${name}; vSphere imports streamOptimized VMDK only, so it has to be converted first.`,
    })
  })

  it('alone says nothing of a guest on ARM', async () => {
    await expect(opened(await streamOptimized(1, 'x'), 'vmdk/bare', 'aarch64')).rejects.toThrow(/OVA/)
  })
})

describe('an OVA', () => {
  it.each(['SHA-1', 'SHA-256'])(
    'is opened to its disks and their %s sums, without the disks being read',
    async (algorithm) => {
      const disk = await streamOptimized(16, 'x')
      const data = await ova(disk, 16, { algorithm })
      const parcel = await opened(data)
      if (parcel.kind !== 'machine') throw new Error(parcel.kind)
      expect(parcel.descriptor).toContain('<Name>appliance</Name>')
      const [piece] = parcel.files
      expect(piece).toMatchObject({ name: 'disk1.vmdk', size: disk.length, sum: { algorithm } })
      expect(data.slice(piece!.offset, piece!.offset + piece!.size)).toEqual(disk)
    },
  )

  it.each([
    ['begins with something else', [{ name: 'readme.txt', data: utf8('x') }], /does not begin with the descriptor/],
    ['has a descriptor that is no XML', [{ name: 'a.ovf', data: utf8('<Envelope') }], /not XML/],
    [
      'lacks a disk',
      [{ name: 'a.ovf', data: utf8(ovf({ name: 'gone.vmdk', size: 1, mib: 1 })) }],
      /lacks file gone\.vmdk/,
    ],
    [
      'has a compressed disk',
      [{ name: 'a.ovf', data: utf8(ovf({ name: 'd.vmdk.gz', size: 1, mib: 1 }, ' ovf:compression="gzip"')) }],
      /d\.vmdk\.gz of the OVA is compressed/,
    ],
    [
      'has a disk in chunks',
      [{ name: 'a.ovf', data: utf8(ovf({ name: 'd.vmdk', size: 1, mib: 1 }, ' ovf:chunkSize="7516192768"')) }],
      /cut into chunks/,
    ],
    [
      'has a disk of another kind',
      [
        { name: 'a.ovf', data: utf8(ovf({ name: 'd.vmdk', size: 1, mib: 1 })) },
        { name: 'd.vmdk', data: monolithicSparse(1) },
      ],
      /monolithicSparse/,
    ],
    [
      'holds several machines',
      [{ name: 'a.ovf', data: utf8('<Envelope><VirtualSystemCollection/></Envelope>') }],
      /several machines/,
    ],
  ])('that %s is refused', async (_, files, words) => {
    await expect(opened(tar(files))).rejects.toMatchObject({
      code: 'definitive',
      message: expect.stringMatching(words),
    })
  })

  it('whose descriptor was changed after its manifest is refused', async () => {
    const change = { 'appliance.ovf': utf8(ovf({ name: 'disk1.vmdk', size: 1, mib: 2 })) }
    await expect(opened(await ova(await streamOptimized(1, 'x'), 1, { change }))).rejects.toThrow(/damaged/)
  })

  it('of another format is not opened at all', async () => {
    await expect(opened(utf8('x'), 'qcow2/bare')).rejects.toThrow(/no images of format qcow2\/bare/)
  })
})

describe('an archive', () => {
  const record = (text: string) => {
    const line = (length: number) => `${length} ${text}\n`
    return utf8(line(line(line(0).length).length))
  }
  /** A header of another kind in front of a file. */
  const extended = (kind: string, data: Uint8Array, file: { name: string; data: Uint8Array }) => {
    const head = tar([{ name: 'PaxHeader', data }])
    head[156] = kind.charCodeAt(0)
    head.set(utf8('        '), 148)
    const sum = head.slice(0, 512).reduce((total, byte) => total + byte, 0)
    head.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
    const rest = tar([file])
    const whole = new Uint8Array(head.length - 1024 + rest.length)
    whole.set(head.slice(0, head.length - 1024))
    whole.set(rest, head.length - 1024)
    return whole
  }
  const long = `${'d'.repeat(120)}.vmdk`

  it.each([
    ['x', record(`path=${long}`)],
    ['L', utf8(`${long}\0`)],
  ])('tells names too long for a header before it (%s)', async (kind, data) => {
    const whole = extended(kind, data, { name: 'short', data: utf8('abc') })
    const members = await membersOf(reading(whole), whole.length)
    expect(members).toMatchObject([{ name: long, size: 3 }])
    expect(whole.slice(members[0]!.offset, members[0]!.offset + 3)).toEqual(utf8('abc'))
  })

  it('that is none, or ends too early, is refused', async () => {
    const noise = new Uint8Array(2048).fill(65)
    await expect(membersOf(reading(noise), noise.length)).rejects.toThrow(/tar archive/)
    const whole = tar([{ name: 'a', data: new Uint8Array(5000) }])
    await expect(membersOf(reading(whole), 3000)).rejects.toThrow(/ends too early/)
  })
})

describe('an archive made to hurt', () => {
  const checksummed = (header: Uint8Array): Uint8Array => {
    header.fill(32, 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
    return header
  }

  it('whose size leads back to its own beginning is refused', async () => {
    const archive = tar([{ name: 'a.ovf', data: utf8('x') }])
    const header = archive.slice(0, 512)
    header.set(utf8('-0000001000\0'), 124)
    archive.set(checksummed(header), 0)
    await expect(membersOf(reading(archive), archive.length)).rejects.toMatchObject({ code: 'definitive' })
  })

  it.each([
    ['is all digits', '1'.repeat(60_000)],
    ['counts fewer bytes than it has digits', '1 a=b\n'],
    ['has no length', ' path=b\n'],
  ])('whose record %s is refused at once', async (_, text) => {
    const archive = tar([{ name: 'PaxHeader', data: utf8(text) }])
    archive[156] = 'x'.charCodeAt(0)
    archive.set(checksummed(archive.slice(0, 512)), 0)
    const started = performance.now()
    await expect(membersOf(reading(archive), archive.length)).rejects.toThrow(/tar archive/)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('that is nothing but records and long names is refused', async () => {
    const header = checksummed(
      tar([{ name: 'a', data: utf8('') }])
        .slice(0, 512)
        .fill('L'.charCodeAt(0), 156, 157),
    )
    const read = async (at: number, length: number) => (length === 512 ? header : new Uint8Array(length).fill(at))
    await expect(membersOf(read, 2 ** 30)).rejects.toThrow(/tar archive/)
  })

  it.each([
    ['has elements within elements without end', '<a>'.repeat(50_000)],
    [
      'binds more namespaces than there are',
      `<a${Array.from({ length: 5_000 }, (_, i) => ` xmlns:n${i}="${i}"`).join('')}/>`,
    ],
    ['has a character of no number', '<a>&#x110000;</a>'],
  ])('whose descriptor %s is refused at once', (_, text) => {
    const started = performance.now()
    expect(() => parseXml(text)).toThrow(SyntaxError)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('whose descriptor never ends a comment costs no more than its length', () => {
    const text = `<a>${'<!--/>'.repeat(200_000)}</a>`
    expect(() => parseXml(text)).toThrow(SyntaxError)
  })
})
