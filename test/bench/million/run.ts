import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../load.ts'
import { printColumns, printTargets, type Target } from '../table.ts'
import { type Question, questions } from './questions.ts'
import { type Million, openMillion, openTemplate } from './world.ts'

const SMALL = 10_000
/** How much longer something may take where there are a hundred times as many. */
const MOST = 1.5
/** Asked at least and at most so often, and not once more after so many milliseconds. */
const LEAST = 3
const TIMES = 40
const BUDGET_MS = 1_500

interface Times {
  p50: number
  p95: number
}
interface Measured {
  question: Question
  small: Times
  large: Times
  bytes: number
}

/**
 * `npm run bench -- million [COUNT] [PART]`: whether anything takes longer with a million servers than with 10,000. Both
 * databases are asked in turns. PART: only questions that have it in their words. Gives the number of those that grow.
 */
export const benchMillion = async (count = 1_000_000, part = ''): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-million-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const at = (name: string) => join(folder, name)
  mkdirSync(at('template'))
  const estate = await openTemplate(at('template'))
  const small = await openMillion(at('template'), at('small'), estate, SMALL)
  const large = await openMillion(at('template'), at('large'), estate, count)
  const measured: Measured[] = []
  for (const question of questions().filter(({ what }) => what.includes(part)))
    measured.push(await inTurns(question, small, large))
  print(measured, small, large)
  return measured.filter((each) => !targetOf(each).half).length
}

const inTurns = async (question: Question, small: Million, large: Million): Promise<Measured> => {
  const times: [small: number[], large: number[]] = [[], []]
  let bytes = 0
  for (const [side, million] of [small, large].entries()) bytes = (await ask(question, million, 1_000_000 + side)).bytes
  const started = performance.now()
  for (let i = 0; i < TIMES && (i < LEAST || performance.now() - started < BUDGET_MS); i++)
    for (const [side, million] of [small, large].entries()) times[side]!.push((await ask(question, million, i)).ms)
  return { question, small: summed(times[0]), large: summed(times[1]), bytes }
}

const ask = async ({ what, ask: asked }: Question, million: Million, i: number) => {
  const { method = 'GET', path, body, microversion = '2.96' } = asked(million, i)
  const { app, deferred } = million.world
  const request = new Request(`http://127.0.0.1${path}`, {
    method,
    headers: {
      ...{ 'X-Auth-Token': million.estate.admin, 'Content-Type': 'application/json' },
      'OpenStack-API-Version': `compute ${microversion}, volume 3.70`,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const started = performance.now()
  const response = await app.fetch(request)
  const text = await response.text()
  const ms = performance.now() - started
  deferred.length = 0
  if (response.status >= 300) throw new Error(`${what}: ${path}: ${response.status} ${text.slice(0, 300)}`)
  return { ms, bytes: text.length }
}

const summed = (times: number[]): Times => {
  const sorted = times.toSorted((a, b) => a - b)
  return { p50: median(times), p95: sorted[Math.ceil(sorted.length * 0.95) - 1]! }
}

const targetOf = ({ question, small, large }: Measured): Target & { half: boolean } => ({
  what: `${question.what}${question.grows ? ` (${question.grows})` : ''}`,
  met: large.p95 <= small.p95 * MOST,
  // One slow answer of forty is another program's on this machine; when the middle one is slower too, it is ours.
  half: large.p50 <= small.p50 * MOST || question.grows !== undefined,
  value: `${(large.p95 / small.p95).toFixed(2)} times (median ${(large.p50 / small.p50).toFixed(2)})`,
})

const print = (measured: Measured[], small: Million, large: Million): void => {
  for (const { count, bytes, seconds } of [small, large])
    console.log(
      `${count} servers: ${(bytes / 2 ** 20).toFixed(0)} MiB, ${(bytes / count / 1024).toFixed(2)} KiB a server, filled in ${seconds.toFixed(0)} s`,
    )
  console.log()
  const ms = (time: number) => time.toFixed(2)
  printColumns([
    ['ms', 'answer', `p50 of ${small.count}`, 'p95', `p50 of ${large.count}`, 'p95', 'ratio p50', 'ratio p95'],
    ...measured.map(({ question, small, large, bytes }) => [
      ...[question.what, `${bytes}`, ms(small.p50), ms(small.p95), ms(large.p50), ms(large.p95)],
      ...[(large.p50 / small.p50).toFixed(2), (large.p95 / small.p95).toFixed(2)],
    ]),
  ])
  console.log(`\nat most ${MOST} times:`)
  printTargets(measured.map(targetOf))
}
