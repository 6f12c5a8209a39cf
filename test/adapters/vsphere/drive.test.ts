import { describe, expect, it } from 'vitest'
import type { ServerSpec } from '../../../adapters/contract.ts'
import { addDisc, driveByGuestinfo, drivesIn, hasDisc } from '../../../adapters/vsphere/compute/drive.ts'
import type { Device } from '../../../adapters/vsphere/records/devices.ts'

const device = (key: number, type: string, more: Partial<Device> = {}): Device => ({
  key,
  type,
  controllerKey: null,
  unitNumber: null,
  label: '',
  ...more,
})
const ide = (key: number) => device(key, 'VirtualIDEController')
const cdrom = (key: number, controllerKey: number, unitNumber: number, file?: string) =>
  device(key, 'VirtualCdrom', { controllerKey, unitNumber, ...(file ? { disc: { file } } : {}) })

describe('the drive that a config drive is put into', () => {
  it('is at the first controller that has room for it', () => {
    const devices = [ide(200), ide(201), cdrom(3000, 200, 0), cdrom(3001, 200, 1), cdrom(3002, 201, 0)]
    expect(addDisc(devices, '[ssd] web/config-drive.iso')).toEqual([
      {
        operation: 'add',
        device: expect.objectContaining({
          _type: 'VirtualCdrom',
          backing: { _type: 'VirtualCdromIsoBackingInfo', fileName: '[ssd] web/config-drive.iso' },
          connectable: expect.objectContaining({ startConnected: true }),
          controllerKey: 201,
          unitNumber: 1,
        }),
      },
    ])
  })

  it('brings its own controller where there is none, or none has room', () => {
    const full = Array.from({ length: 30 }, (_, unit) => cdrom(16_000 + unit, 15_000, unit))
    for (const [devices, busNumber] of [
      [[device(1000, 'ParaVirtualSCSIController')], 0],
      [[device(15_000, 'VirtualAHCIController'), ...full], 1],
    ] as const) {
      const [controller, drive] = addDisc([...devices], '[ssd] web/config-drive.iso')
      expect(controller).toEqual({
        operation: 'add',
        device: { _type: 'VirtualAHCIController', key: -301, busNumber },
      })
      expect(drive).toMatchObject({ device: { controllerKey: -301, unitNumber: 0 } })
    }
  })

  it('is known from those with discs of others', () => {
    const drives = [cdrom(3000, 200, 0, '[iso] debian.iso'), cdrom(3001, 200, 1, '[ssd] web (1a)/config-drive.iso')]
    expect(drivesIn([ide(200), cdrom(3002, 201, 0), ...drives]).map(({ key }) => key)).toEqual([3001])
  })
})

describe('a config drive by guestinfo', () => {
  const drive = { metaData: { name: 'Straße' }, networkData: { links: [] }, vendorData: {} }
  const spec = { name: 'web', drive, userData: null } as unknown as ServerSpec

  it('is settings, and no disc', () => {
    const told = driveByGuestinfo({ configDrive: 'guestinfo' }, spec)
    expect(told.spec).toEqual({ ...spec, drive: null })
    const { 'plimsoll.drive': how, ...files } = told.settings
    expect([how, hasDisc({ own: { 'plimsoll.drive': how! } })]).toEqual(['guestinfo', false])
    const read = (value: string) => JSON.parse(Buffer.from(value, 'base64').toString())
    expect(Object.fromEntries(Object.entries(files).map(([key, value]) => [key, read(value)]))).toEqual({
      'guestinfo.openstack.meta_data.json': drive.metaData,
      'guestinfo.openstack.network_data.json': drive.networkData,
      'guestinfo.openstack.vendor_data.json': drive.vendorData,
    })
  })

  it('is nothing of a server without one, nor where discs are made', () => {
    const plain = { ...spec, drive: null }
    expect(driveByGuestinfo({ configDrive: 'guestinfo' }, plain)).toEqual({ spec: plain, settings: {} })
    expect(driveByGuestinfo({ configDrive: 'disc' }, spec)).toEqual({ spec, settings: {} })
    expect([hasDisc({ own: { 'plimsoll.drive': 'true' } }), hasDisc({ own: {} })]).toEqual([true, false])
  })
})
