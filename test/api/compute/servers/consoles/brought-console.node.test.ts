import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isImageData } from '../../../../../functions/app.ts'
import { sweepLeftovers } from '../../../../../functions/janitor.ts'
import { consoleGate } from '../../../../../functions/remote-console/gate.ts'
import { openConsolePage } from '../../../../../functions/remote-console/page.ts'
import { serverFor } from '../../../../../functions/runtime/serve.ts'
import { mustOpenConsole, openConsole } from '../../../../support/console-client.ts'
import { ORIGIN } from '../../../../support/harness.ts'
import { speaking, speakingCloudType } from '../../../../support/speaking-cloud.ts'
import { NOVA, newWorld, type World } from '../world.ts'

speakingCloudType()

let w: World
let id: string
/** Where the broker listens, by WebSocket. */
let door: string
let origin: string
let close: () => void
/** How many are connected to the broker. */
let connections: () => Promise<number>

beforeEach(async () => {
  Object.assign(speaking, { off: false, floods: false, deaf: false, open: 0, taken: 0, sent: 0 })
  w = await newWorld({ clouds: [{ name: 'lab', type: 'speaking' }], consolePage: openConsolePage() })
  id = await w.running()
  await listen()
})
afterEach(() => close())

/** Opens the door. @param lookMs how often it is asked whether a console may go on */
const listen = async (lookMs?: number) => {
  const gate = consoleGate(w.plimsoll.host, lookMs)
  const server = serverFor(w.plimsoll.app, isImageData, '127.0.0.1', undefined, gate)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  origin = `http://127.0.0.1:${port}`
  door = `ws://127.0.0.1:${port}`
  connections = promisify(server.getConnections.bind(server))
  close = () => {
    gate.close()
    server.close()
  }
}

const asked = async (protocol: string, type: string, client = w.newest): Promise<string> =>
  (await client.post(`${NOVA}/servers/${id}/remote-consoles`, { remote_console: { protocol, type } })).body
    .remote_console.url
/** The WebSocket of a serial console, where the broker really listens. */
const serial = async () => (await asked('serial', 'serial')).replace(ORIGIN.replace('http', 'ws'), door)
/** A request for a WebSocket in so many words, of whoever does not hang up by himself. */
const knock = (first: string, lines: string[]) => {
  const { host, port } = new URL(origin)
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
  const head = [`${first} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', ...lines]
  socket.on('error', () => {}).write(`${head.join('\r\n')}\r\n\r\n`)
  return socket
}
const said = async (socket: ReturnType<typeof knock>): Promise<string> => {
  let heard = ''
  for await (const piece of socket) heard += piece
  socket.destroy()
  return heard
}
const words = async () =>
  (await w.plimsoll.db.all<{ word: string }>('select word from console_words')).map(({ word }) => word)
const WORTHLESS = {
  status: 403,
  message: 'The token is expired, was used, or is of a server that shows no more consoles.',
}

describe('a console that the broker brings', () => {
  test('is a page for its screen, in the shape that Nova has, and a WebSocket for its serial port', async () => {
    expect(await asked('vnc', 'novnc')).toMatch(
      /^http:\/\/plimsoll\.test\/console\/vnc_auto\.html\?path=console%2Fsocket%3Ftoken%3D[\w-]{43}$/,
    )
    expect(await asked('serial', 'serial')).toMatch(/^ws:\/\/plimsoll\.test\/console\/socket\?token=[\w-]{43}$/)
    const early = await w.act(id, { 'os-getVNCConsole': { type: 'novnc' } }, w.demo)
    expect(early.body.console).toEqual({ type: 'novnc', url: expect.stringContaining('/console/vnc_auto.html?path=') })
    const other = await w.act(id, { 'os-getSerialConsole': { type: 'serial' } }, w.demo)
    expect(other.body.console.url).toMatch(/^ws:/)
  })

  test('says what its server says, and hears what is typed, in the protocol that noVNC speaks', async () => {
    const console = await mustOpenConsole(await serial(), { origin })
    expect(console.protocol).toBe('binary')
    await console.says(/hello by serial/)
    console.send('ls\n')
    await console.says(/ls\n/)
    console.close()
    expect(await console.ended).toBe(1005)
    await expect.poll(() => speaking.open).toBe(0)
  })

  test('speaks also to programs that ask for no protocol, and come from no page', async () => {
    const console = await mustOpenConsole(await serial(), { protocols: [] })
    await console.says(/hello/)
    console.close()
  })

  test('is opened once by its URL, which is not kept as it is', async () => {
    const url = await serial()
    const [kept] = await words()
    expect(url).not.toContain(kept)
    expect(kept).toMatch(/^hmac\$/)
    const console = await mustOpenConsole(url)
    expect(await words()).toEqual([])
    expect(await openConsole(url)).toEqual(WORTHLESS)
    console.close()
  })

  test('is not opened by what was made up, or says nothing', async () => {
    for (const query of ['', '?token=', '?token=x', `?token=${'x'.repeat(43)}`, '?token=%00', '?path=y'])
      expect(await openConsole(`${door}/console/socket${query}`)).toEqual(WORTHLESS)
  })

  test('is not opened from a page of somebody else, and its URL is not used up by that', async () => {
    const url = await serial()
    for (const foreign of ['https://elsewhere.example', 'null', `${origin}.elsewhere.example`])
      expect(await openConsole(url, { origin: foreign })).toEqual({
        status: 403,
        message: 'The page is of another origin than the console.',
      })
    ;(await mustOpenConsole(url, { origin })).close()
  })

  test('is not opened ten minutes later', async () => {
    const url = await serial()
    w.plimsoll.clock.advance(600_001)
    expect(await openConsole(url)).toEqual(WORTHLESS)
    await sweepLeftovers(w.plimsoll.context())
    expect(await words()).toEqual([])
  })

  test('is not opened once the token by which it was asked for was revoked, or its server is deleted', async () => {
    const [first, second] = [await serial(), await serial()]
    await w.plimsoll.db.run(`update users set epoch = epoch + 1 where name = 'demo'`)
    expect(await openConsole(first)).toEqual(WORTHLESS)
    await w.plimsoll.db.run(`update users set epoch = epoch - 1 where name = 'demo'`)
    await w.newest.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect(await openConsole(second)).toEqual(WORTHLESS)
  })

  test('is not opened once the role is taken that it takes to ask for it, and ends then', async () => {
    close()
    await listen(1_000)
    const [first, second] = [await serial(), await serial()]
    const console = await mustOpenConsole(first)
    await w.plimsoll.db.run(`delete from grants where role_id not in (select id from roles where name = 'reader')
      and actor_id = (select id from users where name = 'demo')`)
    expect(await console.ended).toBe(1008)
    expect(await openConsole(second)).toEqual(WORTHLESS)
  })

  test('is opened by no request of which no WebSocket can be made, and its URL is not used up by that', async () => {
    const url = await serial()
    const { pathname, search } = new URL(url)
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
    for (const [method, ...lines] of [
      ['GET'],
      ['GET', key],
      ['GET', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'],
      ['GET', key, 'Sec-WebSocket-Version: 12'],
      ['POST', key, 'Sec-WebSocket-Version: 13'],
    ])
      expect(await said(knock(`${method} ${pathname}${search}`, lines)), lines.join()).toMatch(/^HTTP\/1\.1 400 /)
    // This one is seen through by the WebSocket itself, when the console is open already.
    const odd = knock(`GET ${pathname}${search}`, [key, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: ,'])
    expect(await said(odd)).toMatch(/^HTTP\/1\.1 400 /)
    await expect.poll(() => speaking.open).toBe(0)
  })

  test('is hung up on by whoever is refused and stays', async () => {
    const lines = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
    const socket = knock('GET /console/socket?token=x', lines)
    socket.write('and more that nobody reads')
    await once(socket, 'readable')
    await expect.poll(connections).toBe(0)
    socket.destroy()
  })

  test('is not there while its server is off, before and after somebody has the URL', async () => {
    const url = await serial()
    speaking.off = true
    const answer = await w.newest.post(`${NOVA}/servers/${id}/remote-consoles`, {
      remote_console: { protocol: 'vnc', type: 'novnc' },
    })
    expect([answer.status, answer.body.conflictingRequest.message]).toEqual([409, `Instance ${id} is not ready`])
    expect(await openConsole(url)).toEqual({ status: 409, message: 'Only a server that runs has a console.' })
  })

  test('is one of four of a server at a time, and sixteen URLs', async () => {
    const open = []
    for (let i = 0; i < 4; i++) open.push(await mustOpenConsole(await serial()))
    expect(await openConsole(await serial())).toEqual(WORTHLESS)
    open.pop()!.close()
    await expect.poll(() => speaking.open).toBe(3)
    open.push(await mustOpenConsole(await serial()))
    for (const each of open) each.close()
    const first = await serial()
    for (let i = 0; i < 16; i++) {
      w.plimsoll.clock.advance(1)
      await serial()
    }
    expect(await words()).toHaveLength(16)
    expect(await openConsole(first)).toEqual(WORTHLESS)
  })

  test('ends where a message is longer than anybody types', async () => {
    const console = await mustOpenConsole(await serial())
    console.send(new Uint8Array(131_073))
    expect(await console.ended).toBe(1009)
    await expect.poll(() => speaking.open).toBe(0)
  })

  test('ends when the token by which it was asked for is revoked, and goes on until then', async () => {
    close()
    await listen(1_000)
    const console = await mustOpenConsole(await serial())
    await console.says(/hello/)
    console.send('still here')
    await console.says(/still here/)
    await w.plimsoll.db.run(`update users set epoch = epoch + 1 where name = 'demo'`)
    expect(await console.ended).toBe(1008)
    expect(speaking.open).toBe(0)
  })

  test('hears no more than its server takes', async () => {
    speaking.deaf = true
    const console = await mustOpenConsole(await serial())
    for (let i = 0; i < 256; i++) console.send(new Uint8Array(131_072))
    await expect.poll(() => speaking.taken).toBe(131_072)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(speaking.taken).toBe(131_072)
    expect(console.waiting()).toBeGreaterThan(16 * 2 ** 20)
    console.close()
  })

  test('says no more than its browser takes', async () => {
    speaking.floods = true
    const console = await mustOpenConsole(await serial(), { reads: false })
    let before = -1
    // What is on its way fills the connection, and then nothing more is read from the server.
    await expect
      .poll(
        () => {
          const still = speaking.sent === before
          before = speaking.sent
          return still && before > 0
        },
        { interval: 100, timeout: 10_000 },
      )
      .toBe(true)
    expect(speaking.sent).toBeLessThan(32 * 2 ** 20)
    console.close()
    await expect.poll(() => speaking.open).toBe(0)
  })

  test('is for nobody who sees no such server', async () => {
    await w.plimsoll.newProject('other')
    const other = w.plimsoll.as('other').with({ 'OpenStack-API-Version': 'compute 2.96' })
    const wish = { remote_console: { protocol: 'vnc', type: 'novnc' } }
    expect((await other.post(`${NOVA}/servers/${id}/remote-consoles`, wish)).status).toBe(404)
  })
})

describe('the page of a screen', () => {
  test('is served with all that it loads, runs nothing else, and is framed by nobody', async () => {
    const page = await w.demo.get('/console/vnc_auto.html?path=console/socket?token=x')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
    )
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(page.body).not.toMatch(/<script(?! type="module" src)| style=| on\w+=/)
    const files = new Set<string>()
    const load = async (path: string): Promise<void> => {
      if (files.has(path)) return
      files.add(path)
      const { status, headers, body } = await w.demo.get(path)
      expect([path, status, headers.get('content-type')]).toEqual([path, 200, 'text/javascript; charset=utf-8'])
      for (const [, name] of String(body).matchAll(/^\s*(?:import|export)\b[^'"]*?from ["'](\.[^'"]+)["']/gm))
        await load(new URL(name!, `${ORIGIN}${path}`).pathname)
    }
    await load('/console/screen.js')
    expect(files.size).toBeGreaterThan(20)
    expect((await w.demo.get('/console/screen.css')).status).toBe(200)
    expect((await w.demo.get('/console/novnc/LICENSE.txt')).body).toMatch(/MPL 2\.0/)
  })

  test('is nothing but that', async () => {
    for (const name of [
      '',
      'x',
      'novnc/package.json',
      'novnc/core/../package.json',
      'novnc/..%2f..%2fpackage.json',
      '__proto__',
    ])
      expect((await w.demo.get(`/console/${name}`)).status).toBe(404)
    expect((await w.demo.post('/console/vnc_auto.html', {})).status).toBe(405)
    const plain = await w.demo.get('/console/socket?token=x')
    expect([plain.status, plain.body.error.message]).toEqual([426, 'A console is brought by a WebSocket.'])
  })

  test('is beside everything else that says Upgrade, which is answered as if it had not', async () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.end(`GET /livez HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)
    let heard = ''
    for await (const piece of socket) heard += piece
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK/)
  })
})
