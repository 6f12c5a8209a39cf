import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { affectedTests } from './affected.ts'
import { documentedShare, ourFunctions } from './docstrings.ts'
import { figures } from './figures.ts'
import { importsOf } from './imports.ts'
import { licenceFaults, lockedPackages } from './licences.ts'

/**
 * `npm run check`: what has to hold before a change is handed on, a line a step. `-- NAME…` runs the steps of these
 * names, `-- --workerd` plays the tests on workerd as well, `-- --figures` measures how the house stands, and no more.
 */
const { positionals: names, values } = parseArgs({
  options: { figures: { type: 'boolean' }, workerd: { type: 'boolean' } },
  allowPositionals: true,
})

/** What a step found: nothing wrong, or what, in lines for people; a remark stands behind its name. */
interface Found {
  faults: string | null
  remark?: string
}

/** A program of ours: what it prints is the fault when it fails. */
const program = (command: string, ...args: string[]): Found => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { faults: status === 0 ? null : `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`.trim() || `exit ${status}` }
}

const tests = (files: string[], projects = ['node']): Found =>
  program('vitest', 'run', '--reporter=dot', ...projects.flatMap((each) => ['--project', each]), ...files)

/** Of a hundred exported functions this many have a docstring at least. */
const DOCUMENTED = 90

const STEPS: Record<string, () => Found> = {
  lint: () => program('biome', 'check', '.'),
  types: () => {
    const own = program('tsc', '--noEmit')
    // Browsers have what no runtime of the program has.
    return own.faults === null ? program('tsc', '--noEmit', '-p', 'functions/console') : own
  },
  dead: () => program('knip', '--no-progress'),
  architecture: () => tests(['test/architecture.node.test.ts']),
  docs: () => tests(['test/docs/', 'test/limitations.node.test.ts', 'test/sweep/table.test.ts']),
  licences: () => {
    const packages = lockedPackages()
    const faults = licenceFaults(packages)
    return { faults: faults.join('\n') || null, remark: `${Object.keys(packages).length - 1} packages` }
  },
  docstrings: () => {
    const all = ourFunctions()
    const share = documentedShare(all)
    const bare = all.filter(({ documented }) => !documented).map(({ path, name }) => `${path}: ${name}`)
    const remark = `${share.toFixed(1)} % of ${all.length} exported functions`
    return {
      faults: share < DOCUMENTED ? `${DOCUMENTED} % are wanted; without one:\n${bare.join('\n')}` : null,
      remark,
    }
  },
  tests: () => {
    const affected = affectedTests(importsOf('{functions,adapters,db,test}/**/*.ts'))
    if (!affected.length) return { faults: null, remark: 'nothing that changed is tested by any' }
    const projects = values.workerd ? ['node', 'workerd'] : ['node']
    return { ...tests(affected, projects), remark: `${affected.length} files on ${projects.join(' and ')}` }
  },
}

if (values.figures) {
  for (const [name, value] of figures()) console.log(`${name.padEnd(40)} ${value}`)
  process.exit()
}
const unknown = names.filter((name) => !Object.hasOwn(STEPS, name))
if (unknown.length) {
  console.error(`There is no step ${unknown.join(', ')}; there are ${Object.keys(STEPS).join(', ')}.`)
  process.exit(2)
}
const failed: [name: string, faults: string][] = []
const wanted = Object.entries(STEPS).filter(([name]) => !names.length || names.includes(name))
for (const [name, step] of wanted) {
  const started = performance.now()
  const { faults, remark } = step()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `${faults === null ? 'ok    ' : 'FAILED'} ${name.padEnd(13)} ${seconds.padStart(5)} s  ${remark ?? ''}`.trimEnd(),
  )
  if (faults !== null) failed.push([name, faults])
}
/** The end of what a failed step said: enough to see what it is about. */
const LINES = 60
for (const [name, faults] of failed) console.log(`\n== ${name}\n${faults.split('\n').slice(-LINES).join('\n')}`)
if (failed.length) console.log(`\nFailed: ${failed.map(([name]) => name).join(', ')}`)
console.log(`${wanted.length - failed.length} passed, ${failed.length} failed`)
process.exit(failed.length ? 1 : 0)
