import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { count, type Outcome, RESULTS } from '../suites/outcomes.ts'
import { suitesPart, table } from '../suites/page.ts'
import { ROOT } from '../support/broker.ts'
import type { Result } from '../support/report.ts'
import { type CloudName, STAGES } from './clouds.ts'
import { knownOf } from './known.ts'
import { classOf } from './outcomes.ts'
import { RELEASED, VERSION } from './run.ts'

type Explained = Outcome & { reason?: string | undefined }

/** How the tests ended on a cloud, on which day, and why as far as it was known then. */
interface Run {
  day: string
  outcomes: Map<string, Explained>
}
type Runs = Record<CloudName, Run>

const KEPT = join(ROOT, '.cache/peers/tempest-outcomes')
const fileOf = (cloud: CloudName): string => join(KEPT, `${cloud}.json`)

/** Keeps what came out on a cloud for the page, which shows of each test there its last run. */
export const keepOutcomes = async (cloud: CloudName, outcomes: Map<string, Outcome>, whole: boolean): Promise<void> => {
  await mkdir(KEPT, { recursive: true })
  const day = new Date().toISOString().slice(0, 10)
  const before = whole ? [] : [...((await lastRun(cloud))?.outcomes ?? [])]
  const all = new Map<string, Explained>(before.filter(([test]) => !test.endsWith('.tearDownClass')))
  for (const [test, outcome] of outcomes) all.set(test, { ...outcome, reason: knownOf(cloud, test)?.why })
  await writeFile(fileOf(cloud), JSON.stringify({ day, outcomes: [...all] }))
}

const lastRun = async (cloud: CloudName): Promise<Run | null> => {
  const text = await readFile(fileOf(cloud), 'utf8').catch(() => null)
  if (text === null) return null
  const { day, outcomes } = JSON.parse(text)
  return { day, outcomes: new Map(outcomes) }
}

/** The last run of every cloud; null: one has none yet. */
const lastRuns = async (): Promise<Runs | null> => {
  const runs: Partial<Runs> = {}
  for (const cloud of Object.keys(STAGES) as CloudName[]) {
    const run = await lastRun(cloud)
    if (!run) return null
    runs[cloud] = run
  }
  return runs as Runs
}

/** Writes docs/conformance.md, with nothing left out, once every cloud was run. @returns whether it did */
export const writeDocument = async (): Promise<boolean> => {
  const runs = await lastRuns()
  if (runs) await writeFile(join(ROOT, 'docs/conformance.md'), documentOf(runs, await suitesPart()))
  return runs !== null
}

/** A test that is not of the guideline's list: it was made for servers that people log in to. */
const isScenario = (test: string): boolean => test.startsWith('tempest.scenario.')
const listedOf = ({ outcomes }: Run): Outcome[] =>
  [...outcomes].filter(([test]) => !isScenario(test)).map(([, outcome]) => outcome)

const documentOf = (runs: Runs, suites: string): string => {
  const clouds = Object.keys(runs) as CloudName[]
  const tests = Math.max(...clouds.map((cloud) => listedOf(runs[cloud]).length))
  return `# Conformance

How Plimsoll fares in OpenStack's own integration tests: the list of the guideline *OpenStack Powered Compute* 2020.06, as far as
Tempest still has its tests. It is as it is: the clouds below are the embedded one, simulators of EC2 and vSphere, and a KVM host that is
real but for its processor, which QEMU emulates; and what fails is listed.

- [Tempest](https://pypi.org/project/tempest/${VERSION}/) ${VERSION} of ${RELEASED}, unmodified; the list is \`test/peers/tempest/interop-compute.txt\`, ${tests} tests.
- \`npm run peers -- tempest\` runs it on every cloud and writes this page; \`--cloud libvirt\` runs one, and writes what that says into the
  page if the others were run before; \`--part logins\` or \`--part interop\` is a part of it. \`--part more\` runs a further list, in projects that Tempest makes itself, and tells what came out; \`--list 'api.compute'\` likewise every test of Tempest whose name that regular expression finds. Neither is on a page. It fails if a test fails that \`test/peers/tempest/known.ts\` does not name, and if one passes that it names.
- Each cloud is behind a broker of its own, on Node; a project reaches no cloud before an admin maps it, so the accounts are made
  beforehand. Extensions and features are configured as the broker lists them.
- Guests boot on \`libvirt\` alone, and there Tempest logs in to them with \`run_validation=true\` in the tests of \`test/peers/tempest/logins.txt\`: the two of
  the list that do nothing else, those that plug volumes in and out or reboot, and the scenarios \`test_server_basic_ops\` and \`test_minimum_basic\`. It does so by the address that a server has on its own network
  (\`connect_method=fixed\`), from the host: there are no floating addresses. Guests ask no metadata service (\`metadata_service=false\`): a disc tells them
  (NoCloud), and the config drive. The image is made of Debian's kernel, busybox and dropbear, with an init of the test's own
  (\`test/peers/libvirt/login-guest.ts\`). The other servers there have a disk from which nothing boots.
- It is told that image data is checked against its format (Tempest's own default), and to use RSA keys: EC2 takes no ECDSA keys.
- Each run ends with a look at the cloud itself: nothing with our mark may be left.

${table(
  ['cloud', ...RESULTS, 'not run', 'run on'],
  clouds.map((cloud) => [
    `\`${cloud}\``,
    ...RESULTS.map((each) => String(count(listedOf(runs[cloud]), each))),
    String(tests - listedOf(runs[cloud]).length),
    runs[cloud].day,
  ]),
)}

${suites.trimEnd()}

## By class

Passed / failed / skipped. Scenarios are beyond the list.

${table(['class', ...clouds.map((cloud) => `\`${cloud}\``)], byClass(runs, clouds))}
${clouds.map((cloud) => reasons(cloud, runs[cloud])).join('')}`
}

const byClass = (runs: Runs, clouds: CloudName[]): string[][] => {
  const classes = [...new Set(clouds.flatMap((cloud) => [...runs[cloud].outcomes.keys()].map(classOf)))].sort()
  return classes.map((name) => [
    `\`${short(name)}\``,
    ...clouds.map((cloud) => {
      const own = [...runs[cloud].outcomes].filter(([test]) => classOf(test) === name).map(([, outcome]) => outcome)
      if (!own.length) return '–'
      return RESULTS.map((each) => count(own, each)).join(' / ')
    }),
  ])
}

/** Tests of one class that ended alike share a line. */
const reasons = (cloud: CloudName, { outcomes }: Run): string => {
  const lines = new Map<string, { result: Result; suite: string; tests: string[]; said: string; why: string }>()
  for (const [test, { result, why: said, reason }] of outcomes) {
    if (result === 'passed') continue
    const suite = classOf(test)
    const why = reason ?? knownOf(cloud, test)?.why ?? 'Not known yet.'
    const line = lines.get(`${suite} ${said} ${why}`) ?? { result, suite, tests: [], said, why }
    line.tests.push(test.slice(suite.length + 1))
    lines.set(`${suite} ${said} ${why}`, line)
  }
  if (!lines.size) return ''
  const all = (suite: string) => [...outcomes.keys()].filter((test) => classOf(test) === suite).length
  const rows = [...lines.values()].map(({ result, suite, tests, said, why }) => [
    result,
    `\`${short(suite)}\`: ${tests.length > 1 && tests.length === all(suite) ? `all ${tests.length}` : tests.map((test) => `\`${test}\``).join(', ')}`,
    said,
    why,
  ])
  return `\n## What does not pass on \`${cloud}\`\n\n${table(['', 'test', 'it says', 'why'], rows)}\n`
}

const short = (name: string): string => name.replace(/^tempest\.(api\.)?/, '')
