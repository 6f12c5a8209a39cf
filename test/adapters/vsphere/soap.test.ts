import { describe, expect, it } from 'vitest'
import type { Mark, ServerSpec } from '../../../adapters/contract.ts'
import { textOf } from '../../../adapters/shared/xml.ts'
import { cloneFor } from '../../../adapters/vsphere/compute/clone.ts'
import { backingOf } from '../../../adapters/vsphere/network/port-group.ts'
import { addCard, growDisk, removeDevice } from '../../../adapters/vsphere/records/devices.ts'
import type { Machine } from '../../../adapters/vsphere/records/machine.ts'
import { anyString, asRef, envelope, open, ref } from '../../../adapters/vsphere/wire/soap.ts'

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
const bodyOf = (text: string): string =>
  text.slice(text.indexOf('<soapenv:Body>') + 14, text.indexOf('</soapenv:Body>'))

const mark: Mark = {
  deployment: 'd1',
  project: 'p1',
  kind: 'server',
  resource: 'r1',
  token: '0f0e0d0c-0b0a-4908-8706-050403020100',
  epoch: 29_000_000,
}
const spec: ServerSpec = {
  name: 'web 1',
  size: { native: 's', vcpus: 2, ramMiB: 1024, diskGiB: 20 },
  image: 'vm-9',
  zone: 'c1',
  ports: [],
  keypair: null,
  publicKey: null,
  userData: null,
  metadata: {},
  configDrive: false,
  fork: null,
}

describe('a request', () => {
  it('is written in the order that it was given in', () => {
    const text = envelope('urn:vim25', 'CloneVM_Task', ref('VirtualMachine', 'vm-1'), {
      folder: ref('Folder', 'group-v3'),
      name: 'a & <b>',
      spec: { location: {}, template: false, memory: undefined, powerOn: true, none: null },
      value: anyString('x'),
      many: [1, 2],
    })
    expect(text).toBe(
      `${HEAD}<soapenv:Body><CloneVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">vm-1</_this><folder type="Folder">group-v3</folder><name>a &amp; &lt;b&gt;</name><spec><location></location><template>false</template><powerOn>true</powerOn></spec><value xsi:type="xsd:string">x</value><many>1</many><many>2</many></CloneVM_Task></soapenv:Body></soapenv:Envelope>`,
    )
  })

  it('carries the session in its header for those who look there', () => {
    expect(envelope('urn:vslm', 'X', ref('T', '1'), {}, 'a"b')).toContain(
      '<soapenv:Header><vcSessionCookie>a&quot;b</vcSessionCookie></soapenv:Header><soapenv:Body>',
    )
  })

  it('writes devices with the elements in the order of the schema', () => {
    const socket = {
      ref: ref('DistributedVirtualPortgroup', 'dvportgroup-7'),
      name: 'n',
      switchUuid: '50 1f',
      opaque: null,
    }
    const disk = { capacityKiB: 1, file: '[ds] a/a.vmdk', mode: 'persistent', thin: true, datastore: null, disk: null }
    const old = { key: 4000, type: 'VirtualE1000', controllerKey: 100, unitNumber: 7, label: '' }
    const deviceChange = [
      addCard(0, backingOf(socket), 'fa:16:3e:00:00:01'),
      removeDevice(old),
      growDisk({ key: 2000, type: 'VirtualDisk', controllerKey: 1000, unitNumber: 0, label: '', disk }, 20_971_520),
    ]
    const text = bodyOf(
      envelope('urn:vim25', 'ReconfigVM_Task', ref('VirtualMachine', 'vm-1'), { spec: { deviceChange } }),
    )
    expect(text).toContain(
      '<deviceChange><operation>add</operation><device xsi:type="VirtualVmxnet3"><key>-101</key><backing xsi:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port><switchUuid>50 1f</switchUuid><portgroupKey>dvportgroup-7</portgroupKey></port></backing><connectable><startConnected>true</startConnected><allowGuestControl>true</allowGuestControl><connected>true</connected></connectable><addressType>manual</addressType><macAddress>fa:16:3e:00:00:01</macAddress></device></deviceChange>',
    )
    expect(text).toContain(
      '<deviceChange><operation>remove</operation><device xsi:type="VirtualE1000"><key>4000</key><controllerKey>100</controllerKey><unitNumber>7</unitNumber></device></deviceChange>',
    )
    expect(text).toContain(
      '<device xsi:type="VirtualDisk"><key>2000</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a/a.vmdk</fileName><diskMode>persistent</diskMode></backing><controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>20971520</capacityInKB></device>',
    )
  })

  it('plugs cards into standard and into opaque networks', () => {
    const network = { ref: ref('Network', 'network-3'), name: 'VM Network', switchUuid: null, opaque: null }
    expect(backingOf(network)).toEqual({
      _type: 'VirtualEthernetCardNetworkBackingInfo',
      deviceName: 'VM Network',
      network: network.ref,
    })
    expect(backingOf({ ...network, opaque: { id: 'o-1', type: 'nsx.LogicalSwitch' } })).toEqual({
      _type: 'VirtualEthernetCardOpaqueNetworkBackingInfo',
      opaqueNetworkId: 'o-1',
      opaqueNetworkType: 'nsx.LogicalSwitch',
    })
  })

  it('clones with the mark, the identity and the power in the one call', () => {
    const image = { devices: [], own: {} } as unknown as Machine
    const place = {
      pool: ref('ResourcePool', 'resgroup-8'),
      folder: ref('Folder', 'group-v3'),
      datastore: null,
      policy: 'pol-1',
    }
    const text = bodyOf(
      envelope(
        'urn:vim25',
        'CloneVM_Task',
        ref('VirtualMachine', 'vm-9'),
        cloneFor(spec, mark, mark.token, image, [], place),
      ),
    )
    const order = [
      '<folder',
      '<name>',
      '<spec>',
      '<location>',
      '<pool',
      '<profile',
      '<template>',
      '<config>',
      '<instanceUuid>',
      '<annotation>',
      '<numCPUs>',
      '<memoryMB>',
      '<extraConfig',
      '</config>',
      '<powerOn>',
    ]
    const at = order.map((part) => text.indexOf(part))
    expect(at).toEqual(at.toSorted((a, b) => a - b))
    expect(at).not.toContain(-1)
    expect(text).toContain(`<name>web 1 (${mark.token})</name>`)
    expect(text).toContain(`<instanceUuid>${mark.token}</instanceUuid>`)
    expect(text).toContain(
      `<extraConfig xsi:type="OptionValue"><key>plimsoll.mark</key><value xsi:type="xsd:string">plimsoll d1 p1 server r1 ${mark.token} 29000000</value></extraConfig>`,
    )
    expect(text).toContain('<powerOn>true</powerOn>')
  })

  it('refuses a root disk that is smaller than the template', () => {
    const disk = { capacityKiB: 40 * 1024 ** 2, file: '', mode: '', thin: true, datastore: null, disk: null }
    const image = {
      devices: [{ key: 2000, type: 'VirtualDisk', controllerKey: 1, unitNumber: 0, label: '', disk }],
    } as unknown as Machine
    const place = { pool: ref('ResourcePool', 'p'), folder: ref('Folder', 'f'), datastore: null, policy: null }
    expect(() => cloneFor(spec, mark, mark.token, image, [], place)).toThrow('40 GiB')
  })
})

const answer = (inside: string) =>
  `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${inside}</soapenv:Body></soapenv:Envelope>`

describe('an answer', () => {
  it('is opened', () => {
    const opened = open(answer('<XResponse xmlns="urn:vim25"><returnval type="Task">task-7</returnval></XResponse>'))
    if ('fault' in opened) throw new Error('a fault')
    expect(textOf(opened.answer, 'returnval')).toBe('task-7')
    expect(asRef(opened.answer.children[0])).toEqual({ type: 'Task', id: 'task-7' })
  })

  it.each([
    [
      '<detail><NotAuthenticatedFault xmlns="urn:vim25" xsi:type="NotAuthenticated"><privilegeId>System.View</privilegeId></NotAuthenticatedFault></detail>',
      'NotAuthenticated',
    ],
    ['<detail><InvalidLoginFault xmlns="urn:vim25"/></detail>', 'InvalidLogin'],
    ['<detail><Fault xmlns="urn:vim25" _XMLSchema-instance:type="DuplicateName"/></detail>', 'DuplicateName'],
    ['', ''],
  ])('says which fault it is: %s', (detail, type) => {
    const opened = open(
      answer(
        `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>No.</faultstring>${detail}</soapenv:Fault>`,
      ),
    )
    expect(opened).toMatchObject({ fault: { type, message: 'No.' } })
  })

  it.each(['<html></html>', '<!doctype html><p>502', ''])('is not %j', (text) => {
    expect(() => open(text)).toThrow(SyntaxError)
  })
})
