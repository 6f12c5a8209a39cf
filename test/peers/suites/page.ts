import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../support/broker.ts'
import { count, type Known, type Outcome, RESULTS } from './outcomes.ts'

const PAGE = join(ROOT, 'docs/conformance.md')
const HEADING = '## Suites of clients'
/** What comes after the part of the page that is of suites. */
const NEXT = '\n## By class'

/** A run of a suite, as the page tells of it. */
export interface Told {
  /** By which it is found again on the page. */
  title: string
  /** What it is: name, version, where it is had. */
  about: string
  outcomes: ReadonlyMap<string, Outcome>
  /** The group of a test, as one line of the table has it. */
  groupOf(test: string): string
  knownOf(test: string): Known | undefined
}

/** The part of docs/conformance.md that is of suites, as it stands there. */
export const suitesPart = async (): Promise<string> => (await parted()).part

/** Writes what came out of a suite into docs/conformance.md, in place of what it said of that suite before. */
export const writeSuite = async (told: Told): Promise<void> => {
  const { before, part, after } = await parted()
  const [head = HEADING, ...sections] = part.split(/\n(?=### )/)
  const heading = `### ${told.title}`
  const others = sections.filter((section) => section.split('\n')[0] !== heading)
  const all = [...others, `${heading}\n\n${sectionOf(told)}`].sort()
  await writeFile(PAGE, `${before}${[head, ...all].map((each) => each.trimEnd()).join('\n\n')}\n${after}`)
}

const parted = async (): Promise<{ before: string; part: string; after: string }> => {
  const page = await readFile(PAGE, 'utf8')
  const [at, to] = [page.indexOf(HEADING), page.indexOf(NEXT)]
  if (at < 0 || to < at) throw new Error(`docs/conformance.md has no part that begins with ${HEADING}`)
  return { before: page.slice(0, at), part: page.slice(at, to), after: page.slice(to) }
}

const sectionOf = ({ about, outcomes, groupOf, knownOf }: Told): string => {
  const groups = [...new Set([...outcomes.keys()].map(groupOf))].sort()
  const numbers = (own: Iterable<Outcome>) => RESULTS.map((each) => String(count(own, each)))
  const rows = groups.map((group) => [
    `\`${group}\``,
    ...numbers([...outcomes].filter(([test]) => groupOf(test) === group).map(([, outcome]) => outcome)),
  ])
  const [passed, failed] = RESULTS.map((each) => count(outcomes.values(), each)) as [number, number]
  const share = ((100 * passed) / Math.max(1, passed + failed)).toFixed(1)
  const day = new Date().toISOString().slice(0, 10)
  const faults = [...outcomes].filter(([, { result }]) => result === 'failed')
  const byWhy = new Map<string, string[]>()
  for (const [test, { why }] of faults) {
    const reason = knownOf(test)?.why ?? `Not known yet: ${why}`
    byWhy.set(reason, [...(byWhy.get(reason) ?? []), `\`${test}\``])
  }
  const failures = [...byWhy].map(([why, tests]) => [tests.join(', '), why])
  return `${about} ${passed} of ${passed + failed} that it ran passed (${share} %), on ${day}.

${table(['', ...RESULTS], [...rows, ['all', ...numbers([...outcomes.values()])]])}
${failures.length ? `\n${table(['fails', 'why'], failures)}\n` : ''}`
}

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`)
    .join('\n')
