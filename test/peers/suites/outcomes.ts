import type { Report, Result } from '../support/report.ts'

/** How one test of a suite ended. */
export interface Outcome {
  result: Result
  ms: number
  /** What went wrong, or why it was skipped: one line, without what differs from run to run. */
  why: string
}

/** A test that is known not to pass, and why. */
export interface Known {
  result: 'failed' | 'skipped'
  why: string
}

/** Tests that are known to fail, by why. */
export type Faults = Record<string, readonly string[]>

/** What such tables know of a test; throws where one is in two lines. */
export const knownBy = (...tables: Faults[]): ((test: string) => Known | undefined) => {
  const known = new Map<string, Known>()
  for (const [why, tests] of tables.flatMap((each) => Object.entries(each)))
    for (const test of tests) {
      if (known.has(test)) throw new Error(`${test} is known twice`)
      known.set(test, { result: 'failed', why })
    }
  return (test) => known.get(test)
}

/**
 * Counts what is as expected as passed or (with the reason) skipped, and everything else as failed: what fails and is not
 * known, and what is known and passes.
 *
 * @param skips tests may skip themselves without being known to
 */
export const tellOutcomes = (
  report: Report,
  story: string,
  outcomes: ReadonlyMap<string, Outcome>,
  knownOf: (test: string) => Known | undefined,
  { skips = true } = {},
): void => {
  for (const [test, { result, ms, why }] of outcomes) {
    const known = knownOf(test)
    const expected = known?.result ?? 'passed'
    if (result === 'skipped' && !known && skips) report.step(story, test, 'skipped', ms, `skips: ${why}`)
    else if (result !== expected)
      report.step(
        story,
        test,
        'failed',
        ms,
        known ? `${result}, but known as ${expected}: ${known.why} ${why}` : `${result}: ${why}`,
      )
    else if (known) report.step(story, test, 'skipped', ms, `${result === 'failed' ? 'FAILS' : 'skips'}: ${known.why}`)
    else report.step(story, test, 'passed', ms)
  }
  const [passed, failed, skipped] = RESULTS.map((each) => count(outcomes.values(), each))
  console.log(`${story}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
}

export const RESULTS: readonly Result[] = ['passed', 'failed', 'skipped']

export const count = (outcomes: Iterable<Outcome>, result: Result): number =>
  [...outcomes].filter((each) => each.result === result).length

const LONGEST = 200

/** Ids, addresses and names made up for the run say nothing in the next one. */
export const lineOf = (text: string): string => {
  const line = text
    .replace(/\\n|<(head|title)>.*<\/\1>|<[^>]*>/g, ' ')
    .replace(/\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b/g, '…')
    .replace(/\b(tempest-[\w-]*?)-\d{5,}\b/g, '$1-…')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
}

/** The exception of a Python traceback with its message, and what is written below. */
export const raised = (details: string): string => {
  const lines = details.split('\n').filter((line) => line.trim())
  const last = lines.findLastIndex((line) => /^[\w.]+(Error|Exception|[A-Z]\w+)(:|$)/.test(line))
  return lines.slice(Math.max(last, 0)).join(' ')
}
