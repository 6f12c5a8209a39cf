import { RUNTIMES, type Runtime } from '../support/broker.ts'
import type { Report } from '../support/report.ts'
import { programs } from './programs.ts'
import { planned } from './story.ts'

/**
 * Terraform with the unmodified provider of OpenStack: the configuration of docs/terraform.md, word for word, over two clouds.
 *
 * @param turn null: on each runtime; else on the one whose turn it is
 */
export const terraform = async (report: Report, turn: number | null): Promise<void> => {
  const from = Date.now()
  const built = await programs()
  report.step('terraform', 'Terraform and its provider of OpenStack are there', 'passed', Date.now() - from)
  const runtimes: Runtime[] = turn === null ? RUNTIMES : [RUNTIMES[turn % RUNTIMES.length]!]
  for (const runtime of runtimes) await planned(report, runtime, built)
}
