import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type JsonSchema, jsonSchemaOf } from '../../../functions/http/json-schema.ts'
import { type Answers, answerName } from '../../../functions/openapi/answers.ts'
import { documentedStatuses } from '../../../functions/openapi/operations.ts'
import { services } from '../../../functions/services.ts'
import { kindOf, merge, presence, type Seen } from '../seen.ts'
import { gather, shapeOf } from './draft.ts'
import { withNames } from './names.ts'
import { place } from './place.ts'

/**
 * `npm run answers`: tells the stories, looks at every answer, and writes down what answers look like in
 * functions/openapi/answers/. `-- --seen FOLDER` writes from what was seen before.
 */
const given = process.argv.indexOf('--seen')
const FOLDER = given > 0 ? process.argv[given + 1]! : '.cache/answers'
if (given < 0) {
  rmSync(FOLDER, { recursive: true, force: true })
  const stories = ['test/api', 'test/openapi', 'test/sweep', 'test/strangers']
  spawnSync('vitest', ['run', '--project', 'node', ...stories], {
    stdio: 'inherit',
    env: { ...process.env, PLIMSOLL_SEEN: FOLDER },
  })
}

const files: [string, { type: string | null; empty: number; seen: Seen }][][] = globSync(`${FOLDER}/*.json`).map(
  (path) => JSON.parse(readFileSync(path, 'utf8')),
)
const seen = new Map<string, { type: string | null; empty: number; byVersion: Map<number, Seen> }>()
for (const [key, value] of files.flat()) {
  // What it says is the business of https://spec.openapis.org.
  if (key.includes(' openapi.show ')) value.seen = { object: { count: 1, members: {} } }

  const [prefix, operation, status, version] = key.split(' ')
  const name = [prefix, operation, status].join(' ')
  const known = seen.get(name) ?? { type: value.type, empty: 0, byVersion: new Map<number, Seen>() }
  seen.set(name, known)
  known.empty += value.empty
  if (value.type && !known.type) known.type = value.type
  const before = known.byVersion.get(Number(version)) ?? {}
  known.byVersion.set(Number(version), merge(before, value.seen))
}

/** Whether every operation of its kind may be refused so. */
const isGeneral = (prefix: string, name: string, status: number): boolean => {
  const owner = services.find((each) => each.prefix === prefix)!
  const operation = owner.operations.find((each) => answerName(each.name) === name)
  return !operation || documentedStatuses(operation, { service: owner, answers: NONE }).includes(status)
}
const NONE = { shapes: {}, answers: {}, refusals: {} }

const answers: Record<string, Answers['answers']> = {}
const refusals: Record<string, Answers['refusals']> = {}
for (const [name, { byVersion }] of seen) {
  const [prefix, operation, status] = name.split(' ') as [string, string, string]
  place.service = prefix
  place.resource = operation.split('.')[0]!
  if (Number(status) < 400) for (const [version, each] of byVersion) gather(each, '', version)
}
/** What is made alone is made in numbers as well: both answers are of the same things. */
for (const [key, { byVersion }] of seen) {
  const [prefix, operation] = key.split(' ') as [string, string]
  if (!operation.endsWith('.create')) continue
  const body = services
    .find((each) => each.prefix === prefix)
    ?.operations.find(({ name: own }) => own === operation)?.body
  const ways = body && typeof body !== 'function' ? (jsonSchemaOf(body).oneOf as JsonSchema[] | undefined) : undefined
  const [one, many] = (ways ?? []).map(({ required }) => required?.[0])
  if (prefix !== '/network' || !one || !many) continue
  for (const { object } of byVersion.values()) {
    if (!object) continue
    const thing = merge(merge({}, object.members[one] ?? {}), object.members[many]?.list?.items ?? {})
    object.members[one] = thing
    object.members[many] = { list: { count: 1, items: thing } }
    object.count += presence(thing) + 1
  }
}

// Twice: what one operation shows without doubt tells where another changes.
for (const _round of [1, 2])
  for (const [key, { type, byVersion, empty }] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [prefix, operation, status] = key.split(' ') as [string, string, string]
    place.service = prefix
    place.resource = operation.split('.')[0]!
    place.operation = operation
    if (Number(status) >= 400) {
      if (status === '500' || isGeneral(prefix, operation, Number(status))) continue
      refusals[prefix] ??= {}
      refusals[prefix][operation] = [...new Set([...(refusals[prefix][operation] ?? []), Number(status)])].sort()
      continue
    }
    answers[prefix] ??= {}
    answers[prefix][operation] ??= {}
    const bodies = [...byVersion].filter(([, each]) => kindOf(each))
    const json = bodies.length > 0
    answers[prefix][operation][status] = json ? shapeOf(bodies, '') : type && !/json/.test(type) ? `=${type}` : null
    const shape = answers[prefix][operation][status]
    if (json && empty && shape !== null && typeof shape === 'object' && !Array.isArray(shape)) shape['|'] = 'nothing'
  }

for (const [prefix, operations] of Object.entries(answers)) {
  const file = `functions/openapi/answers/${prefix.slice(1).replaceAll('/', '-')}.json`
  const written = withNames(operations, refusals[prefix] ?? {})
  writeFileSync(file, JSON.stringify(written))
  console.log(`${file}: ${Object.keys(operations).length} operations, ${Object.keys(written.shapes).length} shapes`)
}
spawnSync('biome', ['check', '--write', 'functions/openapi/answers'])
