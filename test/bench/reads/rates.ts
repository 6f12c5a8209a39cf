import { median, rate } from '../load.ts'
import { startServed } from '../served.ts'
import { CONNECTIONS, ROUND_MS, ROUNDS } from '../settings.ts'
import type { Read } from './routes.ts'

export interface Rate {
  perSecond: number
  /** Of what the bare route does: the median of the rounds, in each of which the two took turns. */
  ratio: number
  /** The same of the CPU time of a request, which tells more where others are at work on the machine. */
  cpuRatio: number
}

interface Turn {
  perSecond: number
  /** Microseconds of a request. */
  cpu: number
}

/** How many reads share the turns of one bare route, and how long, and by how many answers, one that is new is warmed up. */
const TOGETHER = 4
const WARM_MS = 300
const WARM = 2_000
const BARE_WARM_MS = 2_000

/** How much longer the turns of a second look are. */
const LONGER = 4

/**
 * Requests per second of each read, over loopback, in turns with a bare Hono route that answers as many bytes. Another process
 * is asked, so that asking costs it nothing. One round of 300 ms may say half of what the next one does: those below `least` are
 * looked at once more, in longer turns, and that look counts, whichever way it goes.
 */
export const ratesOf = async (
  folder: string,
  reads: Read[],
  bodies: Map<Read, unknown>,
  least: number,
): Promise<Map<Read, Rate>> => {
  if (!reads.length) return new Map()
  const rates = await lookAt(folder, reads, bodies, ROUND_MS)
  const low = reads.filter((read) => rates.get(read)!.ratio < least)
  return low.length ? new Map([...rates, ...(await lookAt(folder, low, bodies, ROUND_MS * LONGER))]) : rates
}

const lookAt = async (
  folder: string,
  reads: Read[],
  bodies: Map<Read, unknown>,
  roundMs: number,
): Promise<Map<Read, Rate>> => {
  const served = await startServed(folder)
  const rates = new Map<Read, Rate>()
  const bySize = reads.toSorted((a, b) => a.bytes - b.bytes)
  for (let first = 0; first < bySize.length; first += TOGETHER) {
    const group = bySize.slice(first, first + TOGETHER)
    const [program, bare] = (await served.answer(bodies.get(group[group.length >> 1]!))).urls
    const loads = [
      { url: `${bare}/bare/${crypto.randomUUID()}`, headers: group[0]!.headers, status: 200 },
      ...group.map(({ url, headers, status }) => ({ url: program + url, headers, status })),
    ]
    if (!first) await rate({ ...loads[0]!, connections: CONNECTIONS, ms: BARE_WARM_MS })
    const rounds: Turn[][] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const turns: Turn[] = []
      for (const load of loads) {
        const ms = round ? roundMs : WARM_MS
        const answers = round ? 0 : WARM
        const { cpu } = await served.use()
        const perSecond = await rate({ ...load, connections: CONNECTIONS, ms, answers })
        turns.push({ perSecond, cpu: ((await served.use()).cpu - cpu) / (perSecond * (ms / 1000)) })
      }
      // The first round warms up.
      if (round) rounds.push(turns)
    }
    group.forEach((read, i) => {
      const each = (value: (own: Turn, bare: Turn) => number) =>
        median(rounds.map((turns) => value(turns[i + 1]!, turns[0]!)))
      rates.set(read, {
        perSecond: each((own) => own.perSecond),
        ratio: each((own, bare) => own.perSecond / bare.perSecond),
        cpuRatio: each((own, bare) => bare.cpu / own.cpu),
      })
    })
  }
  served.stop()
  return rates
}
