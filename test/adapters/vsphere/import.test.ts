import { describe, expect, it } from 'vitest'
import { type Blobs, isTask } from '../../../adapters/contract.ts'
import { childrenOf, parseXml } from '../../../adapters/shared/xml.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { deviceUrl } from '../../../adapters/vsphere/package/lease.ts'
import { envelope, ref, repeated } from '../../../adapters/vsphere/wire/soap.ts'
import { ova, streamOptimized } from './disk-image.ts'
import { type Asked, connection, fake } from './fake.ts'

const prop = (name: string, val: string) => `<propSet><name>${name}</name><val>${val}</val></propSet>`
const object = (type: string, id: string, ...props: string[]) =>
  `<objects><obj type="${type}">${id}</obj>${props.join('')}</objects>`
const ESTATE: Record<string, string> = {
  Datacenter: object(
    'Datacenter',
    'dc-1',
    prop('name', 'dc'),
    prop('vmFolder', 'group-v1').replace('<val>', '<val type="Folder">'),
    prop('networkFolder', 'group-n1').replace('<val>', '<val type="Folder">'),
  ),
  ComputeResource:
    object(
      'ClusterComputeResource',
      'domain-c1',
      prop('name', 'c1'),
      prop('resourcePool', 'resgroup-1').replace('<val>', '<val type="ResourcePool">'),
    ) +
    object(
      'Datastore',
      'datastore-1',
      prop('name', 'fast'),
      prop('summary.freeSpace', '9'),
      prop('summary.accessible', 'true'),
    ),
}

/** What vCenter makes of the descriptor: with a card, vApp properties and settings of its own. */
const IMPORT_SPEC = `<CreateImportSpecResponse xmlns="urn:vim25"><returnval><importSpec xsi:type="VirtualMachineImportSpec"><configSpec><name>n</name><version>vmx-15</version><guestId>debian10_64Guest</guestId><files><vmPathName>[fast]</vmPathName></files><numCPUs>1</numCPUs><memoryMB>512</memoryMB><deviceChange><operation>add</operation><device xsi:type="VirtualLsiLogicController"><key>-1</key><busNumber>0</busNumber><sharedBus>noSharing</sharedBus></device></deviceChange><deviceChange><operation>add</operation><device xsi:type="VirtualVmxnet3"><key>-2</key><backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName></backing></device></deviceChange><deviceChange><operation>add</operation><device xsi:type="VirtualSerialPort"><key>-4</key><backing xsi:type="VirtualSerialPortDeviceBackingInfo"><deviceName>/dev/ttyS0</deviceName></backing><yieldOnPoll>true</yieldOnPoll></device></deviceChange><deviceChange><operation>add</operation><fileOperation>create</fileOperation><device xsi:type="VirtualDisk"><key>-3</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName></fileName><datastore type="Datastore">datastore-1</datastore><diskMode>persistent</diskMode></backing><controllerKey>-1</controllerKey><unitNumber>0</unitNumber><capacityInKB>16384</capacityInKB></device></deviceChange><extraConfig xsi:type="OptionValue"><key>svga.present</key><value xsi:type="xsd:string">TRUE</value></extraConfig><extraConfig xsi:type="OptionValue"><key>plimsoll.mark</key><value xsi:type="xsd:string">forged</value></extraConfig><vAppConfig><ovfEnvironmentTransport>iso</ovfEnvironmentTransport></vAppConfig><firmware>efi</firmware></configSpec></importSpec><fileItem><deviceId>/n/VirtualLsiLogicController0:0</deviceId><path>disk1.vmdk</path><size>1</size><cimType>17</cimType><create>false</create></fileItem></returnval></CreateImportSpecResponse>`

const MARK = {
  deployment: 'd1',
  project: 'p',
  kind: 'image',
  resource: 'r',
  token: crypto.randomUUID(),
  epoch: 1,
} as const

/** A vCenter that imports: it has a lease that is ready at once, and a machine from then on. */
const importing = async (format: 'vmdk/bare' | 'vmdk/ova', storagePolicy?: string) => {
  const disk = new Uint8Array(400_000)
  disk.set(await streamOptimized(16, 'x'))
  const data = format === 'vmdk/bare' ? disk : await ova(disk, 16)
  const uploads: { url: string; method: string; headers: Headers; bytes: number }[] = []
  let settings: Record<string, string> = {}
  let template = false
  let now = 1_800_000_000_000
  const machine = () =>
    object(
      'VirtualMachine',
      'vm-9',
      prop('config.instanceUuid', MARK.token),
      prop('config.hardware', ''),
      prop('config.template', String(template)),
      ...Object.entries(settings).map(([key, value]) =>
        prop(`config.extraConfig[&quot;${key}&quot;]`, `<key>${key}</key><value>${value}</value>`),
      ),
    )
  const device = (importKey: string) =>
    `<deviceUrl><key>/vm-9/0:0</key><importKey>${importKey}</importKey><url>https://*/nfc/52/disk-0.vmdk</url><sslThumbprint/><disk>true</disk></deviceUrl>`
  const made = fake(({ method, body }: Asked) => {
    const found = (objects: string) => `<${method}Response><returnval>${objects}</returnval></${method}Response>`
    switch (method) {
      case 'CreateContainerView':
        return '<CreateContainerViewResponse><returnval type="ContainerView">v</returnval></CreateContainerViewResponse>'
      case 'RetrievePropertiesEx':
        if (body.includes('type="Task"')) return found(object('Task', 't', prop('info', '<state>success</state>')))
        if (body.includes('type="HttpNfcLease"'))
          return found(
            object(
              'HttpNfcLease',
              'lease-1',
              prop('state', 'ready'),
              prop(
                'info',
                `<entity type="VirtualMachine">vm-9</entity>${device('/x/0:0')}${device('/n/VirtualLsiLogicController0:0')}`,
              ),
            ),
          )
        if (body.includes('type="VirtualMachine"')) return found(machine())
        if (body.includes('type="ClusterComputeResource"'))
          return found(
            object(
              'ClusterComputeResource',
              'domain-c1',
              prop('datastore', '<ManagedObjectReference type="Datastore">datastore-1</ManagedObjectReference>'),
            ),
          )
        return found(body.includes('<type>Datacenter</type>') ? ESTATE.Datacenter! : ESTATE.ComputeResource!)
      case 'FindByUuid':
        return Object.keys(settings).length > 0
          ? '<FindByUuidResponse><returnval type="VirtualMachine">vm-9</returnval></FindByUuidResponse>'
          : '<FindByUuidResponse/>'
      case 'CreateImportSpec':
        return IMPORT_SPEC
      case 'ImportVApp':
        settings = Object.fromEntries(
          [...body.matchAll(/<key>(plimsoll\.[a-z]+)<\/key><value[^>]*>([^<]*)</g)].map(([, key, value]) => [
            key!,
            value!,
          ]),
        )
        return '<ImportVAppResponse><returnval type="HttpNfcLease">lease-1</returnval></ImportVAppResponse>'
      case 'ReconfigVM_Task':
        settings['plimsoll.importing'] = ''
        return '<ReconfigVM_TaskResponse><returnval type="Task">t</returnval></ReconfigVM_TaskResponse>'
      case 'MarkAsTemplate':
        template = true
        return '<MarkAsTemplateResponse/>'
      default:
        return `<${method}Response/>`
    }
  })
  const fetching: typeof fetch = async (input, init) => {
    if (!String(input).includes('/nfc/')) return made.surroundings.fetch(input, init)
    const body = init?.body as ReadableStream<Uint8Array>
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      now += 45_000
    }
    uploads.push({ url: String(input), method: init?.method ?? '', headers: new Headers(init?.headers), bytes })
    return new Response(null, { status: 201 })
  }
  const blobs: Blobs = {
    async read(_, { offset, length } = { offset: 0, length: data.length }) {
      const pieces = Array.from({ length: Math.ceil(length / 50_000) }, (_, at) =>
        data.slice(offset + at * 50_000, Math.min(offset + length, offset + (at + 1) * 50_000)),
      )
      return ReadableStream.from(pieces) as ReadableStream<Uint8Array>
    },
  }
  const linked = connection(storagePolicy === undefined ? {} : { mapping: { storage_policy: storagePolicy } })
  const around = { ...made.surroundings, blobs, fetch: fetching, now: () => now, runtime: 'workers' as const }
  const { image } = vsphere.connect(linked, around)
  const source = {
    kind: 'data',
    blob: 'b',
    format,
    sizeBytes: data.length,
    arch: 'x86_64',
    os: 'linux',
    minDiskGiB: 0,
  } as const
  const asked = (method: string) => made.asked.filter((each) => each.method === method)
  return {
    image,
    spec: { name: 'up', source },
    disk,
    uploads,
    asked,
    acts: () =>
      made.methods().filter((each) => !/^(Retrieve|Login|Find|Create|Destroy|HttpNfcLeaseProgress)/.test(each)),
  }
}

describe('an import', () => {
  it('of a disk is one call with name, UUID and mark, then the bytes, then a template', async () => {
    const { image, spec, disk, uploads, asked, acts } = await importing('vmdk/bare', 'gold')
    const made = await image.create(spec, MARK)
    expect(isTask(made)).toBe(false)
    expect(made).toMatchObject({ id: 'vm-9', health: 'ready', mark: MARK })
    expect(acts()).toEqual(['ImportVApp', 'HttpNfcLeaseComplete', 'ReconfigVM_Task', 'MarkAsTemplate'])
    expect(uploads).toMatchObject([
      { url: 'https://vc.example/nfc/52/disk-0.vmdk', method: 'POST', bytes: disk.length },
    ])
    const { headers } = uploads[0]!
    expect(headers.get('content-type')).toBe('application/x-vnd.vmware-streamVmdk')
    expect(headers.get('content-length')).toBe(String(disk.length))
    // A host is not vCenter: it gets the ticket of the lease and no session.
    expect([headers.get('cookie'), headers.get('authorization')]).toEqual([null, null])
    const [{ body } = { body: '' }] = asked('ImportVApp')
    expect(body).toContain(`<name>up (${MARK.token})</name><instanceUuid>${MARK.token}</instanceUuid>`)
    expect(body).toContain(`plimsoll d1 p image r ${MARK.token} 1`)
    expect(body).toContain('<capacityInKB>16384</capacityInKB>')
    expect(body).toContain('<folder type="Folder">group-v1</folder>')
    expect(body.match(/<profileId>gold<\/profileId>/g)).toHaveLength(2)
  })

  it('of an OVA is what vCenter reads in it, in its order, without cards and properties', async () => {
    const { image, spec, asked } = await importing('vmdk/ova')
    await image.create(spec, MARK)
    expect(asked('CreateImportSpec')[0]?.body).toContain(`<entityName>up (${MARK.token})</entityName>`)
    const body = asked('ImportVApp')[0]!.body
    const inside = /<configSpec>.*<\/configSpec>/s.exec(body)![0]
    const config = parseXml(
      inside.replace('<configSpec>', '<configSpec xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'),
    )
    expect([...new Set(config.children.map(({ name }) => name))]).toEqual([
      'name',
      'version',
      'instanceUuid',
      'guestId',
      'annotation',
      'files',
      'numCPUs',
      'memoryMB',
      'deviceChange',
      'extraConfig',
      'firmware',
    ])
    expect(childrenOf(config, 'deviceChange').map(({ children }) => children.at(-1)?.xsiType)).toEqual([
      'VirtualLsiLogicController',
      'VirtualDisk',
    ])
    expect(inside).toContain('<datastore type="Datastore">datastore-1</datastore>')
    // A package comes from anybody: it brings no setting of its own, and no port of the host.
    expect(inside).not.toContain('svga.present')
    expect(inside).not.toContain('VirtualSerialPort')
    expect(inside).not.toContain('forged')
  })

  it('keeps its lease while the bytes are on their way', async () => {
    const { image, spec, asked } = await importing('vmdk/bare')
    await image.create(spec, MARK)
    const progress = asked('HttpNfcLeaseProgress')
    expect(progress.length).toBeGreaterThan(0)
    expect(progress[0]?.body).toMatch(/<percent>\d\d?<\/percent>/)
  })

  it('that is asked for again after its end asks for nothing', async () => {
    const { image, spec, acts } = await importing('vmdk/bare')
    await image.create(spec, MARK)
    const before = acts().length
    expect(await image.create(spec, MARK)).toMatchObject({ id: 'vm-9' })
    expect(acts()).toHaveLength(before)
  })
})

it('a part of an answer goes into a request as it came', () => {
  const part = `<spec xsi:type="A"><one>1</one><list xsi:type="OptionValue"><key>k</key><value xsi:type="xsd:string">a&amp;b</value></list><list><key>l</key></list><at type="Datastore">ds-1</at><none></none><type>t</type></spec>`
  const element = parseXml(`<x xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">${part}</x>`).children[0]!
  expect(envelope('urn:vim25', 'M', ref('T', 't'), { spec: repeated(element) })).toContain(part)
  const pair = parseXml('<x><type>t</type><id>i</id></x>')
  expect(envelope('urn:vim25', 'M', ref('T', 't'), { x: repeated(pair) })).toContain('<x><type>t</type><id>i</id></x>')
})

it.each([
  ['https://*/nfc/1/d.vmdk', 'https://vc.example', 'https://vc.example/nfc/1/d.vmdk'],
  ['https://esx1.example/nfc/1/d.vmdk', 'https://vc.example/sdk', 'https://esx1.example/nfc/1/d.vmdk'],
  ['http://*/nfc/1/d.vmdk', 'http://vc.example:8080', 'http://vc.example/nfc/1/d.vmdk'],
])('%s under %s is sent to %s', (given, endpoint, url) => {
  expect(deviceUrl(given, endpoint)).toBe(url)
})

it('a disk goes nowhere in the clear that vCenter was not asked in the clear', () => {
  expect(() => deviceUrl('http://esx1.example/nfc/1/d.vmdk', 'https://vc.example')).toThrow(/in the clear/)
})
