import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adapters } from '../../adapters/registry.ts'
import { bootFiles } from '../check/figures.ts'
import { importsOf } from '../check/imports.ts'

const read = (path: string): string => readFileSync(path, 'utf8')
const without = /node_modules|\.cache|\.plimsoll/
const pages = globSync('{*,docs/**/*,adapters/**/*,test/**/*}.md', { exclude: (path) => without.test(path) })
const sources = globSync('{functions,adapters,db,test,docs}/**/*', { exclude: (path) => without.test(path) })
const folders = ['functions', 'adapters', 'db', 'test', 'docs']
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>

/** Types that are a folder: other tests register types of their own. */
const types = Object.keys(adapters).filter((type) => existsSync(`adapters/${type}`))

/** Names in backticks, without what an example says within a fence. */
const inBackticks = (text: string): string[] =>
  [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!)

describe('a file that a page names', () => {
  /** `adapters/<cloud>/errors.ts` stands for one of each. */
  const fits = (name: string): boolean => {
    const pattern = name
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('\\*', '[^/]*')
      .replaceAll(/<\w+>|NNNN|NAME/g, '[^/]+')
    return [...sources, ...folders, ...pages].some((path) => new RegExp(`(^|/)${pattern}/?$`).test(path))
  }
  test.each(pages)('exists: %s', (page) => {
    const text = read(page)
    const named = inBackticks(text).filter((name) =>
      /^((functions|adapters|db|test|docs)\/[\w<>./*-]*|[\w<>-]+(\/[\w<>-]+)*\/[\w<>-]+\.(ts|md|sql))$/.test(name),
    )
    expect(named.filter((name) => !fits(name.replace(/\/$/, '')))).toEqual([])
    const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)/g)].map(([, path]) => path!)
    expect(linked.filter((path) => !existsSync(join(dirname(page), path)))).toEqual([])
  })
})

describe('types of clouds', () => {
  test('that an operator may register are those that there are adapters for', () => {
    const sentence = /^`type` is ([^;.]+)/m.exec(read('docs/operators.md'))?.[1] ?? ''
    expect(inBackticks(sentence).sort()).toEqual([...types].sort())
  })

  test('in examples exist', () => {
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/\{"cloud": \{[^}]*?"type": "(\w+)"/g)].map(([, type]) => type!),
    )
    expect(named.length).toBeGreaterThan(1)
    expect(named.filter((type) => !types.includes(type))).toEqual([])
  })

  test('each have a page beside their adapter, but for the embedded one', () => {
    const described = types.filter((type) => existsSync(`adapters/${type}/README.md`))
    expect(described).toEqual(types.filter((type) => type !== 'sandbox'))
  })
})

describe('docs/dependencies.md', () => {
  const sections = read('docs/dependencies.md').split(/^\| (?=runs in production|only while developing|separate)/m)
  const listed = (section: number): string[] =>
    [...sections[section]!.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) => inBackticks(names!)).sort()

  test('says what runs in production', () => {
    expect(listed(1)).toEqual(Object.keys(manifest.dependencies!).sort())
  })
  test('says what is only used while developing', () => {
    expect(listed(2)).toEqual(Object.keys(manifest.devDependencies!).sort())
  })
})

describe('npm scripts', () => {
  const scripts = Object.keys(manifest.scripts!)
  const prose = pages.map((page) => [page, read(page)] as const)

  test('that a page names exist', () => {
    const missing = prose.flatMap(([page, text]) =>
      [...text.matchAll(/\bnpm run (?:-s |--silent )?([\w-]+)/g)]
        .filter(([, name]) => !scripts.includes(name!))
        .map(([said]) => `${page}: ${said}`),
    )
    expect(missing).toEqual([])
  })
  test('are all named by the README or by CONTRIBUTING.md', () => {
    const said = read('README.md') + read('CONTRIBUTING.md')
    expect(scripts.filter((name) => !new RegExp(`\\bnpm (run )?${name}\\b`).test(said))).toEqual([])
  })
})

test('the table of settings in the README is what the program reads', () => {
  const table = /^## Settings\n(.*?)^## /ms.exec(read('README.md'))?.[1] ?? ''
  const documented = [...table.matchAll(/^\|([^|]+)\|/gm)].flatMap(([, names]) => inBackticks(names!))
  const code = globSync('functions/{runtime/**/*,instruments/traces/settings}.ts').map(read).join('\n')
  const known = [...code.matchAll(/\benv\.([A-Z][A-Z_]+)\b|\(env, '([A-Z_]+)'/g)].map(
    ([, member, name]) => member ?? name,
  )
  /** What a Worker is bound to is no setting: it stands in wrangler.toml. */
  const bound = [...read('wrangler.toml').matchAll(/^binding = "(\w+)"|^queue = /gm)].flatMap(([, name]) => name ?? [])
  const settings = [...new Set(known)].filter((name) => name && !bound.includes(name))
  expect(documented.sort()).toEqual(settings.sort())
})

test('CHANGELOG.md names every migration since the first release, for those who upgrade', () => {
  const log = read('CHANGELOG.md')
  const migrations = globSync('db/{migrations,cloud-state}/*.sql').map((path) => path.replace(/.*\/(.*)\.sql$/, '$1'))
  expect(migrations.length).toBeGreaterThan(7)
  expect(migrations.filter((name) => !log.includes(`\`${name}\``))).toEqual([])
})

describe('the walk through a boot', () => {
  const boot = bootFiles()
  const imports = importsOf('{functions,adapters}/**/*.ts')
  /** Where parts are put together, so that those above need not know them. */
  const wired = ['functions/runtime/host.ts', 'functions/broker/kinds/index.ts', 'adapters/sandbox/index.ts']

  test('goes from route to adapter', () => {
    expect(boot.at(0)).toMatch(/^functions\/compute\//)
    expect(boot.at(-1)).toMatch(/^adapters\//)
  })
  test.each(boot)('leads to %s', (path) => {
    const known = [...boot.slice(0, boot.indexOf(path)), ...wired]
    const first = path === boot[0]
    expect(first || imports.some(({ from, to }) => to === path && known.includes(from))).toBe(true)
  })
})

test('rooms and floors of the broker are those that the architecture test guards', () => {
  const told = [...read('docs/architecture.md').matchAll(/^\| (\d) \| ((?:`[\w-]+`(?:, )?)+) \|/gm)].map(
    ([, , rooms]) => inBackticks(rooms!).sort(),
  )
  const list = /'functions\/broker': \[(.*?)^ {2}\]/ms.exec(read('test/architecture.node.test.ts'))?.[1] ?? ''
  const guarded = [...list.matchAll(/\[([^\]]+)\]/g)].map(([, rooms]) =>
    [...rooms!.matchAll(/'([^']+)'/g)].map(([, room]) => room!).sort(),
  )
  expect(guarded.length).toBeGreaterThan(3)
  expect(told.reverse()).toEqual(guarded)
})
