import { child, type Element, textOf } from '../../shared/xml.ts'
import { asRef, ref, type Value } from '../wire/soap.ts'

/** A device of a virtual machine, as far as anybody asks. */
export interface Device {
  key: number
  /** Its type in the schema, e.g. `VirtualVmxnet3`. */
  type: string
  controllerKey: number | null
  unitNumber: number | null
  label: string
  card?: { mac: string; network: string | null; connected: boolean }
  disk?: {
    capacityKiB: number
    file: string
    mode: string
    thin: boolean
    datastore: string | null
    disk: string | null
  }
  /** What goes through a serial port is written there, as `[datastore] path`. */
  serial?: { file: string }
  /** The image of a disc that is in a drive, as `[datastore] path`. */
  disc?: { file: string }
}

const CARDS = /^Virtual(E1000e?|PCNet32|Vmxnet[23]?|SriovEthernetCard|EthernetCard)$/

const numberOf = (element: Element, name: string): number | null => {
  const value = textOf(element, name)
  return value === undefined || value === '' ? null : Number(value)
}

/** Port groups of a distributed switch have keys that are their own ids. */
const networkOf = (backing: Element | undefined): string | null =>
  textOf(backing, 'port', 'portgroupKey') ??
  asRef(child(backing, 'network'))?.id ??
  textOf(backing, 'opaqueNetworkId') ??
  null

/** A device as the schema has it, read as far as anybody asks. Sizes are KiB, MAC addresses in lower case. */
export const readDevice = (element: Element): Device => {
  const type = element.xsiType ?? ''
  const backing = child(element, 'backing')
  const device: Device = {
    key: numberOf(element, 'key') ?? 0,
    type,
    controllerKey: numberOf(element, 'controllerKey'),
    unitNumber: numberOf(element, 'unitNumber'),
    label: textOf(element, 'deviceInfo', 'label') ?? '',
  }
  if (CARDS.test(type)) {
    const mac = (textOf(element, 'macAddress') ?? '').toLowerCase()
    device.card = {
      mac,
      network: networkOf(backing),
      connected: textOf(element, 'connectable', 'connected') !== 'false',
    }
  }
  if (type === 'VirtualDisk') {
    device.disk = {
      capacityKiB: numberOf(element, 'capacityInKB') ?? 0,
      file: textOf(backing, 'fileName') ?? '',
      mode: textOf(backing, 'diskMode') ?? 'persistent',
      thin: textOf(backing, 'thinProvisioned') === 'true',
      datastore: asRef(child(backing, 'datastore'))?.id ?? null,
      disk: textOf(element, 'vDiskId', 'id') ?? null,
    }
  }
  if (type === 'VirtualSerialPort') {
    const file = textOf(backing, 'fileName')
    if (file) device.serial = { file }
  }
  if (type === 'VirtualCdrom' && backing?.xsiType === 'VirtualCdromIsoBackingInfo')
    device.disc = { file: textOf(backing, 'fileName') ?? '' }
  return device
}

/** The disk that a machine boots from: the first that is no volume. */
export const rootDisk = (devices: Device[]): Device | undefined =>
  devices.filter(({ disk }) => disk && disk.disk === null).toSorted((a, b) => a.key - b.key)[0]

/** Network cards, in the order in which the guest sees them. */
export const cardsOf = (devices: Device[]): Device[] =>
  devices.filter(({ card }) => card).toSorted((a, b) => a.key - b.key)

/** New cards get keys below zero, and vCenter's own in the order of the request. */
export const addCard = (index: number, backing: Value, mac: string): Value => ({
  operation: 'add',
  device: {
    _type: 'VirtualVmxnet3',
    key: -101 - index,
    backing,
    connectable: { startConnected: true, allowGuestControl: true, connected: true },
    addressType: 'manual',
    macAddress: mac,
  },
})

/** Takes a device out of a machine; a disk's file stays. */
export const removeDevice = ({ key, type, controllerKey, unitNumber }: Device): Value => ({
  operation: 'remove',
  device: { _type: type, key, controllerKey, unitNumber },
})

/** A larger disk: the whole device has to be said again. */
export const growDisk = ({ key, controllerKey, unitNumber, disk }: Device, capacityKiB: number): Value => ({
  operation: 'edit',
  device: {
    _type: 'VirtualDisk',
    key,
    backing: {
      _type: 'VirtualDiskFlatVer2BackingInfo',
      fileName: disk?.file ?? '',
      diskMode: disk?.mode ?? 'persistent',
    },
    controllerKey,
    unitNumber,
    capacityInKB: capacityKiB,
  },
})

/**
 * The old disk goes, with its file unless that is an image's too; the fresh one takes its place on the controller, so that
 * the machine boots from it.
 */
export const exchangeDisk = (
  old: Device,
  destroy: boolean,
  file: string,
  capacityKiB: number,
  policy: string | null,
): Value => [
  {
    operation: 'remove',
    fileOperation: destroy ? 'destroy' : null,
    device: {
      _type: 'VirtualDisk',
      key: old.key,
      backing: {
        _type: 'VirtualDiskFlatVer2BackingInfo',
        fileName: old.disk?.file ?? '',
        diskMode: old.disk?.mode ?? 'persistent',
      },
      controllerKey: old.controllerKey,
      unitNumber: old.unitNumber,
      capacityInKB: old.disk?.capacityKiB ?? 0,
    },
  },
  addDisk(file, old.disk?.datastore ?? null, old, capacityKiB, policy),
]

/** A disk of a file that is there. */
export const addDisk = (
  file: string,
  datastore: string | null,
  { controllerKey, unitNumber }: Pick<Device, 'controllerKey' | 'unitNumber'>,
  capacityKiB: number,
  policy: string | null,
): Value => ({
  operation: 'add',
  device: {
    _type: 'VirtualDisk',
    key: -101,
    backing: {
      _type: 'VirtualDiskFlatVer2BackingInfo',
      fileName: file,
      datastore: datastore === null ? null : ref('Datastore', datastore),
      diskMode: 'persistent',
    },
    controllerKey,
    unitNumber,
    capacityInKB: capacityKiB,
  },
  profile: policy === null ? null : [{ _type: 'VirtualMachineDefinedProfileSpec', profileId: policy }],
})
