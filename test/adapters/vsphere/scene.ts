import { type Answer, type Asked, fault } from './fake.ts'

/** A vCenter with one datacenter, one datastore and one machine, as far as reading needs it. */
export interface Scene {
  /** The mark in the machine's settings. */
  mark: string
  power: string
  /** Where its serial port writes; null: it has none. */
  serial: string | null
  /** What `/folder` says. */
  file(asked: Asked): Response
  /** Answers before all others. */
  answer?(asked: Asked): Answer | undefined
}

export const MACHINE = 'vm-7'

const said = (method: string, inside: string) => `<${method}Response xmlns="urn:vim25">${inside}</${method}Response>`
export const returned = (method: string, inside: string, attributes = '') =>
  said(method, `<returnval${attributes}>${inside}</returnval>`)

const object = (type: string, id: string, props: Record<string, string>) =>
  `<objects><obj type="${type}">${id}</obj>${Object.entries(props)
    .map(([name, val]) => `<propSet><name>${name.replaceAll('"', '&quot;')}</name>${val}</propSet>`)
    .join('')}</objects>`
const text = (value: string) => `<val xsi:type="xsd:string">${value}</val>`
const reference = (type: string, id: string) => `<val type="${type}" xsi:type="ManagedObjectReference">${id}</val>`
const option = (key: string, value: string) =>
  `<val xsi:type="OptionValue"><key>${key}</key><value xsi:type="xsd:string">${value}</value></val>`

const serialPort = (file: string) =>
  `<device xsi:type="VirtualSerialPort"><key>9000</key><backing xsi:type="VirtualSerialPortFileBackingInfo"><fileName>${file}</fileName></backing></device>`

const machine = ({ mark, power, serial }: Scene) =>
  object('VirtualMachine', MACHINE, {
    name: text('web'),
    'config.instanceUuid': text('5e0e2f0e-6f5b-4f2e-9d6c-3f7f9b8a1c11'),
    'config.template': text('false'),
    'config.hardware': `<val><numCPU>1</numCPU><memoryMB>512</memoryMB>${serial === null ? '' : serialPort(serial)}</val>`,
    'runtime.powerState': text(power),
    'runtime.connectionState': text('connected'),
    'runtime.host': reference('HostSystem', 'host-1'),
    'summary.runtime.bootTime': text('2026-11-20T10:00:00.25Z'),
    'config.extraConfig["plimsoll.mark"]': option('plimsoll.mark', mark),
  })

const found = ({ body }: Asked, scene: Scene): string => {
  if (body.includes('<type>VirtualMachine</type>')) return machine(scene)
  if (body.includes('<type>HostSystem</type>')) return object('HostSystem', 'host-1', { name: text('esx1.example') })
  if (body.includes('<type>Datacenter</type>'))
    return object('Datacenter', 'datacenter-2', {
      name: text('DC one'),
      vmFolder: reference('Folder', 'group-v3'),
      networkFolder: reference('Folder', 'group-n3'),
      parent: reference('Folder', 'group-d1'),
    })
  if (body.includes('<type>Datastore</type>'))
    return object('Datastore', 'datastore-9', { name: text('store'), parent: reference('Folder', 'group-s3') })
  return ''
}

/** Answers for `fake`. What a scene does not know is refused, as vCenter refuses an unknown method. */
export const playing =
  (scene: Scene) =>
  (asked: Asked): Answer => {
    const own = scene.answer?.(asked)
    if (own !== undefined) return own
    const { method, url } = asked
    if (new URL(url).pathname.startsWith('/folder/')) return scene.file(asked)
    switch (method) {
      case 'CreateContainerView':
        return returned(method, 'view-1', ' type="ContainerView"')
      case 'CreatePropertyCollector':
        return returned(method, 'session-pc-1', ' type="PropertyCollector"')
      case 'CreateFilter':
        return returned(method, 'filter-1', ' type="PropertyFilter"')
      case 'CurrentTime':
        return returned(method, '2026-11-20T10:00:00Z')
      case 'DestroyView':
      case 'DestroyPropertyCollector':
        return said(method, '')
      case 'RetrievePropertiesEx':
        return returned(method, found(asked, scene))
      default:
        return fault('MethodNotFound')
    }
  }
