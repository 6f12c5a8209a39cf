import { expect, it } from 'vitest'
import { writeMark } from '../../../adapters/shared/mark-line.ts'
import { readStage } from '../../../adapters/vsphere/compute/rebuild.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { type Asked, connection, fake } from './fake.ts'

const MARK = writeMark({ deployment: 'd1', project: 'p', kind: 'server', resource: 'r', token: 't', epoch: 1 })
const prop = (name: string, val: string) => `<propSet><name>${name}</name><val>${val}</val></propSet>`
const setting = (key: string, value: string) =>
  prop(`config.extraConfig[&quot;${key}&quot;]`, `<key>${key}</key><value>${value}</value>`)
const disk = (file: string) =>
  prop(
    'config.hardware',
    `<device xsi:type="VirtualDisk"><key>2000</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>${file}</fileName><datastore type="Datastore">ds-1</datastore><diskMode>persistent</diskMode></backing><controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>1048576</capacityInKB></device>`,
  )

/** A vCenter with a server and a template; its settings and its power change as it is told. */
const world = (begin: { stage?: string; task?: string; power?: string } = {}) => {
  let { stage = '', power = 'poweredOn' } = begin
  const made = fake(({ method, body }: Asked) => {
    const found = (objects: string) => `<${method}Response><returnval>${objects}</returnval></${method}Response>`
    switch (method) {
      case 'CreateContainerView':
        return '<CreateContainerViewResponse><returnval type="ContainerView">v</returnval></CreateContainerViewResponse>'
      case 'RetrievePropertiesEx':
        if (body.includes('type="Task"'))
          return begin.task === undefined
            ? found('')
            : found(`<objects><obj type="Task">t</obj>${prop('info', `<state>${begin.task}</state>`)}</objects>`)
        if (body.includes('>vm-2<'))
          return found(
            `<objects><obj type="VirtualMachine">vm-2</obj>${prop('config.instanceUuid', 'u2')}${prop('config.template', 'true')}${disk('[fast] debian/debian.vmdk')}</objects>`,
          )
        if (body.includes('type="VirtualMachine"'))
          return found(
            `<objects><obj type="VirtualMachine">vm-1</obj>${prop('config.instanceUuid', 'u1')}${prop('runtime.powerState', power)}${disk('[fast] web/web.vmdk')}${setting('plimsoll.mark', MARK)}${setting('plimsoll.rebuild', stage)}</objects>`,
          )
        return found(
          body.includes('<type>Datacenter</type>')
            ? `<objects><obj type="Datacenter">dc-1</obj>${prop('name', 'dc')}</objects>`
            : '',
        )
      case 'ReconfigVM_Task':
        stage = /<key>plimsoll.rebuild<\/key><value[^>]*>([^<]*)</.exec(body)?.[1] ?? stage
        break
      case 'PowerOffVM_Task':
        power = 'poweredOff'
        break
      case 'PowerOnVM_Task':
        power = 'poweredOn'
        break
    }
    return `<${method}Response><returnval type="Task">t</returnval></${method}Response>`
  })
  const { server } = vsphere.connect(connection(), made.surroundings)
  const acts = () => made.methods().filter((method) => /_Task$/.test(method))
  const step = () => server.rebuild!('vm-1', 'vm-2', 'k-1')
  const body = (method: string) => made.asked.findLast((each) => each.method === method)?.body ?? ''
  return { server, step, acts, body, stage: () => stage, power: () => power }
}

it('a rebuild copies, cuts the power, exchanges the disks in one call, and gives the power back', async () => {
  const { step, acts, body, stage, power } = world({ task: 'success' })
  expect(await step()).toBe('going')
  expect(body('CopyVirtualDisk_Task')).toContain(
    '<sourceName>[fast] debian/debian.vmdk</sourceName><sourceDatacenter type="Datacenter">dc-1</sourceDatacenter><destName>[fast] web/rebuild-k-1.vmdk</destName>',
  )
  // The server goes on while its disk is copied.
  expect([stage(), power()]).toEqual(['k-1 copying t running', 'poweredOn'])
  expect([await step(), power()]).toEqual(['going', 'poweredOff'])
  expect(await step()).toBe('going')
  const swap = body('ReconfigVM_Task')
  expect(swap).toMatch(
    /<operation>remove<\/operation><fileOperation>destroy<\/fileOperation>.*web\/web\.vmdk.*<operation>add<\/operation><device xsi:type="VirtualDisk">.*web\/rebuild-k-1\.vmdk.*<unitNumber>0<\/unitNumber>/s,
  )
  expect(swap).toContain('<key>plimsoll.image</key><value xsi:type="xsd:string">vm-2</value>')
  expect([await step(), power()]).toEqual(['going', 'poweredOn'])
  expect([await step(), stage()]).toEqual(['done', 'k-1 done - running'])
  const before = acts().length
  expect(await step()).toBe('done')
  expect(acts()).toHaveLength(before)
})

it('a rebuild of a server that is off leaves it off', async () => {
  const { step, acts, stage } = world({ task: 'success', power: 'poweredOff' })
  for (let i = 0; i < 3; i++) await step()
  expect([await step(), stage()]).toEqual(['done', 'k-1 done - stopped'])
  expect(acts().filter((method) => method.startsWith('Power'))).toEqual([])
})

it('a rebuild waits for its copy, and makes it anew when vCenter has forgotten it', async () => {
  const waiting = world({ task: 'running', stage: 'k-1 copying t running' })
  expect([await waiting.step(), waiting.acts()]).toEqual(['going', []])
  const forgotten = world({ stage: 'k-1 copying t running' })
  await forgotten.step().catch(() => {})
  expect(forgotten.acts()).toEqual(expect.arrayContaining(['DeleteVirtualDisk_Task', 'CopyVirtualDisk_Task']))
})

it('a server that goes takes the copy of its rebuild with it', async () => {
  const { server, acts } = world({ task: 'success', stage: 'k-0 copying t running', power: 'poweredOff' })
  await server.remove('vm-1', { deployment: 'd1', project: 'p', kind: 'server', resource: 'r', token: 't', epoch: 1 })
  expect(acts()).toEqual(['DeleteVirtualDisk_Task', 'Destroy_Task'])
})

it('a package of a content library is no source of a rebuild', async () => {
  const { server, acts } = world()
  await expect(server.rebuild!('vm-1', 'library:i-1', 'k-1')).rejects.toMatchObject({ code: 'definitive' })
  expect(acts()).toEqual([])
})

it.each([undefined, '', 'k copying', 'k flying t running', 'k done - paused'])(
  '%s is no stage of a rebuild',
  (text) => {
    expect(readStage(text)).toBeUndefined()
  },
)
