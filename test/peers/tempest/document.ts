import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../support/broker.ts'
import type { Result } from '../support/report.ts'
import type { CloudName } from './clouds.ts'
import { knownOf } from './known.ts'
import { classOf, type Outcome } from './outcomes.ts'
import { RELEASED, VERSION } from './run.ts'

export type Outcomes = Record<CloudName, Map<string, Outcome>>

/** Writes docs/conformance.md: what came out, with nothing left out. */
export const writeDocument = (outcomes: Outcomes): Promise<void> =>
  writeFile(join(ROOT, 'docs/conformance.md'), documentOf(outcomes))

export const count = (outcomes: Iterable<Outcome>, result: Result): number =>
  [...outcomes].filter((each) => each.result === result).length

const RESULTS: Result[] = ['passed', 'failed', 'skipped']

const documentOf = (outcomes: Outcomes): string => {
  const clouds = Object.keys(outcomes) as CloudName[]
  const tests = Math.max(...clouds.map((cloud) => outcomes[cloud].size))
  return `# Conformance

How Plimsoll fares in OpenStack's own integration tests: the list of the guideline *OpenStack Powered Compute* 2020.06, as far as
Tempest still has its tests. It is as it is: the clouds below are the embedded one and simulators, and what fails is listed.

- [Tempest](https://pypi.org/project/tempest/${VERSION}/) ${VERSION} of ${RELEASED}, unmodified; the list is \`test/peers/tempest/interop-compute.txt\`, ${tests} tests.
- \`npm run peers -- tempest\` runs it and writes this page; \`--cloud sandbox\` runs one cloud. It fails if a test fails that
  \`test/peers/tempest/known.ts\` does not name, and if one passes that it names.
- Each cloud is behind a broker of its own, on Node; a project reaches no cloud before an admin maps it, so the accounts are made
  beforehand. Extensions and features are configured as the broker lists them. Nobody logs in to servers: the clouds run no guests.
- It is told that image data is checked against its format (Tempest's own default), and to use RSA keys: EC2 takes no ECDSA keys.
- Each run ends with a look at the cloud itself: nothing with our mark may be left.

${table(
  ['cloud', ...RESULTS],
  clouds.map((cloud) => [`\`${cloud}\``, ...RESULTS.map((each) => String(count(outcomes[cloud].values(), each)))]),
)}

## By class

Passed / failed / skipped.

${table(['class', ...clouds.map((cloud) => `\`${cloud}\``)], byClass(outcomes, clouds))}
${clouds.map((cloud) => reasons(cloud, outcomes[cloud])).join('')}`
}

const byClass = (outcomes: Outcomes, clouds: CloudName[]): string[][] => {
  const classes = [...new Set(clouds.flatMap((cloud) => [...outcomes[cloud].keys()].map(classOf)))].sort()
  return classes.map((name) => [
    `\`${short(name)}\``,
    ...clouds.map((cloud) => {
      const own = [...outcomes[cloud]].filter(([test]) => classOf(test) === name).map(([, outcome]) => outcome)
      return RESULTS.map((each) => count(own, each)).join(' / ')
    }),
  ])
}

/** Tests of one class that ended alike share a line. */
const reasons = (cloud: CloudName, outcomes: Map<string, Outcome>): string => {
  const lines = new Map<string, { result: Result; suite: string; tests: string[]; said: string; why: string }>()
  for (const [test, { result, why: said }] of outcomes) {
    if (result === 'passed') continue
    const suite = classOf(test)
    const why = knownOf(cloud, test)?.why ?? 'Not known yet.'
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

const short = (name: string): string => name.replace(/^tempest\.api\./, '')

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
