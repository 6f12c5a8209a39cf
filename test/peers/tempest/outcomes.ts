import { lineOf, type Outcome, raised } from '../suites/outcomes.ts'

/** One line of `results.py`: a test, or the setting up or tearing down of a class. */
export interface Event {
  test: string
  status: string
  seconds: number
  details: string
}

/** `package.module.Class.test` of a line in a list, which has its attributes behind. */
export const nameOf = (test: string): string => test.replace(/\[.*$/s, '')
/** `package.module.Class` of a test. */
export const classOf = (test: string): string => nameOf(test).replace(/\.[^.]*$/, '')

/**
 * How every test of a list ended. A class that cannot be set up, or skips itself, speaks for all of its tests; one that
 * cannot be torn down is an outcome of its own. A test of which nothing is heard has failed.
 */
export const outcomesOf = (events: Event[], listed: string[]): Map<string, Outcome> => {
  const heard = new Map(
    events.map((event) => [event.test.replace(/^(setUpClass|tearDownClass) \((.*)\)$/, '$2.$1'), event]),
  )
  const byName = new Map([...heard].map(([test, event]) => [nameOf(test), event]))
  const outcomes = new Map<string, Outcome>()
  for (const name of new Set(listed.map(nameOf))) {
    const event = byName.get(name) ?? byName.get(`${classOf(name)}.setUpClass`)
    outcomes.set(name, event ? outcomeOf(event) : { result: 'failed', ms: 0, why: 'It was not run.' })
  }
  for (const name of new Set(listed.map(classOf))) {
    const torn = byName.get(`${name}.tearDownClass`)
    if (torn && torn.status !== 'success') outcomes.set(`${name}.tearDownClass`, outcomeOf(torn))
  }
  return outcomes
}

const outcomeOf = ({ status, seconds, details }: Event): Outcome => {
  const result = status === 'success' ? 'passed' : status === 'skip' ? 'skipped' : 'failed'
  const why = result === 'passed' ? '' : result === 'skipped' ? lineOf(details) : lineOf(raised(details))
  return { result, ms: seconds * 1000, why }
}
