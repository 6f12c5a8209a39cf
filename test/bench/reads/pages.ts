import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Trips } from '../counting.ts'
import { median, timed } from '../load.ts'
import { ROUNDS } from '../settings.ts'

export interface PageTime {
  ms: number
  /** Of what the same statements take without the program, with `JSON.stringify` of their rows: the median of the rounds. */
  ratio: number
  /** The same of the CPU time, which tells more where others are at work on the machine. */
  cpuRatio: number
}

/** Milliseconds of a page, in turns with the bare read of its rows. */
export const pageTimeOf = async (folder: string, trips: Trips, page: () => Promise<unknown>): Promise<PageTime> => {
  const sqlite = new DatabaseSync(join(folder, 'plimsoll.db'), { readOnly: true })
  const statements = trips.reads.map(({ sql, values }) => ({
    statement: sqlite.prepare(sql),
    values: values as SQLInputValue[],
  }))
  const bare = () => {
    for (const { statement, values } of statements) JSON.stringify(statement.all(...values))
  }
  const rounds: { page: Taken; bare: Taken }[] = []
  for (let round = 0; round < ROUNDS * 2; round++) rounds.push({ page: await taken(page), bare: await taken(bare) })
  sqlite.close()
  return {
    ms: median(rounds.map(({ page }) => page.ms)),
    ratio: median(rounds.map(({ page, bare }) => page.ms / bare.ms)),
    cpuRatio: median(rounds.map(({ page, bare }) => page.cpu / bare.cpu)),
  }
}

interface Taken {
  ms: number
  /** Microseconds. */
  cpu: number
}

const TIMES = 3
const taken = async (work: () => unknown): Promise<Taken> => {
  const before = process.cpuUsage()
  const ms = await timed(TIMES, work)
  const { user, system } = process.cpuUsage(before)
  // One more warms up.
  return { ms, cpu: (user + system) / (TIMES + 1) }
}
