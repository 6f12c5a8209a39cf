import { expect, it } from 'vitest'
import { writeMark } from '../../../adapters/shared/mark-line.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { type Asked, connection, fake } from './fake.ts'

const MARK = writeMark({ deployment: 'd1', project: 'p', kind: 'server', resource: 'r', token: 't', epoch: 1 })
const prop = (name: string, val: string) => `<propSet><name>${name}</name><val>${val}</val></propSet>`

/** A vCenter with one machine that runs, with VMware Tools or without. */
const running = (tools: boolean) => {
  const path = 'config.extraConfig[&quot;plimsoll.mark&quot;]'
  const machine = `<objects><obj type="VirtualMachine">vm-1</obj>${prop('config.instanceUuid', 'u')}${prop('config.hardware', '')}${prop('runtime.powerState', 'poweredOn')}${prop('guest.toolsRunningStatus', tools ? 'guestToolsRunning' : 'guestToolsNotRunning')}${prop(path, `<key>k</key><value>${MARK}</value>`)}</objects>`
  const task = `<objects><obj type="Task">task-1</obj>${prop('info', '<state>running</state>')}</objects>`
  const made = fake(({ method, body }: Asked) => {
    if (method === 'RetrievePropertiesEx')
      return `<RetrievePropertiesExResponse><returnval>${body.includes('type="Task"') ? task : machine}</returnval></RetrievePropertiesExResponse>`
    return `<${method}Response><returnval type="Task">task-1</returnval></${method}Response>`
  })
  let now = 1_800_000_000_000
  const { server } = vsphere.connect(connection(), { ...made.surroundings, now: () => now })
  const acts = () => made.methods().filter((method) => !/^(Retrieve|Login)/.test(method))
  return { server, acts, advance: (ms: number) => (now += ms) }
}

it('a guest is asked to shut down once, and its power is cut when it has not', async () => {
  const { server, acts, advance } = running(true)
  await server.stop('vm-1')
  advance(30_000)
  await server.stop('vm-1')
  expect(acts()).toEqual(['ShutdownGuest'])
  advance(31_000)
  await server.stop('vm-1')
  expect(acts()).toEqual(['ShutdownGuest', 'PowerOffVM_Task'])
})

it('a start in between begins the patience anew', async () => {
  const { server, acts, advance } = running(true)
  await server.stop('vm-1')
  await server.start('vm-1')
  advance(61_000)
  await server.stop('vm-1')
  expect(acts()).toEqual(['ShutdownGuest', 'ShutdownGuest'])
})

it('a guest without VMware Tools loses its power at once', async () => {
  const { server, acts } = running(false)
  await server.stop('vm-1')
  await server.reboot('vm-1', false)
  expect(acts()).toEqual(['PowerOffVM_Task', 'ResetVM_Task'])
})

it('a soft reboot is the guest’s, a hard one is not', async () => {
  const { server, acts } = running(true)
  await server.reboot('vm-1', false)
  await server.reboot('vm-1', true)
  expect(acts()).toEqual(['RebootGuest', 'ResetVM_Task'])
})
