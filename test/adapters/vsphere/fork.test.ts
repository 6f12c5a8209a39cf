import { describe, expect, it } from 'vitest'
import type { Mark } from '../../../adapters/contract.ts'
import { instantCloneFor } from '../../../adapters/vsphere/compute/fork.ts'
import type { NewCard } from '../../../adapters/vsphere/compute/new-cards.ts'
import type { Device } from '../../../adapters/vsphere/records/devices.ts'
import type { Machine } from '../../../adapters/vsphere/records/machine.ts'
import { envelope, ref } from '../../../adapters/vsphere/wire/soap.ts'

const token = '0f0e0d0c-0b0a-4908-8706-050403020100'
const mark: Mark = { deployment: 'd1', project: 'p1', kind: 'server', resource: 'r1', token, epoch: 29_000_000 }
const place = { folder: ref('Folder', 'group-v3'), datastore: null, pool: ref('ResourcePool', 'resgroup-8') }

const device = (key: number, type: string, more: Partial<Device>): Device => ({
  key,
  type,
  controllerKey: 100,
  unitNumber: 7,
  label: '',
  ...more,
})
const card = (key: number): Device =>
  device(key, 'VirtualVmxnet3', { card: { mac: 'fa:16:3e:00:00:01', network: 'network-7', connected: true } })
const log = device(9000, 'VirtualSerialPort', { serial: { file: '[ssd 1] web (1a1b)/serial.log' } })
const parent = (...devices: Device[]) =>
  ({ ref: ref('VirtualMachine', 'vm-1'), devices, own: {} }) as unknown as Machine
const plug = (mac: string) =>
  ({
    record: { mac },
    portGroup: { ref: ref('Network', 'network-8'), name: 'lan', switchUuid: null, opaque: null },
  }) as NewCard

const asked = (machine: Machine, plugs: NewCard[], settings: Record<string, string> = {}) =>
  envelope(
    'urn:vim25',
    'InstantClone_Task',
    machine.ref,
    instantCloneFor({ name: 'fork' }, mark, token, machine, plugs, place, settings),
  ).replace(/^.*<_this [^>]*>vm-1<\/_this>|<\/InstantClone_Task>.*$/g, '')

describe('an instant clone', () => {
  it('asks for what InstantCloneSpec has, in the order of the schema', () => {
    expect(asked(parent(card(4000)), [plug('fa:16:3e:00:00:02')], { 'plimsoll.name': 'fork' })).toBe(
      `<spec><name>fork (${token})</name><location><folder type="Folder">group-v3</folder><pool type="ResourcePool">resgroup-8</pool>` +
        '<deviceChange><operation>edit</operation><device xsi:type="VirtualVmxnet3"><key>4000</key>' +
        '<backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>lan</deviceName><network type="Network">network-8</network></backing>' +
        '<connectable><migrateConnect>connect</migrateConnect><startConnected>true</startConnected><allowGuestControl>true</allowGuestControl><connected>true</connected></connectable>' +
        '<controllerKey>100</controllerKey><unitNumber>7</unitNumber><addressType>manual</addressType><macAddress>fa:16:3e:00:00:02</macAddress></device></deviceChange></location>' +
        '<config xsi:type="OptionValue"><key>plimsoll.rebuild</key><value xsi:type="xsd:string"></value></config>' +
        '<config xsi:type="OptionValue"><key>plimsoll.drive</key><value xsi:type="xsd:string"></value></config>' +
        '<config xsi:type="OptionValue"><key>plimsoll.name</key><value xsi:type="xsd:string">fork</value></config>' +
        `<biosUuid>${token}</biosUuid></spec>`,
    )
  })

  it('writes what its serial port says into a file of its own', () => {
    expect(asked(parent(log), [])).toContain(
      `<operation>edit</operation><device xsi:type="VirtualSerialPort"><key>9000</key><backing xsi:type="VirtualSerialPortFileBackingInfo"><fileName>[ssd 1] fork (${token})/serial.log</fileName></backing>`,
    )
  })

  it('has neither fewer nor more cards than its parent', () => {
    const [one, two] = [plug('fa:16:3e:00:00:02'), plug('fa:16:3e:00:00:03')]
    expect(() => asked(parent(card(4000), card(4001)), [one])).toThrow('which are 2')
    expect(() => asked(parent(card(4000)), [one, two])).toThrow('which are 1')
    expect(asked(parent(card(4000), card(4001)), [one, two]).match(/<operation>edit/g)).toHaveLength(2)
  })
})
