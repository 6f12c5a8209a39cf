import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAccessLog, type Write, writerTo } from '../../functions/instruments/access-log.ts'
import { serverFor } from '../../functions/runtime/serve.ts'
import { startPlimsoll } from '../support/harness.ts'

const served = async (into: Write) => {
  const log = openAccessLog(into)
  const plimsoll = await startPlimsoll({ instruments: log.instruments })
  const server = serverFor(plimsoll.app, () => false, '127.0.0.1', undefined, undefined, log.watch)
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
  const fake = { headersSent: true, statusCode: 200, writableFinished: true }
  for (let i = 0; i < 8_000; i++) {
    const socket = { bytesWritten: 0 }
    log.watch(
      new Request('http://x/'),
      { method: 'GET', socket } as never,
      { ...fake, once: (_: string, end: () => void) => end() } as never,
    )
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

test('a client that leaves before its answer is a line too', async () => {
  const taken: string[] = []
  const { log, port } = await served((text, done) => {
    taken.push(text)
    done(null)
  })
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /compute/v2.1/servers HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n')
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await log.flush()
  expect(JSON.parse(taken.join(''))).toMatchObject({ operation: 'server.create' })
})
