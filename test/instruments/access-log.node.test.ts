import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAccessLog, type Write, writerTo } from '../../functions/instruments/access-log.ts'
import { consoleGate } from '../../functions/remote-console/gate.ts'
import { type Patience, serverFor } from '../../functions/runtime/serve.ts'
import { startPlimsoll } from '../support/harness.ts'

const served = async (into: Write, patience?: Patience) => {
  const log = openAccessLog(into)
  const plimsoll = await startPlimsoll({ instruments: log.instruments })
  const server = serverFor(plimsoll.app, () => false, '127.0.0.1', patience, consoleGate(plimsoll.host), log)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { plimsoll, log, port: (server.address() as AddressInfo).port }
}

test('a request is one line: who, what, how it ended, how long it took and what was sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-access-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'access.log')
  const { plimsoll, log, port } = await served(writerTo(file))
  const token = await plimsoll.as('demo').token()
  const url = `http://127.0.0.1:${port}`
  const answer = await fetch(`${url}/compute/v2.1/servers?name=a-name`, {
    headers: { 'X-Auth-Token': token, 'X-OpenStack-Request-ID': 'req-6c9f1e0a-0f2a-4b9e-8f5e-0d3c5b1f7a11' },
  })
  const text = await answer.text()
  await fetch(`${url}/compute/v2.1/servers/%0a%7B%22status%22%3A0%7D?token=${token}`)
  await fetch(`${url}/nothing%0d%0a/here?password=secret`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await log.flush()
  const written = readFileSync(file, 'utf8')
  const lines = written.trimEnd().split('\n')
  const [list, show, none] = lines.map((line) => JSON.parse(line))
  expect(lines).toHaveLength(3)
  expect(list).toEqual({
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    request_id: answer.headers.get('x-openstack-request-id'),
    global_request_id: 'req-6c9f1e0a-0f2a-4b9e-8f5e-0d3c5b1f7a11',
    method: 'GET',
    service: 'compute',
    operation: 'server.list',
    project: plimsoll.projectId('demo'),
    user: plimsoll.userId('demo'),
    status: 200,
    ms: expect.any(Number),
    bytes: expect.any(Number),
  })
  expect(list.bytes).toBeGreaterThan(text.length)
  expect(show).toMatchObject({ operation: 'server.show', status: 401, project: null, user: null })
  expect(none).toMatchObject({ operation: null, status: 404, request_id: null })
  for (const word of [token, 'secret', 'a-name', 'nothing']) expect(written).not.toContain(word)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('where nobody reads, requests go on, lines wait up to a bound, and what is lost is counted', async () => {
  const taken: string[] = []
  let go = () => {}
  const stuck = new Promise<void>((resolve) => {
    go = resolve
  })
  const { log, port } = await served((text, done) => {
    taken.push(text)
    void stuck.then(() => done(null))
  })
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/livez`)).text()
  await ask()
  void log.flush()
  // As many as a quick client makes, without the time of its connections.
  const fake = { socket: {}, prependOnceListener: () => {}, headersSent: true, statusCode: 200, writableFinished: true }
  for (let i = 0; i < 8_000; i++) {
    const socket = { bytesWritten: 0 }
    log.watch({ method: 'GET', socket } as never, { ...fake, once: (_: string, end: () => void) => end() } as never)
  }
  expect(JSON.parse(await ask())).toEqual({ status: 'ok' })
  expect(taken).toHaveLength(1)
  go()
  await log.flush()
  const lines = taken.join('').trimEnd().split('\n')
  const { lost } = JSON.parse(lines.at(-1)!)
  expect(lost).toBeGreaterThan(1_000)
  expect(lines.length - 1 + lost).toBe(8_002)
})

/** What is written at once, and every line as it is put. */
const spoken = async (patience?: Patience) => {
  let text = ''
  const all = await served((more, done) => {
    text += more
    done(null)
  }, patience)
  /** Sends what is given to a connection of its own, and gives what comes until it is closed. */
  const say = async (head: string, leaveAfterMs?: number) => {
    const socket = connect(all.port, '127.0.0.1').on('error', () => {})
    let heard = ''
    socket.on('data', (data) => {
      heard += data
    })
    socket.write(head)
    if (leaveAfterMs !== undefined) setTimeout(() => socket.destroy(), leaveAfterMs)
    await once(socket, 'close')
    return heard
  }
  const lines = async (count: number) => {
    for (let i = 0; i < 100 && text.split('\n').length <= count; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      await all.log.flush()
    }
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  return { ...all, say, lines }
}

test('a client that leaves before its answer is a line too', async () => {
  const { say, lines } = await spoken()
  await say('POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n', 100)
  const [line, ...more] = await lines(1)
  expect(line).toMatchObject({ operation: 'token.create', status: null, left: true })
  expect(more).toEqual([])
})

test('who is refused is named where a token says who it is', async () => {
  const { plimsoll, port, lines } = await spoken()
  const token = await plimsoll.as('demo').token()
  const answer = await fetch(`http://127.0.0.1:${port}/compute/v2.1/os-services`, {
    headers: { 'X-Auth-Token': token },
  })
  expect(answer.status).toBe(403)
  await answer.text()
  const [line] = await lines(1)
  const who = { user: plimsoll.userId('demo'), project: plimsoll.projectId('demo') }
  expect(line).toMatchObject({ operation: 'service.list', status: 403, ...who })
  expect(line.left).toBe(undefined)
})

test('requests that share a connection are told apart, by what was sent for each', async () => {
  const { say, lines } = await spoken()
  const ask = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  const sent = await say(ask('/compute/v2.1/servers') + ask('/livez') + ask('/nothing', 'Connection: close\r\n'))
  const told = await lines(3)
  expect(told.map(({ status }) => status)).toEqual([401, 200, 404])
  const sizes = sent.split(/(?=HTTP\/1\.1 )/).map((answer) => Buffer.byteLength(answer))
  expect(told.map(({ bytes }) => bytes)).toEqual(sizes)
})

test('what is no request to the app, a body that does not come, and a WebSocket are lines', async () => {
  const { say, lines } = await spoken({ silenceMs: 100, bodyMs: 1_000 })
  expect(await say('GET /livez HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  const half = 'POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'
  expect(await say(half)).toMatch(/^HTTP\/1\.1 408 /)
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: '
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  const socket = `GET /console/socket?token=secret HTTP/1.1\r\nHost: x\r\n${upgrade}${key}\r\n\r\n`
  const refused = await say(socket)
  expect(refused).toMatch(/^HTTP\/1\.1 403 /)
  const told = await lines(3)
  expect(told[0]).toMatchObject({ operation: null, method: 'GET', status: 400 })
  expect(told[1]).toMatchObject({ operation: 'token.create', method: 'POST', status: 408, cut: true })
  expect(told[1].left).toBe(undefined)
  expect(told[2]).toMatchObject({ operation: 'console.socket', status: 403, bytes: refused.length })
  expect(JSON.stringify(told)).not.toContain('secret')
})
