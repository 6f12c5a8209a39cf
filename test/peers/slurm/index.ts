import { RUNTIMES, type Runtime } from '../support/broker.ts'
import { lackOf } from '../support/debian.ts'
import type { Report } from '../support/report.ts'
import { burst } from './burst.ts'

/**
 * Debian's Slurm with power saving, whose nodes are servers: the programs of docs/slurm.md, word for word, over two clouds.
 *
 * @param turn null: the long round, on each runtime; else a handful of nodes, on the runtime whose turn it is
 */
export const slurm = async (report: Report, turn: number | null): Promise<void> => {
  const from = Date.now()
  const lack = (await lackOf('sbatch', 'slurm-wlm')) ?? (await lackOf('munged', 'munge'))
  const why = lack === null ? '' : `no job was run: ${lack}`
  report.step('slurm', 'slurm-wlm of Debian', lack === null ? 'passed' : 'skipped', Date.now() - from, why)
  if (lack !== null) return
  const runtimes: Runtime[] = turn === null ? RUNTIMES : [RUNTIMES[turn % RUNTIMES.length]!]
  for (const runtime of runtimes) await burst(report, runtime, turn === null)
}
