import { lineOf, type Outcome } from '../suites/outcomes.ts'
import { finish, launch } from '../support/child.ts'

/** A binary of tests, and the folder of its source, which it is run in. */
export interface TestBinary {
  command: string
  folder: string
}

/**
 * Runs every test of a binary of Go that `only` leaves. One that panics ends its program: what it left is run by another one.
 *
 * @param env of the program
 * @param limitMs how long each program may take
 */
export const runGoTests = async (
  { command, folder }: TestBinary,
  env: Record<string, string>,
  limitMs: number,
  only: (test: string) => boolean = () => true,
): Promise<Map<string, Outcome>> => {
  const listed = await finish({ command, args: ['-test.list', '.'], cwd: folder, env })
  let left = listed.split('\n').filter((line) => /^Test/.test(line) && only(line))
  const outcomes = new Map<string, Outcome>()
  while (left.length) {
    const pattern = `^(${left.join('|')})$`
    const said = await played(command, ['-test.v', '-test.timeout', `${limitMs}ms`, '-test.run', pattern], folder, env)
    for (const [test, outcome] of outcomesOf(said)) outcomes.set(test, outcome)
    const after = left.filter((test) => !outcomes.has(test))
    // What ended nothing would end nothing the next time.
    if (after.length === left.length) outcomes.set(after[0]!, { result: 'failed', ms: 0, why: 'It was not run.' })
    left = after.filter((test) => !outcomes.has(test))
  }
  return outcomes
}

const played = async (command: string, args: string[], cwd: string, env: Record<string, string>): Promise<string> => {
  const child = launch({ command, args, cwd, env, ends: true, all: true })
  await new Promise((resolve) => child.process.on('close', resolve))
  return child.output()
}

const BEGUN = /^=== (?:RUN|CONT|NAME)\s+(\S+)$/
const ENDED = /^--- (PASS|FAIL|SKIP): (\S+) \((\d+(?:\.\d+)?)s\)$/
const RESULT = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' } as const
/** Tests of Go colour what they expected. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')

/** What `go test -v` says of its tests, those within tests left out. */
const outcomesOf = (said: string): Map<string, Outcome> => {
  const outcomes = new Map<string, Outcome>()
  const words = new Map<string, string[]>()
  let current = ''
  for (const line of said.replace(COLOUR, '').split('\n')) {
    const begun = BEGUN.exec(line)?.[1]
    const ended = ENDED.exec(line)
    if (begun) current = begun.split('/')[0]!
    else if (ended) {
      const [, word, test = '', seconds] = ended
      const result = RESULT[word as keyof typeof RESULT]
      const why = result === 'passed' ? '' : lineOf(lastWords(words.get(test) ?? []))
      outcomes.set(test, { result, ms: Number(seconds) * 1_000, why })
    } else words.set(current, [...(words.get(current) ?? []), line])
  }
  return outcomes
}

const FAULT = /Failure in|unexpected|Unable|rror|Expected|^panic|timed out|skip|must|not (supported|available)/

const lastWords = (lines: string[]): string => {
  const telling = lines.filter((line) => FAULT.test(line))
  return (telling.at(-1) ?? lines.at(-1) ?? '').replace(/^\s*\w+\.go:\d+: (Failure in \S+, line \d+: )?/, '')
}
