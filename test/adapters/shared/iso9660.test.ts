import { describe, expect, it } from 'vitest'
import { driveImage } from '../../../adapters/shared/config-drive.ts'

/** Reads as a guest does: the descriptor of Joliet, its root, and from there by name. */
const reader = (image: Uint8Array) => {
  const view = new DataView(image.buffer)
  const word = (at: number) => view.getUint32(at, true)
  const ucs2 = (at: number, length: number) =>
    Array.from({ length: length / 2 }, (_, i) => String.fromCharCode(view.getUint16(at + 2 * i, false))).join('')
  const entries = (record: number) => {
    const found = new Map<string, number>()
    const start = word(record + 2) * 2048
    for (let at = start; image[at]; at += image[at]!) {
      const length = image[at + 32]!
      if (length > 1) found.set(ucs2(at + 33, length), at)
    }
    return found
  }
  const at = (path: string[]): number =>
    path.reduce((record, name) => entries(record).get(name) ?? expect.fail(`no ${name}`), 17 * 2048 + 156)
  return {
    plainLabel: () => new TextDecoder().decode(image.subarray(16 * 2048 + 40, 16 * 2048 + 72)).trim(),
    label: () => ucs2(17 * 2048 + 40, 32).trim(),
    names: (...path: string[]) => [...entries(at(path)).keys()],
    text(...path: string[]) {
      const record = at(path)
      const start = word(record + 2) * 2048
      return new TextDecoder().decode(image.subarray(start, start + word(record + 10)))
    },
  }
}

describe('a config drive', () => {
  const drive = { metaData: { uuid: 'u', name: 'ä'.repeat(3000) }, networkData: { links: [] }, vendorData: {} }

  it('is an ISO 9660 image of the label and the files that guests look for', () => {
    const image = driveImage({ drive, userData: btoa('#!/bin/sh\necho hello') })
    expect(image.length % 2048).toBe(0)
    const disk = reader(image)
    expect([disk.plainLabel(), disk.label()]).toEqual(['config-2', 'config-2'])
    expect(disk.names('openstack')).toEqual(['latest'])
    expect(disk.names('openstack', 'latest')).toEqual([
      'meta_data.json',
      'network_data.json',
      'user_data',
      'vendor_data.json',
    ])
    expect(JSON.parse(disk.text('openstack', 'latest', 'meta_data.json'))).toEqual(drive.metaData)
    expect(disk.text('openstack', 'latest', 'user_data')).toBe('#!/bin/sh\necho hello')
  })

  it('is the same for the same server, and has no user data where there are none', () => {
    const image = driveImage({ drive, userData: null })
    expect(driveImage({ drive, userData: null })).toEqual(image)
    expect(reader(image).names('openstack', 'latest')).not.toContain('user_data')
  })
})
