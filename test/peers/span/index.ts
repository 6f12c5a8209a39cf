import { RUNTIMES } from '../support/broker.ts'
import type { Report } from '../support/report.ts'
import type { HomeKind } from './ground.ts'
import { killed } from './killed.ts'
import { RENTALS } from './rental.ts'
import { renting } from './renting.ts'
import { rentingWide } from './renting-wide.ts'
import { wide } from './wide.ts'
import { zones } from './zones.ts'

/**
 * One wish and several clouds: whoever names one network, image, flavor, key and group is served by any of them.
 *
 * @param home what one of them is; the rest is told of vSphere alone
 * @param turn null: every program rents everywhere on each runtime; else the part of them whose turn it is
 */
export const span = async (report: Report, turn: number | null, home: HomeKind): Promise<void> => {
  await wide(report, home)
  if (home !== 'vsphere') return
  await killed(report)
  await zones(report)
  if (turn === null) {
    await Promise.all(RUNTIMES.map((runtime) => renting(report, runtime, RENTALS)))
    await Promise.all(RUNTIMES.map((runtime) => rentingWide(report, runtime, RENTALS)))
    return
  }
  const by = (n: number) => RUNTIMES[n % RUNTIMES.length]!
  const half = RENTALS.filter((_, n) => n % 2 === Math.floor(turn / 2) % 2)
  await Promise.all([renting(report, by(turn), RENTALS), rentingWide(report, by(turn + 1), half)])
}
