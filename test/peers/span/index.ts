import type { Report } from '../support/report.ts'
import { killed } from './killed.ts'
import { renting } from './renting.ts'
import { wide } from './wide.ts'

/** One wish and several clouds: whoever names one network, image, flavor, key and group is served by any of them. */
export const span = async (report: Report): Promise<void> => {
  await wide(report)
  await killed(report)
  await renting(report)
}
