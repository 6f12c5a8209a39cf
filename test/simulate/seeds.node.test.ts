import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { long, turn } from '../support/rounds.ts'

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url))
/** Ten thousand in all, by turns. */
const ALL = 10_000
const SEEDS = long ? 5_000 : 500
const FROM = turn(ALL / SEEDS) * SEEDS
const WORKERS = Math.min(4, Math.max(2, availableParallelism()))
/** What a seed leaves behind is young: with room for it its collection takes half the time. */
const FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=64']
const run = promisify(execFile)

type Count = 'seeds' | 'crashes' | 'objects' | 'violations' | 'moved' | 'handovers'

const simulate = async (...args: string[]) => {
  const { stdout } = await run(process.execPath, [...FLAGS, RUN, ...args])
  return JSON.parse(stdout) as Record<Count, number>
}

it(`${SEEDS} seeds from ${FROM} on: no duplicate, no loss, no leak, no drift`, async () => {
  const share = SEEDS / WORKERS
  // A seed that fails ends its process with 1, and the error shows the seed with the command that replays it.
  const parts = await Promise.all(
    Array.from({ length: WORKERS }, (_, i) => simulate('--seeds', String(share), '--from', String(FROM + i * share))),
  )
  const sum = (count: Count) => parts.reduce((n, part) => n + part[count], 0)
  expect(sum('violations')).toBe(0)
  expect(sum('seeds')).toBe(SEEDS)
  // It is no proof if nothing happened.
  expect(sum('crashes')).toBeGreaterThan(SEEDS)
  expect(sum('objects')).toBeGreaterThan(SEEDS)
  expect(sum('handovers')).toBeGreaterThan(long ? 100 : 0)
  if (long) expect(sum('moved')).toBeGreaterThan(2)
}, 600_000)
