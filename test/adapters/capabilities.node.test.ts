import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CAPABILITIES, type Capability, KINDS } from '../../adapters/contract.ts'
import { adapters } from '../../adapters/registry.ts'
import { CASES } from './cases.ts'

const types = Object.keys(adapters).filter((type) => existsSync(`adapters/${type}`))
const isKind = (name: string): boolean => (KINDS as readonly string[]).includes(name)
const tried = new Set<string>(CASES.flatMap(({ needs }) => needs))

/** What a guest or a browser sees, which no case can look into; volumes of volumes are a case of the kind. */
const BEYOND = ['server.config_drive', 'server.remote_console', 'server.change_password', 'volume.clone']

test.each(types)('%s has a case for each capability, or a sentence that says why it lacks it', async (type) => {
  const { lacks } = await adapters[type]!()
  const silent = CAPABILITIES.filter((name) => lacks[name] === undefined && !tried.has(name) && !BEYOND.includes(name))
  expect(silent).toEqual([])
})

test.each(types)('%s gives whole sentences', async (type) => {
  const sentences = Object.values((await adapters[type]!()).lacks)
  expect(sentences.filter((sentence) => !/^[A-Z].{10,}\.$/.test(sentence))).toEqual([])
})

/** Asked for by the member of the contract that it is. */
const MEMBERS: Partial<Record<Capability, string>> = {
  'server.describe': '.describe',
  'server.fork': '.forks',
  'volume.type': '.volumeTypes',
}

test('a capability that some clouds lack is asked for before it is used', async () => {
  const program = globSync('functions/**/*.ts')
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  const all = await Promise.all(types.map((type) => adapters[type]!()))
  const somewhere = CAPABILITIES.filter((name) => all.some(({ lacks }) => lacks[name] === undefined))
  const unasked = somewhere.filter(
    (name) => !isKind(name) && !program.includes(`'${name}'`) && !program.includes(MEMBERS[name] ?? `'${name}'`),
  )
  expect(unasked).toEqual([])
})
