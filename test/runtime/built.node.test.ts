import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openSqlite } from '../../db/sqlite.ts'
import { placeIn } from '../../functions/runtime/traces.ts'
import { SERVED } from '../support/served.ts'

/** A copy of the project, in which anything may be changed; of its packages one is a copy, too. */
let tree: string
let broker: ChildProcess | undefined
let said = ''
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'plimsoll-tree-'))
  for (const name of ['functions', 'adapters', 'db', 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(name, join(tree, name), { recursive: true, preserveTimestamps: true })
  mkdirSync(join(tree, 'node_modules'))
  for (const name of readdirSync('node_modules'))
    if (name !== 'hono') symlinkSync(join(process.cwd(), 'node_modules', name), join(tree, 'node_modules', name))
  cpSync('node_modules/hono', join(tree, 'node_modules/hono'), { recursive: true })
})
afterAll(() => rmSync(tree, { recursive: true, force: true }))

/** `npm start`; gives the URL. */
const start = async (): Promise<string> => {
  said = ''
  const env = { ...process.env, PLIMSOLL_DATA: join(tree, 'data'), PORT: '0' }
  const process_ = spawn(process.execPath, SERVED, { cwd: tree, env })
  broker = process_
  for (const stream of [process_.stdout, process_.stderr])
    stream.on('data', (text) => {
      said += text
    })
  while (!/Plimsoll serves \S+/.test(said)) {
    if (process_.exitCode !== null) throw new Error(`it does not start: ${said}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return /Plimsoll serves (\S+)/.exec(said)![1]!
}
const end = async () => {
  if (!broker || broker.exitCode !== null) return
  broker.kill('SIGTERM')
  await once(broker, 'exit')
}
afterEach(end)

const answer = async (url: string, path: string) => (await fetch(url + path)).text()
const builds = () => globSync('*/node.mjs', { cwd: join(tree, '.cache/node') })
const change = (path: string, what: string, into: string) => {
  const text = readFileSync(join(tree, path), 'utf8')
  expect(text).toContain(what)
  writeFileSync(join(tree, path), text.replace(what, into))
}

test('the first start builds the program, and the next one starts what was built', async () => {
  expect(await answer(await start(), '/healthz')).toContain('"status":"ok"')
  expect(said).not.toContain('from its sources')
  await end()
  expect(builds()).toHaveLength(1)
  expect(await answer(await start(), '/nowhere')).toContain('There is no service at /nowhere.')
  expect(builds()).toHaveLength(1)
})

test('a source that changed is served as it is now, even in the same size and of the same time', async () => {
  const path = join(tree, 'functions/app.ts')
  const before = readFileSync(path)
  const at = new Date('2026-01-01')
  utimesSync(path, at, at)
  change('functions/app.ts', 'There is no service at', 'There is no surface at')
  utimesSync(path, at, at)
  expect(await answer(await start(), '/nowhere')).toContain('There is no surface at /nowhere.')
  await end()
  expect(builds()).toHaveLength(2)
  writeFileSync(path, before)
  expect(await answer(await start(), '/nowhere')).toContain('There is no service at /nowhere.')
  expect(builds()).toHaveLength(2)
})

test('so is a package that changed, and of the builds the last three stay', async () => {
  for (const count of [3, 3]) {
    const file = globSync('node_modules/hono/dist/hono-base.js', { cwd: tree })[0]!
    appendFileSync(join(tree, file), '\nconsole.error("a changed package")\n')
    await start()
    expect(said).toContain('a changed package')
    await end()
    expect(builds()).toHaveLength(count)
  }
})

test('an error is written with its place in the sources', async () => {
  const url = await start()
  const database = openSqlite(join(tree, 'data/plimsoll.db'))
  await database.exec('alter table domains rename to kingdoms')
  database.close()
  const yaml = readFileSync(join(tree, 'data/clouds.yaml'), 'utf8')
  const password = JSON.parse(/password: (".*")/.exec(yaml)![1]!)
  const user = { name: 'demo', domain: { name: 'Default' }, password }
  const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } } } })
  const headers = { 'Content-Type': 'application/json' }
  expect((await fetch(`${url}/identity/v3/auth/tokens`, { method: 'POST', headers, body })).status).toBe(500)
  const [, line] = /\(db\/sqlite\.ts:(\d+):\d+\)/.exec(said) ?? []
  expect([said, readFileSync('db/sqlite.ts', 'utf8').split('\n')[Number(line) - 1]]).toEqual([
    said,
    expect.stringMatching(/d1Error|new Error/),
  ])
  rmSync(join(tree, 'data'), { recursive: true })
})

test('a place that a trace names is the one that the map of the build says', () => {
  const path = globSync('.cache/node/*/sandbox-*.mjs.map', { cwd: tree })[0]!
  const text = readFileSync(join(tree, path), 'utf8')
  const map = JSON.parse(text)
  const theirs = new SourceMap(map)
  const lines = readFileSync(join(tree, path.slice(0, -'.map'.length)), 'utf8').split('\n')
  let compared = 0
  for (let line = 20; line < lines.length; line += 97) {
    const entry = theirs.findEntry(line - 1, 8)
    if (!('originalSource' in entry) || entry.generatedLine !== line - 1) continue
    const { originalSource: source, originalLine, originalColumn } = entry
    expect(placeIn(map, line, 9)).toEqual({ source, line: originalLine + 1, column: originalColumn + 1 })
    compared++
  }
  expect(compared).toBeGreaterThan(5)
})

test('where nothing can be built the sources themselves are started, and it is said', async () => {
  rmSync(join(tree, '.cache'), { recursive: true })
  writeFileSync(join(tree, '.cache'), 'in the way')
  expect(await answer(await start(), '/healthz')).toContain('"status":"ok"')
  expect(said).toMatch(/^plimsoll: starts from its sources, .*: .*(EEXIST|ENOTDIR)/)
})
