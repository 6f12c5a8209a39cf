import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isImageData } from '../../../../../functions/app.ts'
import { consoleGate } from '../../../../../functions/remote-console/gate.ts'
import { openConsolePage } from '../../../../../functions/remote-console/page.ts'
import { serverFor } from '../../../../../functions/runtime/serve.ts'
import { type ConsoleClient, mustOpenConsole } from '../../../../support/console-client.ts'
import { NOVA, newWorld, type World } from '../world.ts'

/* Consoles of the embedded cloud, to the programs that show them. */

let w: World
let id: string
let door: string
let close: () => void

beforeEach(async () => {
  w = await newWorld({ consolePage: openConsolePage() })
  id = await w.running()
  w.plimsoll.clock.advance(5_000)
  const gate = consoleGate(w.plimsoll.host)
  const server = serverFor(w.plimsoll.app, isImageData, '127.0.0.1', undefined, gate)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  door = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => {
    gate.close()
    server.close()
  }
})
afterEach(() => close())

const opened = async (protocol: string, type: string): Promise<ConsoleClient> => {
  const { status, body } = await w.newest.post(`${NOVA}/servers/${id}/remote-consoles`, {
    remote_console: { protocol, type },
  })
  expect([status, body.remote_console.type]).toEqual([200, type])
  const word = /token(?:=|%3D)([\w-]+)/.exec(body.remote_console.url)![1]
  return mustOpenConsole(`${door}/console/socket?token=${word}`)
}

describe('the serial port of a server of the embedded cloud', () => {
  test('says what its guest wrote, and asks who is there, and knows nobody', async () => {
    const console = await opened('serial', 'serial')
    expect(await console.says(/login: /)).toContain('Linux version')
    console.send('roox\x7ft\rsecret\r')
    const said = await console.says(/Login incorrect[\s\S]*login: $/)
    expect(said).toContain('roox\b \bt\r\nPassword: \r\nLogin incorrect')
    expect(said).not.toContain('secret')
    console.close()
  })

  test('is over when the server is off', async () => {
    const console = await opened('serial', 'serial')
    await console.says(/login: /)
    await w.act(id, { 'os-stop': null })
    await w.plimsoll.settle()
    expect(await console.ended).toBe(1000)
    const off = await w.newest.post(`${NOVA}/servers/${id}/remote-consoles`, {
      remote_console: { protocol: 'serial', type: 'serial' },
    })
    expect([off.status, off.body.conflictingRequest.message]).toEqual([409, `Instance ${id} is not ready`])
  })
})

const VERSION = 'RFB 003.008\n'
const [WIDTH, HEIGHT, ROW] = [640, 400, 16]
/** Says hello as a viewer does; what the screen is called. */
const greeted = async (console: ConsoleClient): Promise<string> => {
  expect((await console.take(12)).toString()).toBe(VERSION)
  console.send(VERSION)
  expect([...(await console.take(2))]).toEqual([1, 1])
  console.send(Uint8Array.of(1))
  expect((await console.take(4)).readUInt32BE()).toBe(0)
  console.send(Uint8Array.of(1))
  const head = await console.take(24)
  expect([head.readUInt16BE(0), head.readUInt16BE(2), head[4]]).toEqual([WIDTH, HEIGHT, 32])
  return (await console.take(head.readUInt32BE(20))).toString()
}
const ask = (incremental: 0 | 1) =>
  Uint8Array.of(3, incremental, 0, 0, 0, 0, WIDTH >> 8, WIDTH & 255, HEIGHT >> 8, HEIGHT & 255)
const press = (key: number) => Uint8Array.of(4, 1, 0, 0, 0, 0, key >> 8, key & 255)
/** Which rows came, and how many of their pixels, of so many bytes, are lit. */
const pictured = async (console: ConsoleClient, bytes: number): Promise<Map<number, number>> => {
  const rows = new Map<number, number>()
  const count = (await console.take(4)).readUInt16BE(2)
  for (let i = 0; i < count; i++) {
    const head = await console.take(12)
    expect([head.readUInt16BE(4), head.readUInt16BE(6), head.readInt32BE(8)]).toEqual([WIDTH, ROW, 0])
    const pixels = await console.take(WIDTH * ROW * bytes)
    let lit = 0
    for (let at = 0; at < pixels.length; at += bytes) lit += pixels.subarray(at, at + bytes).some(Boolean) ? 1 : 0
    rows.set(head.readUInt16BE(2) / ROW, lit)
  }
  return rows
}

describe('its screen', () => {
  test('shows what the guest wrote, then what is typed there', async () => {
    const console = await opened('vnc', 'novnc')
    expect(await greeted(console)).toBe('one')
    // Encodings, text that was cut, the mouse: nothing of it is for a screen of characters.
    console.send(Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 7, 6, 0, 0, 0, 0, 0, 0, 2, 65, 66, 5, 0, 0, 1, 0, 1))
    await expect
      .poll(async () => {
        console.send(ask(0))
        return (await pictured(console, 4)).get(0)
      })
      .toBeGreaterThan(50)
    console.send(ask(1))
    console.send(press(0x72))
    const typed = await pictured(console, 4)
    expect(typed.size, 'the row of the prompt alone').toBe(1)
    expect([...typed.values()][0]).toBeGreaterThan(0)
    console.close()
  })

  test('is drawn as its viewer sees colours, and is over for one that speaks otherwise', async () => {
    const console = await opened('vnc', 'novnc')
    await greeted(console)
    console.send(Uint8Array.of(0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0))
    console.send(ask(0))
    expect((await pictured(console, 2)).size).toBeGreaterThan(0)
    console.send(Uint8Array.of(99))
    expect(await console.ended).toBe(1011)
  })
})
