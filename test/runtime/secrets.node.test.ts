import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSqlite } from '../../db/sqlite.ts'
import { passwordsIn } from '../../functions/runtime/passwords.ts'
import { SERVED } from '../support/served.ts'

/** A process with a data folder of its own: what it leaves there and says is searched byte by byte. */

let folder: string
let said = ''
let broker: ChildProcess | undefined
let url = ''
const known = new Map<string, string>()
const canary = (what: string): string => {
  const word = `cAnArY${crypto.randomUUID().replaceAll('-', '')}`
  known.set(what, word)
  return word
}

const start = async () => {
  said = ''
  const { PLIMSOLL_SECRET_KEY: _, PLIMSOLL_ADMIN_PASSWORD: __, PLIMSOLL_DEMO_PASSWORD: ___, ...env } = process.env
  const process_ = spawn(process.execPath, SERVED, {
    env: { ...env, PLIMSOLL_DATA: folder, PORT: '0', PLIMSOLL_LOG: 'debug', PLIMSOLL_CRON_SECONDS: '1' },
  })
  broker = process_
  const heard = (text: Buffer) => {
    said += text
  }
  process_.stdout.on('data', heard)
  process_.stderr.on('data', heard)
  for (let waited = 0; !/Plimsoll serves (\S+)/.test(said); waited++) {
    if (waited > 300 || process_.exitCode !== null) throw new Error(`it does not start: ${said}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  url = /Plimsoll serves (\S+)/.exec(said)![1]!
}
const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
  if (!broker || broker.exitCode !== null) return
  broker.kill(signal)
  await once(broker, 'exit')
}
const yaml = () => readFileSync(join(folder, 'clouds.yaml'), 'utf8')

const logIn = async (name: 'admin' | 'demo') => {
  const domain = { id: 'default' }
  const user = { name, domain, password: passwordsIn(yaml())[name] }
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { name, domain } } }
  const answer = await fetch(`${url}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ auth }),
  })
  expect(answer.status).toBe(201)
  return answer.headers.get('X-Subject-Token')!
}
const send = async (token: string, method: string, path: string, body?: object, headers = {}) => {
  const answer = await fetch(url + path, {
    method,
    headers: { 'X-Auth-Token': token, 'Content-Type': 'application/json', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await answer.text()
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text ? JSON.parse(text) : null
}

/** Files of the folder with what stands in them, but for those that are there to tell clients and to hold the key. */
const files = () =>
  globSync('**/*', { cwd: folder })
    .map((name) => ({ name, path: join(folder, name) }))
    .filter(({ path }) => statSync(path).isFile())
const found = () =>
  files()
    .filter(({ name }) => name !== 'clouds.yaml' && name !== 'secret.key')
    .flatMap(({ name, path }) => {
      const text = readFileSync(path, 'latin1')
      return [...known].flatMap(([what, secret]) => (text.includes(secret) ? [`${what} in ${name}`] : []))
    })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-'))
  await start()
  const [admin, demo] = [await logIn('admin'), await logIn('demo')]
  known.set('a token', demo)
  for (const user of ['admin', 'demo'] as const) known.set(`the password of ${user}`, passwordsIn(yaml())[user]!)
  const key = { 'Idempotency-Key': 'once' }
  await send(admin, 'POST', '/identity/v3/users', { user: { name: 'eve', password: canary('a password') } })
  const credentials = { access_key_id: 'AKIAEXAMPLE', secret_access_key: canary('credentials') }
  await send(admin, 'POST', '/broker/v1/clouds', {
    cloud: { name: 'east', type: 'aws', region: 'us-east-1', credentials },
  })
  const { keypair } = await send(demo, 'POST', '/compute/v2.1/os-keypairs', { keypair: { name: 'k' } }, key)
  known.set('a private key', keypair.private_key.split('\n')[3])
  const network = (await send(demo, 'POST', '/network/v2.0/networks', { network: {} })).network.id
  const subnet = { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' }
  await send(demo, 'POST', '/network/v2.0/subnets', { subnet })
  const { images } = await send(demo, 'GET', '/image/v2/images?name=sandbox-linux')
  known.set('user data in base64', btoa(canary('user data')))
  const server = {
    name: 's',
    flavorRef: '1',
    imageRef: images[0].id,
    networks: [{ uuid: network }],
    key_name: 'k',
    user_data: known.get('user data in base64'),
    adminPass: canary('a password of a guest'),
  }
  const { id } = (await send(demo, 'POST', '/compute/v2.1/servers', { server }, key)).server
  for (let asked = 0; asked < 200; asked++) {
    const shown = await send(demo, 'GET', `/compute/v2.1/servers/${id}`)
    if (shown.server.status === 'ACTIVE') return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the server does not become active')
}, 90_000)
afterAll(async () => {
  await end('SIGKILL')
  rmSync(folder, { recursive: true })
})

test('while it runs nothing secret is in a file or in what it says, but for the file that clients read', () => {
  expect(files().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['plimsoll.db', 'cloud-state.db', 'clouds.yaml']),
  )
  expect(known.size).toBeGreaterThan(7)
  expect(found()).toEqual([])
  expect([...known].filter(([, secret]) => said.includes(secret))).toEqual([])
})

test('when it ended nothing is left over either, and every file is its owner’s alone', async () => {
  await end()
  expect(found()).toEqual([])
  expect(existsSync(join(folder, 'passwords'))).toBe(false)
  for (const { name, path } of files()) expect([name, statSync(path).mode & 0o077]).toEqual([name, 0])
}, 20_000)

/** Whether some row still has a text as it was given. */
const isClear = async (text: string): Promise<boolean> => {
  const database = openSqlite(join(folder, 'plimsoll.db'))
  const rows = await database
    .prepare(
      `select 1 from servers where user_data = ?1 union all
        select 1 from bindings where kind = 'server' and frozen ->> '$.userData' = ?1`,
    )
    .bind(text)
    .all()
  database.close()
  return rows.results.length > 0
}

test('what an earlier version left in the clear or readable is neither at the next start', async () => {
  const clear = known.get('user data in base64')!
  const database = openSqlite(join(folder, 'plimsoll.db'))
  await database.prepare('update servers set user_data = ?').bind(clear).run()
  await database
    .prepare(`update bindings set frozen = json_set(frozen, '$.userData', ?) where kind = 'server'`)
    .bind(clear)
    .run()
  await database.prepare('delete from leases').run()
  database.close()
  const passwords = passwordsIn(yaml())
  writeFileSync(join(folder, 'passwords'), JSON.stringify(passwords))
  rmSync(join(folder, 'clouds.yaml'))
  for (const name of ['plimsoll.db', 'secret.key']) chmodSync(join(folder, name), 0o644)
  expect(found()).toContain('user data in base64 in plimsoll.db')
  await start()
  expect(passwordsIn(yaml())).toEqual(passwords)
  await logIn('demo')
  // What is written anew leaves the file itself when its journal is folded in, at the end.
  for (let asked = 0; asked < 100 && (await isClear(clear)); asked++)
    await new Promise((resolve) => setTimeout(resolve, 200))
  await end()
  expect(found()).toEqual([])
  for (const { name, path } of files()) expect([name, statSync(path).mode & 0o077]).toEqual([name, 0])
}, 60_000)
