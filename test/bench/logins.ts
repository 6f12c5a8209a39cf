import { median } from './load.ts'
import type { Estate } from './reads/estate.ts'
import { startServed } from './served.ts'
import { ROUNDS } from './settings.ts'
import type { Table } from './table.ts'

const WRONG_A_SECOND = 50
const READS_A_SECOND = 200
const TURN_MS = 3_000
const MOST = 2

/**
 * What reads notice of wrong logins: each of another user from another address, so that none is refused for what others did.
 * Reads come at their own pace, whether earlier ones were answered or not.
 */
export const benchLogins = async (folder: string, { token, named }: Estate, table: Table): Promise<void> => {
  const served = await startServed(folder, { PLIMSOLL_TRUSTED_PROXIES: '127.0.0.1', PLIMSOLL_LOG: 'error' })
  const [program] = (await served.use()).urls
  const read = async (): Promise<number> => {
    const started = performance.now()
    const response = await fetch(`${program}/compute/v2.1/servers/${named.servers}`, {
      headers: { 'X-Auth-Token': token },
    })
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`a read was answered with ${response.status}`)
    return performance.now() - started
  }
  const answers = new Map<number, number>()
  let waitless = 0
  let n = 0
  const wrong = async (): Promise<void> => {
    n++
    const user = { name: `nobody-${n}`, domain: { id: 'default' }, password: 'wrong' }
    const response = await fetch(`${program}/identity/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': `198.51.${(n >> 8) & 255}.${n & 255}` },
      body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } } } }),
    })
    await response.arrayBuffer()
    if (response.status === 429 && !response.headers.get('retry-after')) waitless++
    answers.set(response.status, (answers.get(response.status) ?? 0) + 1)
  }
  await atPace(READS_A_SECOND, TURN_MS, read)
  const rounds: { quiet: number; stormy: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const quiet = p99(await atPace(READS_A_SECOND, TURN_MS, read))
    const [reads] = await Promise.all([atPace(READS_A_SECOND, TURN_MS, read), atPace(WRONG_A_SECOND, TURN_MS, wrong)])
    rounds.push({ quiet, stormy: p99(reads) })
  }
  served.stop()
  const ratio = median(rounds.map(({ quiet, stormy }) => stormy / quiet))
  const of = (name: 'quiet' | 'stormy') => `${median(rounds.map((round) => round[name])).toFixed(1)} ms`
  const told = [...answers].map(([status, count]) => `${count} times ${status}`).join(', ')
  table.row('p99 of GET /servers/{id}, 200 a second', of('quiet'), '1.00')
  table.row(`the same while ${WRONG_A_SECOND} wrong logins a second arrive`, of('stormy'), ratio.toFixed(2))
  table.target(`reads keep their p99 within ${MOST} times (logins: ${told})`, ratio <= MOST, ratio.toFixed(2))
  table.target('a login that is too many is told when to come again', waitless === 0, `${waitless} without Retry-After`)
}

/** Does something so many times a second, whether it is done by then or not. Gives what all of it gave. */
const atPace = async <T>(aSecond: number, ms: number, work: () => Promise<T>): Promise<T[]> => {
  const started = performance.now()
  const under: Promise<T>[] = []
  for (let i = 0; i < (aSecond * ms) / 1000; i++) {
    const wait = started + (i * 1000) / aSecond - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    under.push(work())
  }
  return Promise.all(under)
}

const p99 = (times: number[]): number => times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1]!
