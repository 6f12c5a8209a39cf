import { describe, expect, it } from 'vitest'
import { type Cloud, type HandedOut, isBrought } from '../../../adapters/contract.ts'
import { serialLog as serialLogOf } from '../../../adapters/vsphere/compute/serial.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { readOptions } from '../../../adapters/vsphere/options.ts'
import type { Device } from '../../../adapters/vsphere/records/devices.ts'
import type { Machine } from '../../../adapters/vsphere/records/machine.ts'
import { connectVim } from '../../../adapters/vsphere/wire/client.ts'
import { ref } from '../../../adapters/vsphere/wire/soap.ts'
import { type Answer, type Asked, connection, fake } from './fake.ts'
import { MACHINE, playing, returned, type Scene } from './scene.ts'

const OURS = 'plimsoll d1 p1 server 0f0e 1a1b 29000000'
const TYPE = { protocol: 'mks', type: 'webmks' } as const
const LOG = 'first line\nsecond line\nlogin: '

const stage = (change: Partial<Scene> = {}) => {
  const { asked, surroundings } = fake(
    playing({
      mark: OURS,
      power: 'poweredOn',
      serial: null,
      file: () => new Response(null, { status: 404 }),
      ...change,
    }),
  )
  return { asked, server: vsphere.connect(connection(), surroundings).server }
}

const screenOf = ({ remoteConsole }: Cloud['server']): HandedOut => {
  if (!remoteConsole || isBrought(remoteConsole)) throw new Error('the screen has no URL of the cloud')
  return remoteConsole
}

describe('the screen of a machine', () => {
  const ticket =
    (inside: string) =>
    ({ method }: Asked): Answer | undefined =>
      method === 'AcquireTicket' ? returned(method, inside) : undefined
  const opened = (inside: string) => screenOf(stage({ answer: ticket(inside) }).server).open(MACHINE, TYPE)

  it.each([
    [
      'the host and port of its ticket',
      '<ticket>a1b2</ticket><cfgFile>x</cfgFile><host>esx1.example</host><port>443</port>',
      'wss://esx1.example:443/ticket/a1b2',
    ],
    [
      'the host that it runs on, where the ticket names none',
      '<ticket>a/b</ticket>',
      'wss://esx1.example:443/ticket/a%2Fb',
    ],
    ['an address of six', '<ticket>a</ticket><host>fd00::1</host><port>9443</port>', 'wss://[fd00::1]:9443/ticket/a'],
    [
      'the address that the ticket is',
      '<ticket>a</ticket><url>wss://esx2.example/ticket/z</url>',
      'wss://esx2.example/ticket/z',
    ],
  ])('is at %s', async (_, inside, url) => {
    expect(await opened(inside)).toBe(url)
  })

  it('is asked for as WebMKS, the only one that there is', async () => {
    const { asked, server } = stage({ answer: ticket('<ticket>a</ticket>') })
    await screenOf(server).open(MACHINE, TYPE)
    expect(asked.at(-2)?.body).toContain('<ticketType>webmks</ticketType>')
    expect(server.remoteConsole!.types).toEqual([TYPE])
  })

  it('is there while it runs, and of machines that are ours', async () => {
    const off = stage({ power: 'poweredOff' })
    await expect(screenOf(off.server).open(MACHINE, TYPE)).rejects.toMatchObject({ code: 'conflict' })
    const theirs = stage({ mark: 'plimsoll d2 p1 server 0f0e 1a1b 29000000' })
    await expect(screenOf(theirs.server).open(MACHINE, TYPE)).rejects.toMatchObject({ code: 'definitive' })
    for (const { asked } of [off, theirs]) expect(asked.some(({ method }) => method === 'AcquireTicket')).toBe(false)
  })

  it('of an answer without a ticket is not there', async () => {
    await expect(opened('<cfgFile>x</cfgFile>')).rejects.toMatchObject({ code: 'ambiguous' })
  })
})

describe('what a machine writes on its serial port', () => {
  const serial = '[store] web (1a1b)/serial.log'

  it('is read from the file of the port, in the session, and only the end of it', async () => {
    const { asked, server } = stage({
      serial,
      file: () => new Response(LOG, { status: 206, headers: { 'content-range': 'bytes 0-32/33' } }),
    })
    expect(await server.consoleLog!(MACHINE)).toBe(LOG)
    const { url, headers } = asked.at(-1)!
    expect(url).toBe('https://vc.example/folder/web%20(1a1b)/serial.log?dcPath=DC+one&dsName=store')
    expect([headers.get('range'), headers.get('cookie')]).toEqual(['bytes=-1048576', 'vmware_soap_session="s-1"'])
  })

  it('begins with a whole line', async () => {
    const { server } = stage({
      serial,
      file: () => new Response(LOG, { status: 206, headers: { 'content-range': 'bytes 900-932/933' } }),
    })
    expect(await server.consoleLog!(MACHINE)).toBe('second line\nlogin: ')
  })

  it('is cut here where vCenter sends all of it', async () => {
    const line = `${'x'.repeat(1023)}\n`
    const { server } = stage({ serial, file: () => new Response(line.repeat(5000)) })
    const text = await server.consoleLog!(MACHINE)
    expect(text.length).toBeLessThanOrEqual(1024 ** 2)
    expect(text.length).toBeGreaterThan(1024 ** 2 - 2048)
    expect(text.startsWith('x') && text.endsWith('x\n')).toBe(true)
  })

  it('is not read without an end', async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 ** 2).fill(120)),
    })
    const { server } = stage({ serial, file: () => new Response(endless) })
    await expect(server.consoleLog!(MACHINE)).rejects.toMatchObject({ code: 'definitive' })
  })

  it.each([404, 416])('is nothing yet while the file is not there or empty (%i)', async (status) => {
    const { server } = stage({ serial, file: () => new Response(null, { status }) })
    expect(await server.consoleLog!(MACHINE)).toBe('')
  })

  it('is asked for once more in a new session', async () => {
    const { server, asked } = stage({
      serial,
      file: ({ headers }) =>
        headers.get('cookie')?.includes('s-2') ? new Response(LOG) : new Response(null, { status: 401 }),
    })
    expect(await server.consoleLog!(MACHINE)).toBe(LOG)
    expect(asked.filter(({ method }) => method === 'Login')).toHaveLength(2)
  })

  it('is not there without a port that writes to a file, which is said', async () => {
    const { server } = stage()
    await expect(server.consoleLog!(MACHINE)).rejects.toThrow('The server has no serial port that writes to a file.')
  })

  it('of an answer that is none is not known', async () => {
    const { server } = stage({ serial, file: () => new Response('no', { status: 500 }) })
    await expect(server.consoleLog!(MACHINE)).rejects.toMatchObject({ code: 'ambiguous' })
  })
})

it('a machine says when its power went on', async () => {
  const { server } = stage()
  expect((await server.get(MACHINE))?.bootedAt).toBe(Date.parse('2026-11-20T10:00:00.250Z'))
})

describe('the serial port of a new server', () => {
  const image = { datastores: [ref('Datastore', 'datastore-9')], devices: [] as Device[] } as unknown as Machine
  const portOf = async (serialLog: boolean, devices: Device[] = []) => {
    const { surroundings } = fake(playing({ mark: '', power: 'poweredOn', serial: null, file: () => new Response() }))
    const linked = connection({ options: { ...connection().options, serial_log: serialLog } })
    const { options } = readOptions(linked.options)
    const context = { vim: connectVim(linked, surroundings), connection: linked, options, surroundings } as Context
    return serialLogOf(context, { ...image, devices }, null, 'web (1a1b)')
  }

  it('writes to a file beside it, which it goes on with after a break', async () => {
    const { devices, settings } = await portOf(true)
    expect(devices).toMatchObject([
      { operation: 'add', device: { backing: { fileName: '[store] web (1a1b)/serial.log' } } },
    ])
    expect(settings).toEqual({ 'answer.msg.serial.file.open': 'Append' })
  })

  it('takes the place of the template’s', async () => {
    const old: Device = { key: 9000, type: 'VirtualSerialPort', controllerKey: 400, unitNumber: 0, label: '' }
    const { devices } = await portOf(true, [old])
    expect(devices).toMatchObject([{ operation: 'remove', device: { key: 9000 } }, { operation: 'add' }])
  })

  it('is there only where the operator wants it', async () => {
    expect(await portOf(false)).toEqual({ devices: [], settings: {} })
    expect(readOptions({ ...connection().options, serial_log: 'yes' }).faults).toEqual([
      'Option serial_log must be true or false.',
    ])
  })
})
