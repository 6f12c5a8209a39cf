import type { CheckReport } from '../contract.ts'
import { accountOf, type Engine } from './engine.ts'

/** Version of the embedded cloud's state layout. */
const VERSION = 'sandbox 1'

/** The embedded cloud is always reachable; what its fault rules will do is said beforehand. */
export const check = (engine: Engine): Promise<CheckReport> =>
  engine.call('cloud.check', {}, async () => {
    const { faults, clock_skew_ms } = engine.settings
    return {
      reachable: true,
      account: accountOf(engine.connection),
      version: VERSION,
      clockSkewMs: clock_skew_ms,
      denied: faults
        .filter(({ fault, probability }) => fault === 'denied' && (probability ?? 1) >= 1)
        .map((rule) => rule.method),
      warnings: faults.length > 0 ? ['Fault rules are set: calls will fail on purpose.'] : [],
    }
  })
