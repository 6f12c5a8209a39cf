import { describe, expect, it } from 'vitest'
import { domainXml, type Plan } from '../../../adapters/libvirt/compute/definition.ts'
import { agentIn } from '../../../adapters/libvirt/compute/hardware.ts'
import { sized } from '../../../adapters/libvirt/compute/reshape.ts'
import { readNote } from '../../../adapters/libvirt/marks.ts'
import { diskBytesIn } from '../../../adapters/libvirt/storage/qcow2.ts'
import { child, childrenOf, type Element, parseXml, textOf } from '../../../adapters/shared/xml.ts'
import { qcow2Disk } from '../../support/disks.ts'

const UUID = '0b9a9070-9fe1-49da-9cbd-2243b39ef98e'
const mark = { deployment: 'd1', project: 'p1', kind: 'server' as const, resource: UUID, token: 't1', epoch: 7 }

const plan = (hardware: Record<string, string> = {}, change: Partial<Plan> = {}): Plan => ({
  spec: { size: { native: 'k.small', vcpus: 2, ramMiB: 512, diskGiB: 4 }, hardware },
  uuid: UUID,
  arch: 'x86_64',
  accelerated: true,
  note: { mark, host: 'kvm1', name: 'a <server> & more' },
  cards: ['<interface type="network"><mac address="fa:16:3e:00:00:01"/></interface>'],
  root: { volume: { pool: 'disks', name: 'its.root' }, format: 'qcow2' },
  discs: [{ pool: 'disks', name: 'its.seed' }],
  log: '/disks/its.log',
  ...change,
})
const built = (hardware?: Record<string, string>, change?: Partial<Plan>): Element =>
  parseXml(domainXml(plan(hardware, change)))
const disks = (domain: Element) =>
  childrenOf(child(domain, 'devices'), 'disk').map((disk) => [
    disk.attributes.get('device'),
    child(disk, 'target')?.attributes.get('dev'),
    child(disk, 'target')?.attributes.get('bus'),
  ])
const attribute = (domain: Element, name: string, ...path: string[]) => child(domain, ...path)?.attributes.get(name)

describe('the machine of a server', () => {
  it('bears its mark, its id and its size, and the name that its user gave it', () => {
    const domain = built()
    expect(readNote(domain, 'kvm1')).toEqual({ mark, host: 'kvm1', name: 'a <server> & more' })
    expect(readNote(domain, 'kvm2')).toBeUndefined()
    expect([textOf(domain, 'uuid'), textOf(domain, 'vcpu'), textOf(domain, 'memory')]).toEqual([UUID, '2', '512'])
    expect(attribute(domain, 'type')).toBe('kvm')
    expect(attribute(built({}, { accelerated: false }), 'type')).toBe('qemu')
  })

  it('has its disk on virtio and its discs on SCSI, with seats for what comes later', () => {
    const domain = built()
    expect(disks(domain)).toEqual([
      ['disk', 'vda', 'virtio'],
      ['cdrom', 'sda', 'scsi'],
    ])
    const ports = childrenOf(child(domain, 'devices'), 'controller').filter(
      ({ attributes }) => attributes.get('model') === 'pcie-root-port',
    )
    expect(ports.length).toBeGreaterThanOrEqual(14)
    expect(attribute(domain, 'file', 'devices', 'serial', 'log')).toBe('/disks/its.log')
  })

  it.each([
    [{ hw_machine_type: 'pc-q35-7.2' }, 'q35'],
    [{ hw_machine_type: 'pc' }, 'pc'],
    [{ hw_machine_type: 'pc-i440fx-6.2' }, 'pc'],
  ])('is of the type that the image says: %o', (hardware, machine) => {
    expect(attribute(built(hardware), 'machine', 'os', 'type')).toBe(machine)
  })

  it('has disks, cards and firmware as the image says', () => {
    expect(attribute(built({ hw_firmware_type: 'uefi' }), 'firmware', 'os')).toBe('efi')
    expect(attribute(built(), 'firmware', 'os')).toBeUndefined()
    for (const os_secure_boot of ['disabled', 'optional'])
      expect(
        attribute(built({ hw_firmware_type: 'uefi', os_secure_boot }), 'enabled', 'os', 'firmware', 'feature'),
      ).toBe('no')
    expect(disks(built({ hw_disk_bus: 'scsi' }))).toEqual([
      ['disk', 'sda', 'scsi'],
      ['cdrom', 'sdb', 'scsi'],
    ])
    expect(disks(built({ hw_disk_bus: 'sata' }))[1]).toEqual(['cdrom', 'sdb', 'sata'])
    expect(disks(built({ hw_disk_bus: 'ide', hw_machine_type: 'pc' }))[0]).toEqual(['disk', 'hda', 'ide'])
    expect(disks(built({ hw_disk_bus: 'usb' }))[0]).toEqual(['disk', 'sda', 'usb'])
  })

  it.each([
    [{ hw_disk_bus: 'xen' }, /hw_disk_bus=xen/],
    [{ hw_disk_bus: 'ide' }, /type pc/],
    [{ hw_firmware_type: 'openfirmware' }, /hw_firmware_type/],
    [{ hw_machine_type: 'pseries' }, /hw_machine_type=pseries/],
    [{ hw_firmware_type: 'uefi', os_secure_boot: 'required' }, /os_secure_boot=required/],
    [{ os_secure_boot: 'maybe' }, /os_secure_boot=maybe/],
  ])('is refused in words where there is no such thing: %o', (hardware, words) => {
    expect(() => domainXml(plan(hardware))).toThrow(words)
  })
})

describe('a definition of another size', () => {
  it('has its processors and its memory, and all else to the letter', () => {
    const xml = `<domain type='kvm'>
  <name>web</name>
  <maxMemory slots='4' unit='KiB'>4194304</maxMemory>
  <memory unit='GiB'>1</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static' current='1'>4</vcpu>
  <devices><memballoon model='virtio'/></devices>
</domain>`
    const other = sized(xml, { vcpus: 2, ramMiB: 512 })
    expect(other).toContain("<memory unit='KiB'>524288</memory>")
    expect(other).toContain("<currentMemory unit='KiB'>524288</currentMemory>")
    expect(other).toContain("<vcpu placement='static'>2</vcpu>")
    const rest = (text: string) => text.split('\n').filter((line) => !/<(memory |currentMemory|vcpu)/.test(line))
    expect(rest(other)).toEqual(rest(xml))
  })
})

describe('the head of an image', () => {
  const head = (change: Parameters<typeof qcow2Disk>[0] = {}) => qcow2Disk(change).slice(0, 104)

  it('says how large the disk inside is', () => {
    expect(diskBytesIn(head({ virtual: 5 * 2 ** 30 }))).toBe(5 * 2 ** 30)
  })

  it.each([
    ['stands on another file', head({ backing: 4_096 }), /stands on another file/],
    ['has its data elsewhere', head({ incompatible: 4 }), /data in another file/],
    ['is as large as no disk', head({ virtual: 2 ** 50 }), /no size/],
    ['is empty', head({ virtual: 0 }), /no size/],
    ['is cut off', head().slice(0, 60), /no qcow2/],
    ['is none', new Uint8Array(104), /no qcow2/],
  ])('of one that %s is refused', (_, bytes, words) => {
    expect(() => diskBytesIn(bytes)).toThrow(words)
  })
})

it('what an image says of the agent in its guest is heeded in the words of Glance', () => {
  const agent = (hardware: Record<string, string>) => agentIn({ hardware })
  expect(agent({})).toBeUndefined()
  expect(agent({ hw_qemu_guest_agent: 'no' })).toBeUndefined()
  expect(agent({ hw_qemu_guest_agent: 'yes' })).toEqual({ quiesce: 'wanted' })
  expect(agent({ hw_qemu_guest_agent: 'True', os_require_quiesce: 'yes' })).toEqual({ quiesce: 'required' })
  expect(agent({ os_admin_user: 'cloud' })).toEqual({ admin: 'cloud' })
})
