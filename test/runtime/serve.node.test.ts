import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { isImageData } from '../../functions/app.ts'
import { serverFor } from '../../functions/runtime/serve.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

let close: () => void = () => {}
afterEach(() => close())

const PATIENCE = { silenceMs: 400, bodyMs: 1_000 }
const serve = async (plimsoll: Plimsoll, patience = PATIENCE) => {
  const server = serverFor(plimsoll.app, isImageData, '127.0.0.1', patience)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  close = () => server.close()
  return (server.address() as AddressInfo).port
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends a head and pieces of a chunked body with pauses, and gives the first line of what comes back. */
const speak = async (port: number, head: string, pieces: number, pauseMs: number, leaves = false) => {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  let heard = ''
  socket.on('data', (data) => {
    heard += data
  })
  socket.write(`${head}\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  for (let i = 0; i < pieces && !socket.destroyed && !heard; i++) {
    socket.write('1\r\n \r\n')
    await pause(pauseMs)
  }
  if (leaves) socket.destroy()
  else if (!socket.destroyed && !heard && pieces) socket.write('0\r\n\r\n')
  for (let i = 0; i < 200 && !heard && !socket.destroyed; i++) await pause(20)
  socket.destroy()
  return heard.split('\r\n')[0]
}
const imageHead = async (plimsoll: Plimsoll) => {
  const demo = plimsoll.as('demo')
  const wish = { name: 'own', disk_format: 'raw', container_format: 'bare' }
  const { id } = (await demo.post('/image/v2/images', wish)).body
  const headers = `X-Auth-Token: ${await demo.token()}\r\nContent-Type: application/octet-stream`
  return { id, head: `PUT /image/v2/images/${id}/file HTTP/1.1\r\n${headers}` }
}

test('an upload lives as long as its bytes flow, and any other body as long as is decent', async () => {
  const plimsoll = await startPlimsoll({ clouds: [] })
  const port = await serve(plimsoll)
  const { head } = await imageHead(plimsoll)
  const login = 'POST /identity/v3/auth/tokens HTTP/1.1\r\nContent-Type: application/json'
  expect(await speak(port, head, 14, 100)).toBe('HTTP/1.1 204 No Content')
  expect(await speak(port, login, 14, 100)).toBe('HTTP/1.1 408 Request Timeout')
  expect(await speak(port, login, 1, 0)).toBe('HTTP/1.1 400 Bad Request')
})

test('a body of which nothing more comes is given up, image data too, and what came of it is not kept', async () => {
  const plimsoll = await startPlimsoll({ clouds: [] })
  const port = await serve(plimsoll)
  const { head, id } = await imageHead(plimsoll)
  expect(await speak(port, head, 1, 2_000)).toBe('HTTP/1.1 408 Request Timeout')
  await pause(200)
  expect((await plimsoll.as('demo').get(`/image/v2/images/${id}`)).body.status).toBe('queued')
  expect([...plimsoll.blobs.kept.keys()]).toEqual([])
})

test('a connection is kept for longer than clients keep theirs, so that none sends into one that was just closed', async () => {
  const port = await serve(await startPlimsoll({ clouds: [] }))
  const { headers } = await fetch(`http://127.0.0.1:${port}/healthz`)
  const [, seconds] = /timeout=(\d+)/.exec(headers.get('keep-alive') ?? '') ?? []
  expect(Number(seconds)).toBeGreaterThan(90)
})

test('a client that leaves in the middle is no error', async () => {
  const plimsoll = await startPlimsoll({ clouds: [] })
  const port = await serve(plimsoll)
  const { head } = await imageHead(plimsoll)
  const login = 'POST /identity/v3/auth/tokens HTTP/1.1\r\nContent-Type: application/json'
  for (const each of [login, head]) await speak(port, each, 3, 30, true)
  await pause(300)
  expect(plimsoll.logged.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'info: a client left before its answer',
    'info: a client left before its answer',
  ])
})

test('a client that leaves while it downloads is no error either', async () => {
  const plimsoll = await startPlimsoll({ clouds: [] })
  const port = await serve(plimsoll)
  const demo = plimsoll.as('demo')
  const { id } = await imageHead(plimsoll)
  const path = `/image/v2/images/${id}/file`
  const put = await demo.put(path, new Uint8Array(20_000_000), { 'Content-Type': 'application/octet-stream' })
  expect(put.status).toBe(204)
  const cried = vi.spyOn(console, 'error')
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: ${await demo.token()}\r\n\r\n`)
  await once(socket, 'data')
  socket.destroy()
  await pause(300)
  expect(cried).not.toHaveBeenCalled()
  expect(plimsoll.logged).toEqual([])
})

test('where a request came from is the other end of its connection', async () => {
  const plimsoll = await startPlimsoll({ clouds: [], settings: { requestsPerSource: 1 } })
  const port = await serve(plimsoll)
  const ask = (forwarded: string) =>
    fetch(`http://127.0.0.1:${port}/identity`, { headers: { 'X-Forwarded-For': forwarded } }).then((r) => r.status)
  expect([await ask('203.0.113.1'), await ask('203.0.113.2')]).toEqual([300, 429])
})
