import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { circlesIn, type Import, importsOf, roomOf } from './check/imports.ts'

/**
 * Who may import whom. A pattern stands for files of ours by path, or for a package by `npm:name`. Types cross more
 * borders than values do: they leave no trace in the running program.
 */
interface Rule {
  files: RegExp
  values: RegExp[]
  types?: RegExp[]
}

const STANDARD = /^npm:node:(buffer|crypto|net)$/
const SERVICES = ['identity', 'compute', 'network', 'block-storage', 'image', 'object-store', 'placement', 'broker-api']
const ADAPTERS = readdirSync('adapters', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
  .map(({ name }) => name)
const CONTEXT = /^functions\/context\.ts$/
const CONTRACT = /^adapters\/(contract|errors|objects)\.ts$/

/** What is looked up by a stranger's word is looked up there. */
const TABLE = 'adapters/table.ts'

const RULES: Rule[] = [
  // Protocol: no tables, no clouds.
  {
    files: /^functions\/http\//,
    values: [/^functions\/http\//, /^npm:(hono|zod)$/, /^adapters\/errors\.ts$/],
    types: [CONTEXT],
  },
  // What services say of themselves, from the operations that they are handed.
  { files: /^functions\/openapi\//, values: [/^functions\/(openapi|http)\//, /^npm:zod$/] },
  {
    files: /^functions\/auth\//,
    values: [/^functions\/(auth|http|crypto)\//, /^db\/queries\//, STANDARD],
    types: [CONTEXT],
  },
  { files: /^functions\/crypto\//, values: [/^functions\/crypto\//, STANDARD] },
  // A service speaks: never to another service, never to a cloud.
  ...SERVICES.map((service) => ({
    files: new RegExp(`^functions/${service}/`),
    values: [
      new RegExp(`^functions/(${service}|http|auth|crypto|broker)/`),
      /^db\/(queries\/|scope\.ts$)/,
      /^npm:(zod|re2js|jose)$/,
      STANDARD,
    ],
    types: [CONTEXT, /^db\/schema\//, CONTRACT],
  })),
  // The broker decides: no HTTP, no adapter by name.
  {
    files: /^functions\/broker\//,
    values: [
      /^functions\/(broker|crypto)\//,
      /^db\//,
      /^adapters\/(contract|errors|registry)\.ts$/,
      /^npm:drizzle-orm(\/|$)/,
      STANDARD,
      /^npm:node:dns\/promises$/,
    ],
    types: [CONTEXT],
  },
  // What a process tells of itself, and what is made of it for whoever measures.
  {
    files: /^functions\/instruments\//,
    values: [
      /^functions\/(instruments|broker|http)\//,
      /^db\/queries\//,
      /^adapters\/errors\.ts$/,
      /^npm:prom-client(\/|$)/,
      /^npm:@opentelemetry\//,
      /^npm:node:(async_hooks|fs)$/,
      STANDARD,
    ],
    types: [CONTEXT, CONTRACT, /^npm:node:http$/],
  },
  // What browsers are handed: its files, and who asks. One file for each runtime.
  {
    files: /^functions\/pages\//,
    values: [/^functions\/(pages|http)\//, /^npm:node:(fs|fs\/promises|path)$/],
    types: [/^npm:@cloudflare\/workers-types$/],
  },
  // The console runs in browsers, and has from the program what the API says.
  { files: /^functions\/console\//, values: [/^functions\/console\//, /^npm:(preact|uplot)(\/|$)/] },
  // Where uploaded data is kept: one file for each runtime.
  {
    files: /^functions\/blobs\//,
    values: [/^adapters\/errors\.ts$/, /^npm:node:(fs\/promises|path|stream)$/],
    types: [CONTEXT, /^npm:@cloudflare\/workers-types$/],
  },
  // What makes image data of other formats: programs of the machine, kept apart from it. Node alone.
  {
    files: /^functions\/conversion\//,
    values: [
      /^functions\/conversion\//,
      /^functions\/broker\/image\/image-format\.ts$/,
      /^adapters\/(errors|shared\/tar)\.ts$/,
      /^npm:node:(child_process|fs\/promises|path|stream)$/,
    ],
    types: [CONTEXT],
  },
  {
    files: /^functions\/(cron|janitor)\.ts$/,
    values: [/^functions\/(broker\/|runtime\/deployment\.ts$|janitor\.ts$)/, /^db\//, /^npm:drizzle-orm$/],
    types: [CONTEXT],
  },
  // An adapter acts: it knows the contract and its own cloud.
  ...ADAPTERS.map((adapter) => ({
    files: new RegExp(`^adapters/${adapter}/`),
    values: [new RegExp(`^adapters/(${adapter}|shared)/`), CONTRACT, /^npm:/],
  })),
  { files: /^adapters\/shared\//, values: [/^adapters\/shared\//, CONTRACT, STANDARD] },
  // The contract is one thing in a few files: what a cloud does, what is said to it, and what it is handed.
  {
    files: /^adapters\/(contract|errors|facts|limits|objects|specs|surroundings)\.ts$/,
    values: [CONTRACT, /^adapters\/(facts|limits|specs|surroundings)\.ts$/],
  },
  { files: /^adapters\/registry\.ts$/, values: [CONTRACT, /^adapters\/(bundled|loaded)\.ts$/] },
  {
    files: /^adapters\/(bundled|loaded)\.ts$/,
    values: [/^adapters\/\w+\/index\.ts$/],
    types: [/^adapters\/loaded\.ts$/],
  },
  // The database remembers.
  {
    files: /^db\//,
    values: [/^db\//, /^npm:(drizzle-orm|drizzle-kit)(\/|$)/, /^npm:node:(sqlite|fs|fs\/promises|url|path)$/],
    types: [CONTRACT, /^npm:@cloudflare\/workers-types$/],
  },
]
/** Typed by hand where a query has to be written beside what it guards; everything else asks db/queries. */
const MAY_WRITE_SQL = /^(db\/|functions\/(runtime\/bootstrap|cron|janitor)\.ts$|functions\/broker\/line\/commit\.ts$)/

const imports = importsOf('{functions,adapters,db}/**/*.{ts,tsx}')
const shown = ({ from, to, type }: Import) => `${from} -> ${to}${type ? ' (type)' : ''}`

test('there is something to look at', () => {
  expect(imports.length).toBeGreaterThan(100)
  for (const { files } of RULES.slice(0, 3)) expect(imports.some(({ from }) => files.test(from))).toBe(true)
})

test('nothing imports what is not its own to know', () => {
  const forbidden = imports.filter(({ from, to, type }) => {
    const rule = RULES.find(({ files }) => files.test(from))
    if (!rule || to === TABLE) return false
    return ![...rule.values, ...(type ? (rule.types ?? []) : [])].some((allowed) => allowed.test(to))
  })
  expect(forbidden.map(shown)).toEqual([])
})

test('every folder below functions and adapters has a rule', () => {
  const free = /^functions\/(runtime\/|remote-console\/|demo\/|[\w-]+\.(d\.)?ts$)/
  const lawless = imports
    .map(({ from }) => from)
    .filter((from) => !free.test(from) && !RULES.some(({ files }) => files.test(from)))
  expect([...new Set(lawless)]).toEqual([])
})

test('SQL is written in db alone', () => {
  const authors = imports.filter(
    ({ from, to, type }) => /^npm:drizzle-orm/.test(to) && !type && !MAY_WRITE_SQL.test(from),
  )
  expect(authors.map(shown)).toEqual([])
})

test('alternatives are joined by `either`, which drops none of them', () => {
  const users = globSync('{functions,db}/**/*.ts').filter(
    (path) =>
      path !== 'db/conditions.ts' && /import \{[^}]*\bor\b[^}]*\} from 'drizzle-orm'/.test(readFileSync(path, 'utf8')),
  )
  expect(users).toEqual([])
})

test('zod is imported by its names, of which a bundle takes what is used: `{ z }` is all of it, in fifty languages', () => {
  const whole = globSync('{functions,adapters,db}/**/*.ts').filter((path) =>
    /\{[^}]*\bz\b[^}]*\} from 'zod'/.test(readFileSync(path, 'utf8')),
  )
  expect(whole).toEqual([])
})

test('what is imported only when it is needed is a file of ours: packages have their names where a build reads them', () => {
  const late = globSync('{functions,adapters,db}/**/*.ts').filter((path) =>
    /(?<!typeof )\bimport\('(?!\.|node:|cloudflare:)/.test(readFileSync(path, 'utf8')),
  )
  expect(late).toEqual([])
})

test('relative imports name the file that they mean', () => {
  expect(imports.filter(({ to }) => !to.startsWith('npm:') && !/\.(tsx?|css|sql|json)$/.test(to)).map(shown)).toEqual(
    [],
  )
})

test('no files import each other in a circle, types included', () => {
  expect(circlesIn(imports).map((circle) => circle.join(' -> '))).toEqual([])
})

test('no folder holds more than 25 files', () => {
  // Migrations and decisions are numbered, and stay: who applies or looks for one goes by its number.
  const files = globSync('{functions,adapters,db,test,docs}/**/*.{ts,tsx,css,md,sql}', {
    exclude: (path) => /node_modules|\.cache|^db\/migrations$|^docs\/decisions$/.test(path),
  })
  const counts = Map.groupBy(files, (path) => dirname(path))
  // Migrations are history: they grow by one for ever, and nobody looks for a place among them.
  counts.delete('db/migrations')
  const full = [...counts].filter(([, within]) => within.length > 25).map(([folder, within]) => [folder, within.length])
  expect(full).toEqual([])
})

/** How a cloud is spoken to, how its objects are read, and the kinds; a package is what images are imported from. */
const ADAPTER_FLOORS = [['wire'], ['records'], ['network', 'storage'], ['package'], ['console'], ['compute']]

/** Rooms of one floor know nothing of each other; a room imports from the floors below its own. */
const FLOORS: Record<string, string[][]> = {
  'functions/broker': [
    ['line'],
    ['clouds', 'image', 'money'],
    ['network', 'block-storage', 'notices', 'imports'],
    ['compute'],
    ['burst'],
    ['kinds'],
    ['converge', 'adopt'],
    ['reconcile'],
  ],
  'db/queries': [
    ['clouds', 'limits'],
    ['network', 'identity', 'money', 'federation'],
    ['line', 'block-storage'],
    ['compute', 'image'],
    ['bursts'],
  ],
  // The same rooms in the same order in every adapter, as far as a cloud needs them.
  ...Object.fromEntries(ADAPTERS.map((adapter) => [`adapters/${adapter}`, ADAPTER_FLOORS])),
}

test.each(Object.entries(FLOORS))('rooms of %s import downwards', (house, floors) => {
  const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room))
  const rooms = readdirSync(house, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(rooms.map(({ name }) => name).filter((name) => floorOf(name) < 0)).toEqual([])
  const upwards = imports.filter(({ from, to }) => {
    const [above, below] = [roomOf(house, from), roomOf(house, to)]
    return above !== null && below !== null && above !== below && floorOf(below) >= floorOf(above)
  })
  expect(upwards.map(shown)).toEqual([])
})
